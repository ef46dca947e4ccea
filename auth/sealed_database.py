"""The shared database of an installation, with the seals of its rows (`auth.sealed_rows`)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.database import Server, open_database
from auth.people_tables import StatusPlan
from auth.row_seal import RowSeal
from auth.row_versions import FILE, RowVersions
from auth.sealed_rows import SealedRow, accept, attach
from auth.storage import reading, writing
from auth.tables import ConsoleSession, CrmAccount, CrmSession, Person, RiskLevel

MARK = "rows-are-sealed"
"""In `state/keys`, which every machine of an installation has the same: there are seals since then, and nothing is sealed unseen again."""
_KINDS: tuple[type[SealedRow], ...] = (Person, CrmAccount, CrmSession, ConsoleSession, RiskLevel, StatusPlan)
"""What is sealed once at the upgrade; requests for approval that waited have ended."""


def open_sealed(place: Path | Server, state: Path) -> Engine:
    """The database, its rows sealed and looked at under the keys of the state folder.

    Rows from before there were seals are sealed once: when this installation has never had any (decision 0020).
    Raises as `audit_store.database.open_database`, and SecretError, OSError.
    """
    engine = open_database(place)
    attach(engine, RowSeal.of(state), RowVersions(state / FILE))
    mark = state / "keys" / MARK
    if not mark.exists():
        _seal_all(engine)
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


def _has_seals(session: Session) -> bool:
    return any(session.scalar(select(kind.seal).where(kind.seal.is_not(None)).limit(1)) is not None for kind in _KINDS)


def _write(mark: Path) -> None:
    descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, f"{datetime.now(UTC).isoformat(timespec='seconds')}\n".encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
