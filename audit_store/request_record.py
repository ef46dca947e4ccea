"""What the rules saw of an act: written into its event, and read back so that the act can be judged again (`audit_store.replay`).

Most of a request stands in the event for its own sake (who, which clients, which fields, what was had). Here is the rest, under
`torwart.question`: only what differs from the ordinary, so that an ordinary event stays small. Left out on purpose are values of a client
(attributes of records), and what says who somebody is in a small firm: team, territory, address of the network, device (attacks X31).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from math import ceil, floor
from operator import attrgetter, itemgetter
from typing import Any

from audit_store.client_sets import decode_ids
from audit_store.wording import UNREADABLE, ids_text, name, names
from policies.attributes import RECORD
from policies.request import (
    AccessRequest,
    Action,
    ApprovalProof,
    Channel,
    ClientId,
    CodeProof,
    Context,
    Counts,
    Finding,
    KeyClass,
    KeyProof,
    Level,
    Principal,
    Proof,
    Resource,
    Status,
    Usage,
)

SCHEMA_WITH_QUESTION = 2
"""From this version of an event on (`torwart.schema`) a member that is absent is as usual; before it, nobody knows."""
SAME = "="
"""In place of a set of clients: exactly those that were asked for."""
_COUNTERS = tuple(field.name for field in fields(Counts))
_COUNTS_OF = itemgetter(*_COUNTERS)
_COUNTED = attrgetter(*_COUNTERS)
_COUNTER_SET = frozenset(_COUNTERS)
_NOBODY: frozenset[ClientId] = frozenset()
NEVER_RECORDED = frozenset({"principal.device", "context.source_ip"} | {f"record.{name}" for name in RECORD if name != "own"})
"""Names that a condition may use and that no event holds. Whose records are the person's own it holds."""
OF_THE_DIRECTORY = frozenset({"principal.team", "principal.territory", "principal.language"})
"""Names that no event holds and that are taken from the directory as it is today."""


class NotReplayableError(Exception):
    """The event does not hold what the rules saw. `cause` is a word of ours: `older_release`, `unreadable` or `cut`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Seat:
    """What the directory says of a person today and no event holds."""

    team: str | None = None
    territory: str | None = None
    language: str = "de"


def question_members(request: AccessRequest, told_fields: tuple[str, ...], at: datetime) -> dict[str, Any]:
    """What stands under `torwart.question`; empty for an ordinary act. `told_fields` stand in the event anyway; `at` is its time."""
    resource, principal, context = request.resource, request.principal, request.context
    found: dict[str, Any] = {}
    if resource.ids is None:
        found["known"] = False
    asked = resource.ids or ()
    if resource.own:
        found["own"] = _set_text(resource.own, asked)
    if resource.clear_contact_ids:
        found["clear"] = _set_text(resource.clear_contact_ids, asked)
    if (asked_fields := names(resource.fields)) != told_fields:
        found["fields"] = asked_fields
    if resource.contact_fields:
        found["contact_fields"] = names(resource.contact_fields)
    if resource.questioned_contact_fields:
        found["questioned_contact_fields"] = names(resource.questioned_contact_fields)
    if resource.mask_written_fields:
        found["mask_written_fields"] = names(resource.mask_written_fields)
    if before := _before(request.usage):
        found["before"] = before
    if request.named is not None and request.named is not request.action:
        found["named"] = request.named.value
    if principal.level is not Level.NORMAL:
        found["level"] = principal.level.value
    if principal.proven_at is not None:
        found["proven_seconds"] = _seconds(context.at - principal.proven_at)
        if principal.proven_with is not KeyClass.HARDWARE:
            found["proven_with"] = (principal.proven_with or KeyClass.SYNCED).value
    if at is not context.at and (late := int((at - context.at).total_seconds())) > 0:
        found["late_seconds"] = late
    if principal.frozen:
        found["frozen"] = True
    if principal.on_leave:
        found["on_leave"] = True
    if not context.origin_trusted:
        found["foreign_origin"] = True
    if request.justified or (request.proof is not None and request.proof.justified):
        found["justified"] = True
    if request.acknowledged or (request.proof is not None and request.proof.acknowledged):
        found["acknowledged"] = True
    if (request.proof is not None or request.approvals) and (proofs := _proofs(request, asked)):
        found["proofs"] = proofs
    return found


def finding_members(found: Finding) -> dict[str, Any]:
    """One finding, without what it found."""
    members: dict[str, Any] = {"kind": name(found.kind), "detector": name(found.detector), "clients": found.clients}
    if found.confidence != 1.0:
        members["confidence"] = found.confidence
    if found.where:
        members["where"] = name(found.where)
    return members


def request_of(document: Mapping[str, Any], seat: Seat | None = None) -> AccessRequest:
    """The question of a stored access event, as the rules saw it. Raises NotReplayableError.

    The order of the clients and the ids of the person, the session and the proof are not in the record: no decision depends on them.
    """
    try:
        return _request_of(document, seat or Seat())
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotReplayableError("unreadable") from None


def missing_names(document: Mapping[str, Any]) -> frozenset[str]:
    """Names that a rule may use and whose value this event does not have: what `NEVER_RECORDED` says, and counters of later releases."""
    stored = document["torwart"].get("usage")
    if stored is None or stored.keys() >= _COUNTER_SET:
        return NEVER_RECORDED
    return NEVER_RECORDED.union(*({f"usage.before.{counter}", f"usage.after.{counter}"} for counter in _COUNTER_SET - stored.keys()))


def _request_of(document: Mapping[str, Any], seat: Seat) -> AccessRequest:
    ours = document["torwart"]
    asked_about, clients = ours["resource"], ours["clients"]
    if ours["schema"] < SCHEMA_WITH_QUESTION and asked_about["type"] != "system":
        raise NotReplayableError("older_release")
    more: Mapping[str, Any] = ours.get("question", {})
    pseudonym, act_id = document["user"]["id"], ours["act"]["id"]
    asked = decode_ids(clients["asked"])
    if len(asked) != clients["asked_count"]:
        raise NotReplayableError("cut")
    told_fields, roles = ours["fields"], frozenset(document["user"]["roles"])
    contacts, questioned_contacts, masks = (
        frozenset(more.get(member, ())) for member in ("contact_fields", "questioned_contact_fields", "mask_written_fields")
    )
    resource = Resource(
        type=asked_about["type"],
        model=asked_about["model"],
        ids=tuple(asked) if more.get("known", True) else None,
        own=_set_of(more.get("own", ""), asked),
        clear_contact_ids=_set_of(more.get("clear", ""), asked),
        fields=frozenset(more.get("fields", told_fields)),
        questioned_fields=frozenset(asked_about.get("questioned_fields", ())),
        written_fields=frozenset(asked_about.get("written_fields", ())),
        filter_digest=asked_about.get("filter_digest"),
        limit=asked_about.get("limit"),
        contact_fields=contacts,
        questioned_contact_fields=questioned_contacts,
        mask_written_fields=masks,
    )
    words = (roles, (resource.type, resource.model), resource.fields, resource.questioned_fields, resource.written_fields)
    if any(UNREADABLE in found for found in (*words, contacts, questioned_contacts, masks)):
        raise NotReplayableError("cut")
    at = datetime.fromisoformat(document["@timestamp"]) - timedelta(seconds=more.get("late_seconds", 0))
    proven = more.get("proven_seconds")
    principal = Principal(
        id=pseudonym,
        pseudonym=pseudonym,
        roles=roles,
        status=Status(ours["status"]),
        frozen=more.get("frozen", False),
        on_leave=more.get("on_leave", False),
        team=seat.team,
        territory=seat.territory,
        language=seat.language,
        level=Level(more.get("level", Level.NORMAL)),
        proven_at=None if proven is None else at - timedelta(seconds=proven),
        proven_with=None if proven is None else KeyClass(more.get("proven_with", KeyClass.HARDWARE)),
    )
    proof, approvals = _proofs_of(more.get("proofs", ()), asked, act_id, at)
    justified, acknowledged = more.get("justified", False), more.get("acknowledged", False)
    if proof is not None:  # it was said with the touch, so it holds for what the touch covers
        proof = replace(proof, justified=justified, acknowledged=acknowledged)
    return AccessRequest(
        act_id=act_id,
        principal=principal,
        action=Action(more.get("named", ours["act"]["action"])),
        resource=resource,
        context=Context(
            at=at,
            channel=Channel(ours["channel"]),
            destination=document.get("destination", {}).get("domain"),
            origin_trusted=not more.get("foreign_origin", False),
        ),
        usage=_usage_of(ours.get("usage"), more.get("before", {})),
        findings=tuple(
            Finding(one["kind"], one["detector"], one["clients"], one.get("confidence", 1.0), one.get("where", ""))
            for one in ours.get("findings", ())
        ),
        proof=proof,
        approvals=approvals,
        justified=justified and proof is None,
        acknowledged=acknowledged and proof is None,
    )


def _before(usage: Usage) -> dict[str, int]:
    """The counters that the act would change, as they were before it."""
    if usage.before is usage.after:
        return {}
    before, after = _COUNTED(usage.before), _COUNTED(usage.after)
    if before == after:
        return {}
    return {counter: had for counter, had, has in zip(_COUNTERS, before, after, strict=True) if had != has}


def _usage_of(stored: Mapping[str, Any] | None, before: Mapping[str, int]) -> Usage:
    if stored is None:
        return Usage()
    try:
        after = Counts(*_COUNTS_OF(stored))
    except KeyError:  # of a release that counted less: `missing_names` says which
        after = Counts(*(stored.get(counter, 0) for counter in _COUNTERS))
    return Usage(replace(after, **before) if before else after, after, stored["base"], stored["book"])


def _proofs(request: AccessRequest, asked: tuple[ClientId, ...]) -> list[dict[str, Any]]:
    at, proof = request.context.at, request.proof
    found: list[dict[str, Any]] = []
    if isinstance(proof, CodeProof):
        found.append({"kind": "code", **_signed(proof.ids, proof.fields, asked)})
    elif proof is not None:
        key_class = {} if proof.key_class is KeyClass.HARDWARE else {"class": proof.key_class.value}
        found.append({"kind": "key", "verified": proof.user_verified, **key_class, **_signed(proof.ids, proof.fields, asked)})
    counting = [one for one in request.approvals if one.alone or one.approver != request.principal.id]  # nobody approves their own act
    people = {approval.approver: number for number, approval in enumerate(counting)}
    for approval in counting:
        found.append(
            {
                "kind": "approval",
                "person": people[approval.approver],
                "roles": names(approval.roles),
                "seconds": _seconds(at - approval.at),
                "verified": approval.user_verified,
                **({"alone": True} if approval.alone else {}),
                **_signed(approval.ids, approval.fields, asked),
            }
        )
    return found


def _signed(clients: frozenset[ClientId], signed_fields: frozenset[str], asked: tuple[ClientId, ...]) -> dict[str, Any]:
    return {"clients": _set_text(clients, asked), "fields": names(signed_fields)}


def _proofs_of(
    stored: list[Mapping[str, Any]] | tuple[()], asked: frozenset[ClientId], act_id: str, at: datetime
) -> tuple[Proof | None, tuple[ApprovalProof, ...]]:
    proof: Proof | None = None
    approvals = []
    for one in stored:
        clients, signed_fields = _set_of(one["clients"], asked), frozenset(one["fields"])
        if one["kind"] == "key":
            key_class = KeyClass(one.get("class", KeyClass.HARDWARE))
            proof = KeyProof(act_id, "", at, one["verified"], clients, signed_fields, key_class=key_class)
        elif one["kind"] == "code":
            proof = CodeProof(act_id, "", at, clients, signed_fields)
        else:
            given = at - timedelta(seconds=one["seconds"])
            approver, roles = f"other {one['person']}", frozenset(one["roles"])
            alone = one.get("alone", False)
            approvals.append(ApprovalProof(approver, roles, given, one["verified"], clients, signed_fields, alone=alone))
    return proof, tuple(approvals)


def _set_text(clients: frozenset[ClientId], asked: tuple[ClientId, ...]) -> str:
    return SAME if len(clients) == len(asked) and clients.issuperset(asked) else ids_text(clients)


def _set_of(text: str, asked: frozenset[ClientId]) -> frozenset[ClientId]:
    return asked if text == SAME else decode_ids(text) if text else _NOBODY


def _seconds(age: timedelta) -> int:
    """Whole seconds away from zero: an age that is too old by a part of a second stays too old, and a time to come stays to come."""
    seconds = age.total_seconds()
    return ceil(seconds) if seconds >= 0 else floor(seconds)
