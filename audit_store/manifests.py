"""What left in each export: the clients, keyed hashes of their values, fields, filter, digest. Any later finding anywhere links back to it.

A manifest is written before the export is released, and its name stands in the event of the release. No client's value is in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.attribution import Source, sources
from audit_store.client_sets import decode_ids, encode_ids
from audit_store.database import take_write_lock
from audit_store.event import ExportLink
from audit_store.tables import ExportMark, Manifest
from policies.request import ClientId

__all__ = ["Export", "Link", "Manifest", "Manifests", "Marking"]

NAME_DIGITS = 4
"""Of a name, at first; a name that is taken grows, so that it stays unique: people read it to each other."""

LINKS_MAX = 5
"""Exports named for one finding: a reviewer reads no more, and what is left over after five is chance."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is about to be released."""

    act_id: str
    pseudonym: str
    at: datetime
    """UTC."""
    clients: frozenset[ClientId]
    keys: frozenset[int]
    """Keyed hashes (64 bits, the client index's) of the identifying values in its bytes."""
    fields: Sequence[str]
    digest: str
    """SHA-256 of the delivered bytes, hexadecimal."""
    filter_digest: str | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """An export that explains a finding, wholly or in part."""

    name: str
    act_id: str
    at: datetime
    pseudonym: str
    """Who exported."""
    clients: int
    """Clients of the finding that were in this export and in none named before it."""
    of: int
    """Clients of the export."""
    confidence: float
    """0 to 1: how likely it is that these clients came from this export (`audit_store.attribution`)."""
    rivals: tuple[str, ...] = ()
    """Names of other exports that they may as well be from."""

    def short(self) -> ExportLink:
        """As an event names it."""
        return ExportLink(self.name, self.act_id, self.clients)


type Marking = Callable[[str], tuple[str, str]]
"""Given the short name of an export: puts a mark on its bytes. The mark's code, and SHA-256 of the bytes then."""


class Manifests:
    """The exports of an installation. May be used from several processes and threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: list[_Known] = []
        self._newest = 0

    def put(self, export: Export, marking: Marking | None = None) -> str:
        """Keep an export, durably; its short name. Raises SQLAlchemyError: then nothing may be released.

        `marking` puts that name on what leaves; its digest is kept instead of that in `export`.
        """
        with Session(self._engine) as session:
            take_write_lock(session.connection())
            name = _free_name(session, export.act_id)
            digest = export.digest
            if marking is not None:
                code, digest = marking(name)
                session.add(ExportMark(code=code, name=name))
            session.add(
                Manifest(
                    name=name,
                    act_id=export.act_id,
                    pseudonym=export.pseudonym,
                    at=export.at,
                    clients=encode_ids(export.clients),
                    keys=encode_ids([str(key) for key in export.keys]),
                    fields=sorted(export.fields),
                    digest=digest,
                    filter_digest=export.filter_digest,
                    rows=export.rows,
                )
            )
            session.commit()
        return name

    def get(self, name: str) -> Manifest | None:
        """The export of that short name."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.scalar(select(Manifest).where(Manifest.name == name))

    def of_digest(self, digest: str) -> Manifest | None:
        """The newest export whose delivered bytes have this SHA-256: the file is the very one."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.scalar(select(Manifest).where(Manifest.digest == digest).order_by(Manifest.at.desc()))

    def of_marks(self, codes: Collection[str]) -> dict[str, Manifest]:
        """Code -> the export whose mark has it; codes that are none of ours are left out."""
        asked = select(ExportMark.code, Manifest).join(Manifest, ExportMark.name == Manifest.name).where(ExportMark.code.in_(codes))
        with Session(self._engine, expire_on_commit=False) as session:
            return {code: manifest for code, manifest in session.execute(asked)}  # noqa: C416 # a row is no pair for mypy

    def explain(self, clients: Collection[ClientId], keys: Collection[int] = (), *, pseudonym: str | None = None) -> list[Link]:
        """The exports that a finding came from, the best first; few, each adding clients that those before it do not have.

        `keys` (hashes of the values found) tell apart exports of the same clients with other fields or from another time; `pseudonym` is
        who has the content, if that is known (`audit_store.attribution`).
        """
        with self._lock:
            self._refresh()
            exports = list(self._known)
        return [_link(source) for source in sources(clients, keys, exports, pseudonym=pseudonym, most=LINKS_MAX)]

    def _refresh(self) -> None:
        """Take over what was put since the last look, by any process. Rows are never changed."""
        with Session(self._engine) as session:
            for row in session.scalars(select(Manifest).where(Manifest.id > self._newest).order_by(Manifest.id)):
                keys = frozenset(map(int, decode_ids(row.keys)))
                self._known.append(_Known(row.name, row.act_id, row.pseudonym, row.at, decode_ids(row.clients), keys))
                self._newest = row.id


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    act_id: str
    pseudonym: str
    at: datetime
    clients: frozenset[ClientId]
    keys: frozenset[int]


def _link(source: Source[_Known]) -> Link:
    best = source.export
    rivals = tuple(rival.name for rival in source.rivals)
    return Link(
        best.name, best.act_id, best.at, best.pseudonym, len(source.clients), len(best.clients), round(source.confidence, 3), rivals
    )


def _free_name(session: Session, act_id: str) -> str:
    digest = sha256(act_id.encode()).hexdigest().upper()
    for digits in range(NAME_DIGITS, len(digest) // 2):
        if session.scalar(select(Manifest.id).where(Manifest.name == digest[:digits])) is None:
            return digest[:digits]
    raise ValueError("an export of this act is kept already")
