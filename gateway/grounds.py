"""What every judging process of the gateway's side stands on: the rules in force, and what everybody has had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from audit_store.engines import Server
from audit_store.event import EventAction, plain_event
from audit_store.history import History, Source
from audit_store.log import Log, exists
from audit_store.machines import Machines
from audit_store.spool import Spool
from auth.installation import Installation
from auth.policy_signature import PolicyKey
from policies.problems import PolicyErrors
from policies.store import Change, PolicyStore

TURNS = "turns.lock"
"""The file of `audit_store.turns` in the state folder."""


def history(place: Path | Server, spools: Sequence[Source], now: datetime) -> History:
    """What everybody has had in the last 30 days, from the central log (`Installation.log`) and from what these spools have beyond it."""
    counted = History()
    if not exists(place):
        counted.rebuild(None, *spools, now=now)
        return counted
    log = Log.open(place, reading=True)
    try:
        counted.rebuild(log, *spools, now=now)
    finally:
        log.close()
    return counted


def machines(installation: Installation, spool: Spool) -> Machines | None:
    """This process among those of other machines; None where one machine has everything. To be made before the history, which it goes on
    from. Raises LogError, SpoolError, DatabaseError.
    """
    if installation.server is None or installation.machine is None:
        return None
    return Machines(installation.server, installation.machine, spool.folder)


def policies(state: Path, spool: Spool, now: Callable[[], datetime]) -> PolicyStore:
    """The rules in force; in a new installation the shipped ones. A spoilt change is recorded, and the last valid version stays."""

    def changed(change: Change) -> None:
        action = EventAction.POLICY_ACTIVATED if change.activated else EventAction.POLICY_REFUSED
        numbers = {"version": change.version, "errors": change.errors, "red_cases": change.red}
        spool.append(plain_event(action, at=now(), outcome="success" if change.activated else "failure", numbers=numbers))

    def spoilt(errors: PolicyErrors) -> None:
        numbers = {"errors": len(errors.errors)}
        spool.append(plain_event(EventAction.POLICY_REFUSED, at=now(), outcome="failure", numbers=numbers))

    store = PolicyStore(state / "policies", PolicyKey(state / "keys"), record=changed, problem=spoilt)
    store.prepare("torwart")
    store.current()  # none that can be used: the start is refused, not the first request
    return store
