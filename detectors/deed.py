"""What an event tells about a person's act, read once for all rules: typed, so that a renamed member is an error and not silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from audit_store.event import EventAction, ExportLink, Phase, decode_ids
from detectors.verdict import UNINSPECTABLE
from policies import reasons
from policies.request import Action, Channel, ClientId, Status

OUTBOUND = frozenset({Action.EXPORT, Action.REPORT, Action.PRINT, Action.SHARE, Action.BULK})
"""Acts whose result is made to be carried away."""
READING = frozenset({Action.LIST, Action.READ, Action.SEARCH})
_OF_EXPORTS = (
    reasons.EXPORT_NEEDS_KEY,
    reasons.REPORT_NEEDS_KEY,
    reasons.EXPORT_LIMIT,
    reasons.EXPORT_NOT_NOW,
    reasons.EXPORT_NOT_BEFORE_TALK,
)
EXPORT_REASONS = frozenset(reason.code for reason in _OF_EXPORTS)
"""Reasons that the policy gives to a read only if its effect is an export (attacks X6)."""
CONTACTS_OF_A_READ = 200
"""More clear contacts than this in one delivered answer are an export, whatever the call is named (design, section 9)."""
WAYS_OUT = frozenset({Action.UPLOAD, Action.FILE_COPY})
"""Acts by which content leaves beside the CRM: what is asked for is what was recognised in it."""
STOPPED = frozenset({Phase.HELD, Phase.DENIED, Phase.NOT_CONFIRMED})


class UnreadableEventError(Exception):
    """An event has not the shape that this release writes."""


@dataclass(frozen=True)
class Deed:
    """One event about an act: on the CRM, on the way out, or on an employee's machine."""

    event_id: str
    at: datetime
    """UTC."""
    pseudonym: str
    act_id: str
    """The same for all events of one act."""
    phase: Phase
    action: Action
    channel: Channel
    status: Status
    """The person's status at that moment."""
    reasons: tuple[str, ...]
    """Codes of `policies.reasons`, the deciding one first."""
    asked_count: int
    """Distinct clients asked for; 0 when the act was judged before they were known."""
    shown_count: int
    taken_count: int
    base: int
    """Clients of the company at that moment, at least 1."""
    book: int
    """Clients in the person's own book at that moment."""
    paced_cards: int
    """Cards opened at the pace of a script within ten minutes, else 0."""
    clients: Mapping[str, Any]
    """The compressed sets of the event."""
    destination: str | None = None
    """Host that an upload went to, or should have."""
    unread: tuple[str, ...] = ()
    """Why parts of the content could not be inspected (`detectors.verdict.Unread`)."""
    exports: tuple[ExportLink, ...] = ()
    """The exports that the clients in the content came from."""
    manifest: str | None = None
    """Short name of the export that this act has become."""
    notify: bool = False
    """A rule of the policy says that the reviewer is told."""

    @property
    def stopped(self) -> bool:
        """Nothing went out, at least for now."""
        return self.phase in STOPPED

    @property
    def takes_out(self) -> bool:
        """The act, by its effect, carries clients away: an export, report or print under any name."""
        if self.action in OUTBOUND or (self.action in READING and not EXPORT_REASONS.isdisjoint(self.reasons)):
            return True
        return self.phase is Phase.RELEASED and self.taken_count > CONTACTS_OF_A_READ

    @cached_property
    def asked(self) -> frozenset[ClientId]:
        """The clients asked for."""
        return decode_ids(self.clients["asked"])

    @cached_property
    def shown(self) -> frozenset[ClientId]:
        """The clients delivered, masked or not."""
        return decode_ids(self.clients["shown"])


def deed_of(document: Mapping[str, Any]) -> Deed | None:
    """The deed in a stored event; None for an event about something else (a sign-in, a key, the CRM's own furniture).

    Raises UnreadableEventError for an event about an act that has not the shape of one.
    """
    try:
        if document["event"]["action"] != EventAction.ACCESS or "usage" not in document["torwart"]:
            return None
        ours = document["torwart"]
        act, clients, usage = ours["act"], ours["clients"], ours["usage"]
        return Deed(
            event_id=document["event"]["id"],
            at=datetime.fromisoformat(document["@timestamp"]),
            pseudonym=document["user"]["id"],
            act_id=act["id"],
            phase=Phase(act["phase"]),
            action=Action(act["action"]),
            channel=Channel(ours["channel"]),
            status=Status(ours["status"]),
            reasons=tuple(reason["code"] for reason in ours.get("reasons", ())),
            asked_count=clients["asked_count"],
            shown_count=clients["shown_count"],
            taken_count=clients["taken_count"],
            base=max(usage["base"], 1),
            book=usage["book"],
            paced_cards=usage["paced_cards"],
            clients=clients,
            destination=document.get("destination", {}).get("domain"),
            unread=tuple(found["detector"] for found in ours.get("findings", ()) if found["kind"] == UNINSPECTABLE),
            exports=tuple(ExportLink(link["name"], link["act"], link["clients"]) for link in ours.get("exports", ())),
            manifest=ours.get("manifest"),
            notify=ours.get("notify", False) is True,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEventError(f"{type(error).__name__} in an access event") from error
