"""Keeps a manifest of every export before it is released, so that whatever turns up outside later leads back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from audit_store.manifests import Export, Manifests
from audit_store.spool import SpoolError
from detectors.client_index.hashing import Hashing
from detectors.client_index.identifier import Identifier
from gateway.crm.profile import Delivered
from policies.request import AccessRequest


@dataclass(frozen=True, slots=True)
class Exports:
    """Writes manifests; beside the event loop, for an export of thousands takes a moment."""

    manifests: Manifests
    hashing: Hashing

    async def keep(self, question: AccessRequest, delivered: Delivered, identifiers: Sequence[Identifier]) -> str:
        """Keep what is about to leave, durably; its short name. `identifiers` are those of the answer before masks fell.

        Raises SpoolError when it cannot be kept: an export without a manifest is one that nobody can trace, so it is not released.
        """
        try:
            return await asyncio.to_thread(self._put, question, delivered, identifiers)
        except (SQLAlchemyError, ValueError) as error:
            raise SpoolError(f"the manifest of the export could not be kept: {type(error).__name__}") from error

    def _put(self, question: AccessRequest, delivered: Delivered, identifiers: Sequence[Identifier]) -> str:
        clear = (identifier for identifier in identifiers if identifier.client in delivered.taken)
        keys = {key for entry in self.hashing.entries(clear) for found in entry.keys.values() for key in found}
        return self.manifests.put(
            Export(
                act_id=question.act_id,
                pseudonym=question.principal.pseudonym,
                at=question.context.at,
                clients=delivered.shown,
                keys=frozenset(keys),
                fields=sorted(delivered.fields),
                digest=sha256(delivered.response.body).hexdigest(),
                filter_digest=question.resource.filter_digest,
                rows=delivered.rows,
            )
        )
