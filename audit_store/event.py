"""The stored fact: one event, in the field names of the Elastic Common Schema 9.5 where it has one, under `torwart.` where it has none.

The builders have no place for a client's value: they take ids, counts, names of fields and codes. What has not the shape of such a name is
left out, and people appear under their pseudonym only. Left out on purpose, because they say who somebody is in a small firm (attacks X31):
`source.*`, `network.*`, `user.name`, host, team, territory.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from audit_store.client_sets import decode_ids, encode_ids
from audit_store.ecs import CATEGORIES, ECS_VERSION, EFFECTS, OUTCOMES, WENT_ON, EventAction, Phase
from audit_store.request_record import finding_members, question_members
from audit_store.wording import ids_text, name, names, short, split, without_surrogates
from policies.decision import Challenge, Decision, Deny
from policies.reasons import REASONS, Because
from policies.request import AccessRequest, Action, Channel, ClientId, Resource

__all__ = [
    "Content",
    "Event",
    "EventAction",
    "ExportLink",
    "Phase",
    "access_event",
    "decode_ids",
    "encode_ids",
    "file_event",
    "phase_event",
    "plain_event",
    "reasons_of",
    "refused_event",
]

SCHEMA = 2
"""Version of what stands under `torwart.`; grows with every change of a member's meaning. 2: an act can be judged again from its event."""
_DIGEST = re.compile(r"[0-9a-f]{8,128}|[A-Za-z0-9_-]{43}")
"""Hexadecimal, or 32 bytes in base64url (RFC 4648 section 5)."""
_SEALED = re.compile(r"[A-Za-z0-9_=-]{1,8192}")
"""What encryption gives; a word with a blank is none."""
_EXPORT = re.compile(r"[0-9A-F]{4,32}")
"""Short name of an export."""
_OPEN = frozenset({Phase.HELD, Phase.OBSERVED})
"""Phases in which nobody has said yes or no."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
DIGEST_FROM_BYTES = 64
"""Of anything smaller the digest is left out: that of a lone phone number could be found by trying all of them."""
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
    | {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"}
)
"""Methods of RFC 9110, RFC 4918 and RFC 5323; whatever else is sent as one could be a name."""
_EXTENSION = re.compile(r"[a-z0-9]{1,5}")
"""No longer: a whole name without a dot would pass as an extension otherwise."""
_HOST = re.compile(r"[a-z0-9.:_-]{1,253}")
"""A host name in its `xn--` form, or an address."""


@dataclass(frozen=True, slots=True)
class ExportLink:
    """An export that clients in some content came from (`audit_store.manifests`)."""

    name: str
    """Short name, for example `7F3A`."""
    act_id: str
    clients: int
    """Clients in the content that were in this export."""
    marked: bool = False
    """The content carries the mark of this export."""


@dataclass(frozen=True, slots=True)
class Content:
    """What went out, or wanted to: of a file or a message only what says nothing about a client."""

    size: int
    """Bytes."""
    sha256: str | None = None
    """Hexadecimal digest of the bytes; None if they were not read."""
    extension: str | None = None
    """Of the file's name, lower case, without the dot; the name itself could be a client's."""
    exports: tuple[ExportLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `document` is the ECS document without the members of the chain, which belong to the spool."""

    id: str
    at: datetime
    """UTC."""
    action: EventAction
    act_id: str | None
    """The same for all events of one act."""
    pseudonym: str | None
    document: dict[str, Any]

    def canonical(self) -> bytes:
        """The bytes that are hashed, stored and shipped: JSON with sorted members, UTF-8, no blanks.

        A lone surrogate, which UTF-8 has no bytes for, becomes the six characters of its escape (`\\ud800`). Raises TypeError for a
        document that JSON cannot hold.
        """
        try:
            return orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            return orjson.dumps(without_surrogates(self.document), option=orjson.OPT_SORT_KEYS)


def access_event(
    *,
    request: AccessRequest,
    decision: Decision,
    phase: Phase,
    shown: frozenset[ClientId],
    taken: frozenset[ClientId],
    rows: int,
    fields: Iterable[str],
    route: str,
    bytes_out: int = 0,
    digest: str | None = None,
    http_status: int | None = None,
    method: str | None = None,
    at: datetime | None = None,
    content: Content | None = None,
    manifest: str | None = None,
    device: str | None = None,
    event_id: str | None = None,
) -> Event:
    """One act of a person at one of its phases: on the CRM, on the way out, or (`device`) on an employee's machine.

    `content` is what an upload or a copied file holds; `manifest` the short name of the export that this act has become.
    `shown` and `taken` are the clients really delivered (law 1: before they go).
    `digest` (hexadecimal or base64url) is that of the delivered bytes or of the signed act; `rows` and `bytes_out` are what went out.
    `at` is the time of the phase where it is not that of the question; `event_id` one of `new_id`, for who must know it before.
    """
    principal, context, resource = request.principal, request.context, request.resource
    went_on, at = phase in WENT_ON, at or context.at
    document, event_id = _start(EventAction.ACCESS, at=at, outcome=OUTCOMES[phase], event_id=event_id)
    document["event"]["type"] = (
        EFFECTS.get(request.action, "access"),
        "allowed" if went_on else "info" if phase in _OPEN else "denied",
    )
    act: dict[str, Any] = {"action": request.action.value}
    if digest is not None and _DIGEST.fullmatch(digest):
        act["digest"] = digest
    act["id"] = request.act_id
    act["phase"] = phase.value
    told_fields = names(frozenset(fields))
    # Nearly in the order in which `canonical` sorts them, which saves a third of the sorting.
    ours: dict[str, Any] = {
        "act": act,
        "bytes_out": bytes_out,
        "channel": context.channel.value,
        "clients": _clients(resource.ids or (), shown, taken),
        "fields": told_fields,
        "resource": _resource(resource),
        "route": short(route),
        "rows": rows,
        "schema": SCHEMA,
        "status": principal.status.value,
    }
    document["torwart"] = ours
    document["user"] = {"id": principal.pseudonym, "roles": names(principal.roles)}
    if isinstance(decision, Challenge):
        ours["needs"] = [need.value for need in decision.needs]
        ours["clients"]["allowed_count"] = decision.allowed
    if not isinstance(decision, Deny) and decision.obligations.notify:
        ours["notify"] = True
    if isinstance(decision, Deny) and decision.quarantine:
        ours["quarantine"] = True
    if request.action not in (Action.SYSTEM, Action.LOGIN):
        ours["usage"] = _usage(request)
    if request.findings:
        ours["findings"] = [finding_members(found) for found in request.findings]
    if question := question_members(request, told_fields, at):
        ours["question"] = question
    _put_reasons(document, decision.reasons)
    _put_rules(document, decision.rules)
    if decision.observed:
        ours["observed"] = [short(one) for one in decision.observed]
    if http_status is not None:
        document["http"] = {"response": {"status_code": http_status}}
    if method is not None:
        document.setdefault("http", {})["request"] = {"method": method if method in _METHODS else "(other)"}
    if manifest is not None and _EXPORT.fullmatch(manifest):
        ours["manifest"] = manifest
    if device is not None:
        ours["device"] = name(device)
    if context.destination is not None:
        document["destination"] = {"domain": _host(context.destination)}
    if content is not None:
        _put_content(document, content)
    return Event(event_id, at, EventAction.ACCESS, request.act_id, principal.pseudonym, document)


def phase_event(stored: Mapping[str, Any], phase: Phase, at: datetime) -> Event:
    """A stored act at a later phase: all that was recorded of it, with a new id, time and outcome. Raises KeyError for what is no act."""
    document, event_id = _start(EventAction.ACCESS, at=at, outcome=OUTCOMES[phase])
    effect = stored["event"]["type"][0]
    document = {**stored, **document, "event": {**stored["event"], **document["event"]}}
    document["event"]["type"] = (effect, "denied" if phase is Phase.PUT_ASIDE else "info")
    document["torwart"] = {**stored["torwart"], "act": {**stored["torwart"]["act"], "phase": phase.value}}
    return Event(event_id, at, EventAction.ACCESS, stored["torwart"]["act"]["id"], stored["user"]["id"], document)


def refused_event(
    *,
    at: datetime,
    reason: Because,
    route: str,
    pseudonym: str | None = None,
    act_id: str | None = None,
    upstream_reached: bool = False,
    http_status: int | None = None,
    times: int | None = None,
) -> Event:
    """Something was refused before there was an act to judge: unreadable, unknown, no sign-in, a fault of ours.

    `times`: so often again, of the same source, road and reason, since the last event about it.
    """
    document, event_id = _start(EventAction.REFUSED, at=at, outcome="failure")
    ours = document["torwart"]
    ours["act"] = {"phase": Phase.DENIED.value} if act_id is None else {"id": act_id, "phase": Phase.DENIED.value}
    ours["route"] = short(route)
    ours["upstream_reached"] = upstream_reached
    if times is not None:
        ours.update(split({"times": times}))
    if pseudonym is not None:
        document["user"] = {"id": pseudonym}
    if http_status is not None:
        document["http"] = {"response": {"status_code": http_status}}
    _put_reasons(document, (reason,))
    return Event(event_id, at, EventAction.REFUSED, act_id, pseudonym, document)


def plain_event(
    action: EventAction,
    *,
    at: datetime,
    pseudonym: str | None = None,
    subject: str | None = None,
    outcome: str = "success",
    numbers: Mapping[str, int | str] | None = None,
    act_id: str | None = None,
    severity: int | None = None,
    sealed: Mapping[str, str] | None = None,
    removed: Collection[int] | None = None,
) -> Event:
    """Everything else that happens.

    `pseudonym` is who did it, `subject` whom or what it was done to (a pseudonym or an id of ours); `numbers` are counts and words of our
    own, never a client's value or a secret; `sealed` are words about the subject as `audit_store.sealing` gives them; `removed` are
    numbers of the log. `outcome` is `success`, `failure` or `unknown`; `severity` is on a scale of 100.
    """
    document, event_id = _start(action, at=at, outcome=outcome)
    ours = document["torwart"]
    if severity is not None:
        document["event"]["severity"] = severity
    if pseudonym is not None:
        document["user"] = {"id": pseudonym}
    if subject is not None:
        ours["subject"] = short(subject)
    if act_id is not None:
        ours["act"] = {"id": act_id}
    if numbers:
        ours.update(split(numbers))
    if sealed is not None:
        ours["sealed"] = {name: text for name in ("key", "text") if _SEALED.fullmatch(text := sealed[name])}
    if removed is not None:
        ours["removed"] = encode_ids([str(number) for number in removed])
    return Event(event_id, at, action, act_id, pseudonym, document)


def file_event(
    *,
    at: datetime,
    pseudonym: str,
    device: str,
    channel: Channel,
    content: Content,
    suspected: Collection[int],
    unread: Iterable[str],
    suspected_count: int | None = None,
    marks: Collection[str] = (),
) -> Event:
    """A file that an agent saw arrive at a place. `suspected` are hashes under the desk key: what of them is a client the server says.

    `suspected_count` is how many there were, where not all are named. `marks` are the codes of the marks in it: which are ours the server
    says, and the names in them stay out of the record.
    """
    document, event_id = _start(EventAction.FILE_SEEN, at=at, outcome="success")
    document["user"] = {"id": pseudonym}
    ours = document["torwart"]
    ours["device"] = name(device)
    ours["channel"] = channel.value
    ours["suspected"] = encode_ids([str(one) for one in suspected])
    ours["suspected_count"] = len(suspected) if suspected_count is None else suspected_count
    ours["unread"] = names(frozenset(unread))
    if marks:
        ours["marks"] = sorted(set(marks))
    _put_content(document, content)
    return Event(event_id, at, EventAction.FILE_SEEN, None, pseudonym, document)


def reasons_of(document: Mapping[str, Any]) -> tuple[Because, ...]:
    """The reasons of a stored event, to be said again in the reader's language; a reason that this release does not know is left out."""
    found = []
    for stored in document.get("torwart", {}).get("reasons", ()):
        reason = REASONS.get(stored.get("code", ""))
        if reason is not None:
            found.append(Because(reason, {**stored.get("words", {}), **stored.get("numbers", {})}))
    return tuple(found)


def new_id() -> str:
    """An id that no other event has."""
    return secrets.token_hex(16)


def _start(action: EventAction, *, at: datetime, outcome: str, event_id: str | None = None) -> tuple[dict[str, Any], str]:
    if at.tzinfo is None:
        raise ValueError("an event needs a time with its zone")
    event_id = event_id or new_id()
    kind, category, types = CATEGORIES[action]
    event = {"action": action.value, "category": category, "id": event_id, "kind": kind, "outcome": outcome, "type": types}
    stamp = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="milliseconds")
    document: dict[str, Any] = {
        "@timestamp": stamp[:-6] + "Z",
        "ecs": {"version": ECS_VERSION},
        "event": event,
        "torwart": {"schema": SCHEMA},
    }
    return document, event_id


def _put_content(document: dict[str, Any], content: Content) -> None:
    file: dict[str, Any] = {"size": content.size}
    if content.size >= DIGEST_FROM_BYTES and content.sha256 is not None and _SHA256.fullmatch(content.sha256):
        file["hash"] = {"sha256": content.sha256}
    if content.extension is not None and _EXTENSION.fullmatch(content.extension):
        file["extension"] = content.extension
    document["file"] = file
    if content.exports:
        document["torwart"]["exports"] = [
            {"name": link.name, "act": short(link.act_id), "clients": link.clients} | ({"marked": True} if link.marked else {})
            for link in content.exports
            if _EXPORT.fullmatch(link.name)
        ]


def _host(text: str) -> str:
    return text if _HOST.fullmatch(text) else "(unreadable)"


def _clients(asked: tuple[ClientId, ...], shown: frozenset[ClientId], taken: frozenset[ClientId]) -> dict[str, Any]:
    """Equal sets, the ordinary case, are encoded once. `asked` is distinct already."""
    asked_text = ids_text(asked)
    shown_text = asked_text if len(shown) == len(asked) and shown.issuperset(asked) else ids_text(shown)
    taken_text = shown_text if taken == shown else ids_text(taken)
    return {
        "asked": asked_text,
        "asked_count": len(asked),
        "shown": shown_text,
        "shown_count": len(shown),
        "taken": taken_text,
        "taken_count": len(taken),
    }


def _resource(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = {"model": name(resource.model) if resource.model else "", "type": name(resource.type)}
    if resource.questioned_fields:
        found["questioned_fields"] = names(resource.questioned_fields)
    if resource.written_fields:
        found["written_fields"] = names(resource.written_fields)
    if resource.filter_digest is not None and _DIGEST.fullmatch(resource.filter_digest):
        found["filter_digest"] = resource.filter_digest
    if resource.limit is not None:
        found["limit"] = max(-1, min(resource.limit, 1 << 53))
    return found


def _usage(request: AccessRequest) -> dict[str, Any]:
    usage = request.usage
    after = usage.after
    return {
        "base": usage.base,
        "book": usage.book,
        "changed_day": after.changed_day,
        "changed_month": after.changed_month,
        "deleted_day": after.deleted_day,
        "deleted_month": after.deleted_month,
        "exported_day": after.exported_day,
        "exported_hour": after.exported_hour,
        "exported_month": after.exported_month,
        "foreign_shown_day": after.foreign_shown_day,
        "paced_cards": after.paced_cards,
        "sent_day": after.sent_day,
        "sent_month": after.sent_month,
        "share_of_base": round(100 * after.shown_day / max(usage.base, 1), 1),
        "shown_day": after.shown_day,
        "shown_hour": after.shown_hour,
        "shown_month": after.shown_month,
        "taken_day": after.taken_day,
        "taken_hour": after.taken_hour,
        "taken_minute": after.taken_minute,
        "taken_month": after.taken_month,
    }


def _put_reasons(document: dict[str, Any], reasons: tuple[Because, ...]) -> None:
    if reasons:
        document["event"]["reason"] = reasons[0].reason.code
        document["torwart"]["reasons"] = [
            {"code": because.reason.code, **split(because.values)} if because.values else {"code": because.reason.code}
            for because in reasons
        ]


def _put_rules(document: dict[str, Any], rules: tuple[str, ...]) -> None:
    """`version:rule-id`, as decisions name their rules."""
    if rules:
        version, _, rule = rules[0].rpartition(":")
        document["rule"] = {"id": short(rules[0]), "name": short(rule)}
        document["torwart"]["rules"] = [short(one) for one in rules]
        document["torwart"]["policy"] = {"version": short(version)}
