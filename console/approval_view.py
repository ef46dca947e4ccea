"""What a request for approval says to whoever may answer it, and to whoever asked: in words of the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auth.approval_request import ApprovalKind, Shown
from auth.approval_tables import ApprovalRequest
from console.language import Speech
from console.services import Services, Who
from console.words import ACTIONS, N_, PLACES, ROADS, UNREAD, field_words, word
from policies.document import read_need
from policies.needs import whose
from policies.reasons import REASONS, Because
from policies.request import Action

KINDS = {
    ApprovalKind.ACT: N_("Act on clients"),
    ApprovalKind.RULES: N_("Rules that let more through"),
    ApprovalKind.REVEAL: N_("The name behind a pseudonym"),
    ApprovalKind.KEY_REMOVAL: N_("Removal of a person's last key"),
    ApprovalKind.KEY_RECOVERY: N_("New key for somebody who lost theirs"),
    ApprovalKind.ROLE: N_("Role of an administrator for somebody"),
    ApprovalKind.DISCLOSURE: N_("Telling somebody later what is recorded about them"),
}
CASE = N_("Case")
STATES = {
    "draft": N_("not asked yet"),
    "open": N_("waits for an answer"),
    "given": N_("approved, not used yet"),
    "taken": N_("approved and used"),
    "refused": N_("turned down"),
    "withdrawn": N_("withdrawn"),
    "expired": N_("ran out of time"),
}
CHIPS = {"open": "held", "given": "good", "taken": "good", "refused": "stop"}


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request. Texts are in the reader's language; samples are masked, or of an upload the names of its files."""

    id: str
    kind: str
    what: str
    who: Who | None
    """None: the command line."""
    about: Who | None
    asked: int
    allowed: int
    counted: bool
    fields: str
    filter: str
    where: str
    outside: bool
    """It is an upload: whoever asked sends the same again."""
    exports: tuple[tuple[str, int], ...]
    """Of an upload: the exports that its clients came from, each with how many of them."""
    unread: tuple[str, ...]
    """Of an upload: why parts of it could not be read."""
    lines: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    reason: str | None
    rule: str
    whose: str
    reveals: bool
    """It is about a name."""
    state: str
    said: str
    chip: str
    yes: int
    """How many have said yes."""
    opened_at: datetime
    expires_at: datetime
    alone: bool
    not_before: datetime | None
    """Of one that is `alone`: None until the address outside was told."""


def view(services: Services, request: ApprovalRequest, speech: Speech, *, own: bool = False) -> RequestView:
    """The request as a page shows it. `own`: to who has asked for it, who is not told what was recognised in an upload (attacks X11)."""
    shown, act = Shown.of(request), request.kind == ApprovalKind.ACT
    outside = act and shown.action == Action.UPLOAD
    told = not (outside and own)
    person, about = (services.people.by_id(one) if one else None for one in (request.requester_id, request.subject_id))
    because = REASONS.get(shown.reason_code)
    return RequestView(
        id=request.id,
        kind=speech.say(KINDS[ApprovalKind(request.kind)]),
        what=word(ACTIONS, shown.action, speech) if act else speech.say(KINDS[ApprovalKind(request.kind)]),
        who=services.who(person) if person else None,
        about=services.who(about) if about else None,
        asked=shown.asked,
        allowed=shown.allowed,
        counted=act and told,
        fields=field_words(shown.fields, speech) if shown.fields else "",
        filter=field_words(shown.filter, speech) if shown.filter else "",
        where=_where(shown, speech, outside=outside),
        outside=outside,
        exports=tuple(sorted(shown.exports.items())) if told else (),
        unread=tuple(word(UNREAD, one, speech) for one in shown.unread),
        lines=tuple(f"{speech.say(CASE)} {line}" for line in shown.lines) if request.kind == ApprovalKind.REVEAL else shown.lines,
        samples=tuple(tuple(row) for row in request.samples["rows"]) if request.samples else (),
        reason=request.reason,
        rule=Because(because, shown.reason_values).for_reviewer(speech.language) if because and told else "",
        whose=whose(read_need(request.need)),
        reveals=request.kind == ApprovalKind.REVEAL,
        state=request.state,
        said=speech.say(STATES[request.state]) if request.state in STATES else "",
        chip=CHIPS.get(request.state, ""),
        yes=sum(given.yes for given in services.approvals.answers(request.id)),
        opened_at=request.opened_at,
        expires_at=request.expires_at,
        alone=request.alone,
        not_before=request.not_before,
    )


def _where(shown: Shown, speech: Speech, *, outside: bool) -> str:
    if not outside:
        return word(PLACES, shown.destination, speech) if shown.destination else ""
    channel, _, place = shown.destination.partition(":")
    return f"{place} ({word(ROADS, channel, speech)})"
