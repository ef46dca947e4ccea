"""A widening of the rules needs two people's keys, on the page Approvals; the command line itself is nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from auth.approval_request import ApprovalKind, ReasonMissingError, Shown, TooManyOpenError
from auth.approvals import Approvals
from auth.command_line import fail
from auth.stepup import clock_id
from auth.storage import reading
from auth.tables import Person
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from auth.voices import administrators
from console.cli.house import House, open_house
from policies.needs import Approval
from policies.widening import Widenings

ADMINISTRATORS = "owner|admin"
PEOPLE = 2
"""Whoever types the command may be one of them: two keys are two people."""
EXPIRES_SECONDS = 24 * 3600
_PAUSE_SECONDS = 2.0


def somebody_has_a_key(house: House) -> bool:
    """Whether any administrator has a key. Before that, nobody could confirm anything with one, and the digest has to do."""
    return bool(_able(house.engine))


def _able(engine: Engine) -> list[Person]:
    with reading(engine) as session:
        return administrators(session)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a widening waits."""

    url: str
    alone: bool


def ask(config: Path, wider: Widenings, who: str, reason: str | None) -> Asked:
    """Ask for exactly this change, once. Ends the command where nobody could approve it.

    `who` typed it, `reason` is for an address outside.
    """
    with _approvals(config) as (house, approvals):
        if len(_able(house.engine)) < PEOPLE and house.installation.sole_reviewer is None:
            fail(
                "rules that let more through need the keys of two administrators, and only one has a key — register a second "
                "administrator's key, or say in torwart.yaml what stands for it (sole_reviewer)"
            )
        lines = (f"{wider.digest} ({who})", *(str(line) for line in wider.lines))
        request = approvals.pending(ApprovalKind.RULES, None, wider.change)
        try:
            request = request or approvals.ask(
                kind=ApprovalKind.RULES,
                requester=None,
                digest=wider.change,
                shown=Shown(ApprovalKind.RULES.value, lines=lines),
                need=Approval(PEOPLE, ADMINISTRATORS, EXPIRES_SECONDS),
                reason=reason,
            )
        except ReasonMissingError as error:
            fail(f"{error} (--reason)")
        except TooManyOpenError as error:
            fail(str(error))
        return Asked(f"{house.installation.torwart_url}/approvals/{request.id}", request.alone)


def approved(config: Path, wider: Widenings, *, wait: bool) -> str | None:
    """The pseudonyms of those who have approved exactly this change, used up with it; None: nobody has, yet.

    Ends the command where it was turned down, or `wait` was in vain.
    """
    while True:
        with _approvals(config) as (house, approvals):
            if (proofs := approvals.take(ApprovalKind.RULES, None, wider.change)) is not None:
                names = [house.people.by_id(proof.approver) for proof in proofs]
                return ", ".join(sorted(one.pseudonym for one in names if one is not None))
            request = approvals.pending(ApprovalKind.RULES, None, wider.change)
        if not wait:
            return None
        if request is None:
            fail("this change was turned down, or nobody approved it in time: what was in force stays")
        time.sleep(_PAUSE_SECONDS)


@contextmanager
def _approvals(config: Path) -> Iterator[tuple[House, Approvals]]:
    with open_house(config) as house:
        used = UsedActs(house.installation.state / USED_ACTS)
        sole = house.installation.sole_reviewer
        yield house, Approvals(house.engine, house.record, house.keys, house.pseudonyms, clock_id(house.engine), used=used, sole=sole)
