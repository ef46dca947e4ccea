"""The answers to calls that carry clients: whose they are, and what of them goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any

from detectors.client_index.identifier import Identifier
from gateway.crm.profile import Delivered, UninspectableError
from gateway.crm.profiles.tryton_identifying import Fresh
from gateway.crm.profiles.tryton_masks import Masks
from gateway.crm.profiles.tryton_records import Records
from gateway.crm.profiles.tryton_rows import Rows
from gateway.exchange import Response
from policies.decision import Obligations
from policies.masks import Masking, conceal
from policies.request import ClientId

type Wrap = Callable[[Any], Response]
"""Makes the response for a changed result; `None` as argument stands for the answer as it came."""

AS_IT_CAME = object()
"""Given to a `Wrap`: nothing was changed, so the CRM's own bytes go out."""

_NOBODY: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordsAnswer:
    """Records with their ids."""

    records: Records
    wrap: Wrap
    single: bool
    """The result is one record, not a list."""
    created: tuple[ClientId, ...] = ()
    deleted: tuple[ClientId, ...] = ()
    written: list[Identifier] = field(default_factory=list)
    """Identifying values that the call wrote."""

    @property
    def ids(self) -> tuple[ClientId, ...]:
        return tuple(self.records.clients)

    @property
    def contact_ids(self) -> frozenset[ClientId]:
        return _true(self.records.clients)

    @property
    def fields(self) -> frozenset[str]:
        return self.records.fields

    @property
    def owners(self) -> Mapping[ClientId, str | None]:
        return self.records.owners

    @property
    def takes_mark(self) -> bool:
        return False

    def identifiers(self, fresh: Fresh | None = None) -> list[Identifier]:
        return self.written + self.records.identifiers(fresh)

    def release(self, obligations: Obligations, masking: Masking = conceal) -> Delivered:
        """Raises UninspectableError if the one record asked for may not go."""
        out, clients, changed = self.records.release(Masks(obligations, masking))
        if self.single and not out:
            raise UninspectableError("record that may not go")
        result = AS_IT_CAME if not changed else out[0] if self.single else out
        response, rows = self.wrap(result), len(out)
        self.records.forget()
        return _delivered(response, clients, rows, self.fields)


@dataclass(frozen=True, slots=True)
class RowsAnswer:
    """Rows without ids of themselves."""

    rows: Rows
    wrap: Wrap
    created: tuple[ClientId, ...] = ()
    deleted: tuple[ClientId, ...] = ()

    @property
    def ids(self) -> tuple[ClientId, ...]:
        return tuple(self.rows.clients)

    @property
    def contact_ids(self) -> frozenset[ClientId]:
        return _true(self.rows.clients)

    @property
    def fields(self) -> frozenset[str]:
        return self.rows.fields

    @property
    def owners(self) -> Mapping[ClientId, str | None]:
        return self.rows.owners

    @property
    def takes_mark(self) -> bool:
        return True

    def identifiers(self, fresh: Fresh | None = None) -> list[Identifier]:
        return self.rows.identifiers(fresh)

    def release(self, obligations: Obligations, masking: Masking = conceal) -> Delivered:
        out, clients = self.rows.release(Masks(obligations, masking))
        delivered = _delivered(self.wrap(out), clients, len(out) - self.rows.heads, self.fields)
        return replace(delivered, marked=lambda text: self.wrap([*out, self.rows.line(text)]))


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """Ids, a number, or nothing: no field of a client."""

    response: Response
    created: tuple[ClientId, ...] = ()
    deleted: tuple[ClientId, ...] = ()
    ids: tuple[ClientId, ...] = ()
    contact_ids: frozenset[ClientId] = _NOBODY
    fields: frozenset[str] = frozenset()
    written: list[Identifier] = field(default_factory=list)
    """Identifying values that the call wrote."""

    @property
    def owners(self) -> Mapping[ClientId, str | None]:
        return {}

    @property
    def takes_mark(self) -> bool:
        return False

    def identifiers(self, fresh: Fresh | None = None) -> list[Identifier]:
        return self.written

    def release(self, obligations: Obligations, masking: Masking = conceal) -> Delivered:
        """As it came: there is nothing to take out."""
        return Delivered(self.response, _NOBODY, _NOBODY, 0, frozenset())


@dataclass(frozen=True, slots=True)
class SealedAnswer:
    """A document about clients that the call named: it goes as a whole or not at all."""

    response: Response
    ids: tuple[ClientId, ...]
    created: tuple[ClientId, ...] = ()
    deleted: tuple[ClientId, ...] = ()
    fields: frozenset[str] = frozenset({"document"})

    @property
    def contact_ids(self) -> frozenset[ClientId]:
        return frozenset(self.ids)

    @property
    def owners(self) -> Mapping[ClientId, str | None]:
        return {}

    @property
    def takes_mark(self) -> bool:
        return False

    def identifiers(self, fresh: Fresh | None = None) -> list[Identifier]:
        """None that could be read: a document."""
        return []

    def release(self, obligations: Obligations, masking: Masking = conceal) -> Delivered:
        """Raises UninspectableError if a client of it may not go or has masks."""
        named = frozenset(self.ids)
        if (obligations.keep is not None and not named <= obligations.keep) or (obligations.masks and named & obligations.masked):
            raise UninspectableError("document that cannot be trimmed")
        return Delivered(self.response, named, named, len(self.ids), self.fields)


def _delivered(response: Response, clients: Mapping[ClientId, bool], rows: int, fields: frozenset[str]) -> Delivered:
    return Delivered(response, frozenset(clients), _true(clients), rows, fields)


def _true(clients: Mapping[ClientId, bool]) -> frozenset[ClientId]:
    return frozenset(compress(clients, clients.values()))
