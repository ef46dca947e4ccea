"""Keeps a manifest of every export before it is released, and puts its mark on it: whatever turns up outside later leads back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from audit_store.manifests import Export, Manifests
from audit_store.spool import SpoolError
from detectors.client_index.hashing import Hashing
from detectors.client_index.identifier import Identifier
from detectors.mark import Marker
from gateway.crm.profile import Delivered
from policies.request import AccessRequest, Principal


@dataclass(frozen=True, slots=True)
class Exports:
    """Writes manifests; beside the event loop, for an export of thousands takes a moment."""

    manifests: Manifests
    hashing: Hashing
    marker: Marker
    person_called: Callable[[Principal], str]
    """What a mark calls the person who exports: as the installation names people."""

    async def keep(
        self, question: AccessRequest, delivered: Delivered, identifiers: Sequence[Identifier], *, marked: bool
    ) -> tuple[str, Delivered]:
        """Keep what is about to leave, durably; its short name, and what leaves: with its mark, if it is `marked`.

        `identifiers` are those of the answer before masks fell. Raises SpoolError when it cannot be kept: an export without a manifest is
        one that nobody can trace, so it is not released. Raises ValueError where something is to be marked that takes no mark.
        """
        if marked and delivered.marked is None:
            raise ValueError("an export that cannot be marked is denied before it comes here")
        try:
            return await asyncio.to_thread(self._put, question, delivered, identifiers, marked=marked)
        except (SQLAlchemyError, ValueError) as error:
            raise SpoolError(f"the manifest of the export could not be kept: {type(error).__name__}") from error

    def _put(
        self, question: AccessRequest, delivered: Delivered, identifiers: Sequence[Identifier], *, marked: bool
    ) -> tuple[str, Delivered]:
        going, called = delivered, self.person_called(question.principal) if marked else ""

        def marking(name: str) -> tuple[str, str]:
            nonlocal going
            assert delivered.marked is not None  # noqa: S101 # `keep` has looked
            mark = self.marker.make(name, called, question.context.at)
            going = replace(delivered, response=delivered.marked(str(mark)), marked=None)
            return mark.code, _digest(going)

        clear = (identifier for identifier in identifiers if identifier.client in delivered.taken)
        keys = {key for entry in self.hashing.entries(clear) for found in entry.keys.values() for key in found}
        export = Export(
            act_id=question.act_id,
            pseudonym=question.principal.pseudonym,
            at=question.context.at,
            clients=delivered.shown,
            keys=frozenset(keys),
            fields=sorted(delivered.fields),
            digest="" if marked else _digest(delivered),
            filter_digest=question.resource.filter_digest,
            rows=delivered.rows,
        )
        name = self.manifests.put(export, marking if marked else None)
        return name, going


def _digest(delivered: Delivered) -> str:
    return sha256(delivered.response.body).hexdigest()
