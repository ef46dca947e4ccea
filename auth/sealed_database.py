"""The shared database of an installation, with the seals of its rows (`auth.sealed_rows`)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.database import Server, open_database
from auth.belongings import Belonging, adopt
from auth.people_tables import StatusPlan
from auth.row_seal import RowSeal
from auth.row_versions import FILE, RowVersions
from auth.sealed_rows import UNLISTED, SealedRow, accept, attach
from auth.storage import reading, writing
from auth.tables import ConsoleSession, CrmAccount, CrmSession, Person, RiskLevel

MARK = "rows-are-sealed"
"""In `state/keys`, which every machine of an installation has the same: there are seals since then, and nothing is sealed unseen again."""
LIST_MARK = "rows-are-listed"
"""Beside it: people have lists of what belongs to them since then (`auth.belongings`)."""
_KINDS: tuple[type[SealedRow], ...] = (Person, CrmAccount, CrmSession, ConsoleSession, RiskLevel, StatusPlan)
"""What is sealed once at the upgrade; requests for approval that waited have ended."""


def open_sealed(place: Path | Server, state: Path) -> Engine:
    """The database, its rows sealed and looked at under the keys of the state folder.

    Rows from before there were seals are sealed once, and what belongs to people is listed once: when this installation has never had
    any (decision 0020).
    Raises as `audit_store.database.open_database`, and SecretError, OSError.
    """
    engine = open_database(place)
    attach(engine, RowSeal.of(state), RowVersions(state / FILE))
    for name, bring_up in ((MARK, _seal_all), (LIST_MARK, _list_all)):
        mark = state / "keys" / name
        if not mark.exists():
            bring_up(engine)
            _write(mark)
    return engine


def _seal_all(engine: Engine) -> None:
    with reading(engine) as session:
        if _has_seals(session):
            return
    with writing(engine) as session:
        if _has_seals(session):  # another process was first
            return
        for kind in _KINDS:
            for row in session.scalars(select(kind)):
                accept(row)


def _list_all(engine: Engine) -> None:
    with reading(engine) as session:
        if _has_lists(session):
            return
    with writing(engine) as session:
        if _has_lists(session):
            return
        theirs: dict[str, list[Belonging]] = {}
        accounts, levels, plans = (
            session.scalars(select(CrmAccount)),
            session.scalars(select(RiskLevel)),
            session.scalars(select(StatusPlan)),
        )
        for row in (*accounts, *levels, *plans):
            if row.doubt in (None, UNLISTED):
                theirs.setdefault(row.person_id, []).append(row)
        for person in session.scalars(select(Person)).all():
            if person.doubt == UNLISTED:
                adopt(session, person, theirs.get(person.id, ()))


def _has_lists(session: Session) -> bool:
    return session.scalar(select(Person.id).where(Person.belongings.is_not(None)).limit(1)) is not None


def _has_seals(session: Session) -> bool:
    return any(session.scalar(select(kind.seal).where(kind.seal.is_not(None)).limit(1)) is not None for kind in _KINDS)


def _write(mark: Path) -> None:
    descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, f"{datetime.now(UTC).isoformat(timespec='seconds')}\n".encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
