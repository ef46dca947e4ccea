"""Which exports the marks in a content name, and whether to believe them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from audit_store.client_sets import decode_ids
from audit_store.event import ExportLink
from audit_store.manifests import Manifest, Manifests
from detectors.mark import Mark, Marker
from policies.request import ClientId


class Trust(StrEnum):
    """What a mark's code says about it."""

    GENUINE = "genuine"
    """Letter by letter as it was made here."""
    ALTERED = "altered"
    """The code is one of ours, and the words around it are not those that it was made for."""
    FOREIGN = "foreign"
    """The code is none of ours: another installation's, or made up."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark, judged."""

    mark: Mark
    trust: Trust
    manifest: Manifest | None
    """The export that the code belongs to; None: it is not kept here."""
    clients: int
    """Clients of the content that are in this export."""


def judged(marks: Collection[Mark], clients: Collection[ClientId], marker: Marker, manifests: Manifests) -> list[Marked]:
    """The marks of a content with these clients: genuine ones first, then altered ones. Raises SQLAlchemyError."""
    found = []
    ours = manifests.of_marks({mark.code for mark in marks})
    for mark in marks:
        manifest = ours.get(mark.code)
        trust = Trust.GENUINE if marker.made(mark) else Trust.ALTERED if manifest is not None else Trust.FOREIGN
        found.append(Marked(mark, trust, manifest, _common(manifest, clients)))
    order = list(Trust)
    return sorted(found, key=lambda one: (order.index(one.trust), -one.clients, one.mark.parts))


def named_by_marks(manifests: Iterable[Manifest], clients: Collection[ClientId], links: Collection[ExportLink]) -> tuple[ExportLink, ...]:
    """The exports of a content: those that its clients came from, then those that only a mark names. A copied mark comes before nothing."""
    named = {one.name: ExportLink(one.name, one.act_id, _common(one, clients), marked=True) for one in manifests}
    told = [replace(link, marked=link.name in named) for link in links]
    return (*told, *(link for name, link in named.items() if name not in {one.name for one in links}))


def _common(manifest: Manifest | None, clients: Collection[ClientId]) -> int:
    return len(decode_ids(manifest.clients).intersection(clients)) if manifest is not None else 0
