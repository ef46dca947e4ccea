"""Which keys are of a model that is known, trusted and admitted: the list of models as it was loaded, and what it says about a key."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from cryptography import x509
from sqlalchemy import Connection, Engine, select

from audit_store.event import Event, EventAction, plain_event
from auth.attestation import NO_MODEL
from auth.certificates import leads_to, read_certificate
from auth.key_tables import KeyMetadata
from auth.metadata import Metadata, MetadataError, Model, Report, read_metadata
from auth.plain_sql import PlainStatement
from auth.row_seal import RowSeal
from auth.storage import database_now, reading, writing
from auth.tables import Key
from policies.request import KeyClass

_ROW = 1


class Standing(StrEnum):
    """What is known of the model of a key."""

    SYNCED = "synced"
    """The key may be copied; its model does not matter."""
    UNATTESTED = "unattested"
    """Nobody vouches for it."""
    NO_LIST = "no_list"
    """Somebody vouches for it, and no list says whether that is to be trusted."""
    UNKNOWN = "unknown"
    """The list does not know the model."""
    UNTRUSTED = "untrusted"
    """Whoever vouches for it is not the maker of that model."""
    WITHDRAWN = "withdrawn"
    """The list says that the model, or the certificate of this key, is not to be trusted any more."""
    NOT_ADMITTED = "not_admitted"
    """The administrator has admitted other models."""
    TRUSTED = "trusted"


@dataclass(frozen=True, slots=True)
class _Read:
    """The list as it was read last, and what it said of keys: both are forgotten together, whatever other threads do."""

    seal: str | None
    metadata: Metadata | None
    found: dict[str, Standing] = field(default_factory=dict)


class KeyModels:
    """The list of one installation. Without a list, or without somebody who could have sealed it, no key is a verified one."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], seal: RowSeal, admitted: Collection[str] = ()) -> None:
        """`admitted`: numbers of models (AAGUID); none: all that the list knows and has not withdrawn."""
        self._engine = engine
        self._record = record
        self._seal = seal
        self._admitted = frozenset(one.lower() for one in admitted)
        self._read = _Read(None, None)
        self._asked = PlainStatement(select(KeyMetadata.seal).where(KeyMetadata.id == _ROW), engine.dialect)

    def load(self, blob: bytes, root: bytes, signer: str | None, *, old: bool = False) -> Metadata:
        """Check a list (`auth.metadata`) and keep it in the place of the one before. Raises MetadataError."""
        found = read_metadata(blob, root, signer, datetime.now(UTC), old=old)
        with writing(self._engine) as session:
            row = session.get(KeyMetadata, _ROW)
            if row is not None and found.number < row.number:
                raise MetadataError(f"the list has number {found.number}, the one that is loaded has {row.number} — download a newer one")
            if row is None:
                row = KeyMetadata(id=_ROW)
                session.add(row)
            row.number, row.next_update, row.loaded_at = found.number, found.next_update.isoformat(), database_now(session)
            row.models = zlib.compress(json.dumps([_written(model) for model in found.models]).encode())
            said: dict[str, int | str] = {"number": found.number, "models": len(found.models), "next_update": row.next_update}
            self._record(plain_event(EventAction.KEY_METADATA_LOADED, at=datetime.now(UTC), numbers=said))
            self._seal.put(row)
        return found

    def current(self) -> Metadata | None:
        """The list as it stands; None if there is none, or one that nobody of ours has sealed."""
        return self._now().metadata

    def _now(self, within: Connection | None = None) -> _Read:
        seal = self._stored(within)
        if seal is None:
            return _Read(None, None)
        known = self._read
        if seal != known.seal:
            with reading(within if within is not None else self._engine) as session:
                row = session.get_one(KeyMetadata, _ROW)
                known = self._read = _Read(row.seal, _kept(row) if self._seal.holds(row) else None)
        return known

    def _stored(self, within: Connection | None) -> str | None:
        """The seal of the list as it stands: every touch of a key for which somebody vouches asks, so it goes straight to the driver."""
        if within is None:
            with self._engine.connect() as connection:
                return self._stored(connection)
        row = self._asked.first(within.connection.cursor())
        return row[0] if row is not None else None

    def standing(self, key: Key, within: Connection | None = None) -> Standing:
        """What is known of the model of a key, by the list of today; asked `within` a transaction, if one is given."""
        if key.backup_eligible:
            return Standing.SYNCED
        path = certificates_of(key)
        if not path:
            return Standing.UNATTESTED
        now = self._now(within)
        if now.metadata is None:
            return Standing.NO_LIST
        if (known := now.found.get(key.id)) is None:
            known = now.found[key.id] = self._judged(now.metadata, key, path)
        return known

    def class_of(self, key: Key, within: Connection | None = None) -> KeyClass:
        """What kind of key it is today; asked `within` a transaction, if one is given."""
        if key.backup_eligible:
            return KeyClass.SYNCED
        return KeyClass.VERIFIED if self.standing(key, within) is Standing.TRUSTED else KeyClass.HARDWARE

    def model_of(self, key: Key) -> Model | None:
        """The model that a key says it is; None if the list does not know it."""
        metadata = self.current()
        return _model_of(metadata, key.aaguid, certificates_of(key)) if metadata is not None else None

    def admits(self, model: Model) -> bool:
        """Whether keys of this model may be verified ones, for all that the administrator has said."""
        return not self._admitted or (model.aaguid or "") in self._admitted

    def _judged(self, metadata: Metadata, key: Key, path: tuple[bytes, ...]) -> Standing:
        model = _model_of(metadata, key.aaguid, path)
        if model is None:
            return Standing.UNKNOWN
        if not leads_to(path, model.roots, key.created_at):
            return Standing.UNTRUSTED
        if model.withdrawn((*path, *model.roots)) is not None:
            return Standing.WITHDRAWN
        return Standing.TRUSTED if self.admits(model) else Standing.NOT_ADMITTED


def certificates_of(key: Key) -> tuple[bytes, ...]:
    """Who vouches for a key, its own certificate first; empty: nobody."""
    return tuple(b64decode(one) for one in key.trust_path)


def _model_of(metadata: Metadata, aaguid: str, path: tuple[bytes, ...]) -> Model | None:
    if aaguid != NO_MODEL:
        return next((model for model in metadata.models if model.aaguid == aaguid), None)
    identifiers = set(_identifiers(path))
    return next((model for model in metadata.models if model.aaguid is None and not identifiers.isdisjoint(model.identifiers)), None)


def _identifiers(path: tuple[bytes, ...]) -> Iterator[str]:
    """Key identifiers of certificates (RFC 5280, section 4.2.1.2, method 1), by which the list names authenticators without a number."""
    for der in path:
        yield x509.SubjectKeyIdentifier.from_public_key(read_certificate(der).public_key()).digest.hex()


def _written(model: Model) -> dict[str, object]:
    return {**asdict(model), "roots": [b64encode(root).decode("ascii") for root in model.roots]}


def _kept(row: KeyMetadata) -> Metadata:
    models = [
        Model(
            aaguid=one["aaguid"],
            identifiers=tuple(one["identifiers"]),
            name=one["name"],
            roots=tuple(b64decode(root) for root in one["roots"]),
            reports=tuple(Report(**report) for report in one["reports"]),
        )
        for one in json.loads(zlib.decompress(row.models))
    ]
    return Metadata(row.number, date.fromisoformat(row.next_update), tuple(models))
