"""`torwart policy rollback`: the rules of an earlier version again, under a new number."""

from __future__ import annotations

from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json
from console.cli.policy.activation import By, Days, Reason, Wait, Widen, put_in_force
from console.cli.policy.traffic import traffic_of
from policies.signing import Confirmation
from policies.store import PolicyStore


def rollback(
    number: Annotated[int | None, typer.Argument(help="The version whose rules come back. Left out: the one before.", min=1)] = None,
    by: By = None,
    widen: Widen = None,
    wait: Wait = False,
    reason: Reason = None,
    days: Days = 7,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Make the rules of an earlier version the next version. Its cases run again; what is wider than today is confirmed like any change."""
    traffic = traffic_of(config, days)

    def act(store: PolicyStore, who: str, confirmed: Confirmation | None) -> int:
        return store.rollback(number, who, traffic=traffic, confirmed=confirmed)

    put_in_force(config, by, widen, as_json, act, wait=wait, reason=reason)
