"""Recorded acts for `activate` and `rollback`: what would be wider is looked for in them too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit_store.log import exists
from audit_store.replay import recorded
from auth.command_line import fail
from auth.installation import ConfigError, load_installation
from console.cli.policy.people import people_of
from console.cli.record import open_record
from policies.names import NamesUsed
from policies.request import AccessRequest
from policies.rule import Policy
from policies.widening import Traffic, no_traffic


def traffic_of(config: Path, days: int) -> Traffic:
    """The acts of so many days, without those that cannot be judged again because the record lacks a name that a rule looks at."""
    if not days or not _has_record(config):
        return no_traffic
    seats = people_of(config).seats
    with open_record(config, looked_at=f"the acts of {days} days, for a change of the rules"):
        pass  # the look is recorded before the store writes into the same spool

    def acts(old: Policy, new: Policy) -> Iterator[AccessRequest]:
        names, until = (NamesUsed(old), NamesUsed(new)), datetime.now(UTC)
        with open_record(config) as record:
            for act in recorded(record.log, until - timedelta(days=days), until, seats=seats):
                if not any(act.missing & one.by(act.request) for one in names):
                    yield act.request

    return acts


def _has_record(config: Path) -> bool:
    try:
        return exists(load_installation(config)[0].log)
    except ConfigError as error:
        fail(*error.errors)
