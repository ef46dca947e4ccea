"""Acts that others have to approve first: the person asks for it with the key, the request ends, and its repeat goes on once.

Nothing waits here: approvals take longer than a request may be held. What was asked for is the digest of the act under the version of the
rules that ask; after a change of the rules, or of what the act would bring, it is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from audit_store.client_sets import encode_ids
from audit_store.event import Phase
from auth.act import Summary
from auth.approval_request import MAX_OPEN, ApprovalKind, Shown
from auth.approvals import Approvals
from auth.stepup import TooManyOpenError
from auth.tables import Act
from detectors.client_index.identifier import Identifier, Kind
from gateway.crm.profile import Call, Client, Refusal
from gateway.exchange import Request
from gateway.questions import Judged, signed_ids
from gateway.touch import Touch, digest_of
from policies import reasons
from policies.decision import Challenge, Decision, Deny
from policies.masks import HIDE, Mask, MaskKind, conceal, masking
from policies.needs import Need, RequirementKind, key_asked, of_others, whose
from policies.reasons import Because
from policies.request import ApprovalProof, ClientId

SAMPLES = 3
"""Rows that approvers see, with masks."""
_MASKS = {Kind.NAME: Mask(MaskKind.LAST, 2), Kind.EMAIL: HIDE, Kind.PHONE: Mask(MaskKind.LAST, 2), Kind.TAX: HIDE}
"""How much of a value approvers see: enough to tell rows apart, too little to call anybody."""


@dataclass(frozen=True, slots=True)
class Approving:
    """Asks others, by the page of the act, and uses what they have said yes to."""

    approvals: Approvals
    touch: Touch
    mask_key: bytes

    def given(self, call: Call, judged: Judged) -> tuple[ApprovalProof, ...]:
        """What others have said yes to of what this decision still asks for. Nothing is used up."""
        decision = judged.decision
        if not isinstance(decision, Challenge) or RequirementKind.APPROVAL not in decision.needs:
            return ()
        return self.approvals.given(ApprovalKind.ACT, judged.question.principal.id, _digest(call, judged, decision))

    def digest(self, call: Call, judged: Judged) -> str:
        """What is asked of others: this act, under the version of the rules that ask."""
        return _digest(call, judged, judged.decision)

    def use(self, digest: str, version: str, judged: Judged) -> Deny | None:
        """Use up the approvals that let this act go on, at the last moment before it does; a denial if they are none any more."""
        if version == version_of(judged.decision) and self.approvals.take(ApprovalKind.ACT, judged.question.principal.id, digest):
            return None
        return Deny((Because(reasons.APPROVAL_GONE),), judged.decision.rules)

    async def ask(
        self, act_id: str, call: Call, request: Request, judged: Judged, challenge: Challenge, identifiers: Iterable[Identifier] = ()
    ) -> Refusal:
        """What the client is told: where to ask for approval, or that it waits. `identifiers` of the answer, where it is in hand.

        Raises SpoolError.
        """
        principal = judged.question.principal
        need = of_others(challenge.need)
        if need is None:
            raise TypeError("nobody else is needed")
        digest = self.digest(call, judged)
        about: dict[str, int | str] = {"who": whose(need), "asked": challenge.asked}
        pending = self.approvals.pending(ApprovalKind.ACT, principal.id, digest)
        if pending is not None:
            return await self._denied(call, judged, challenge, Because(reasons.APPROVAL_WAITS, about), pending.id)
        if self.approvals.waiting(principal.id) >= MAX_OPEN:
            return await self._denied(call, judged, challenge, Because(reasons.APPROVAL_TOO_MANY), act_id)
        because = Because(reasons.APPROVAL_NEEDED, about)
        async with self.touch.opening:
            waiting = self.touch.stepup.open_of(principal.id, principal.session_id or "")
            known = next((act for act in waiting if act.digest == digest), None)
            act = known or await self._opened(act_id, call, judged, challenge, need, digest, because, identifiers)
        if act is None:
            return await self._denied(call, judged, challenge, Because(reasons.TOO_MANY_OPEN), act_id)
        led = call.client is Client.PAGE and request.method == "GET"
        if known is None and not led and call.client is not Client.SCRIPT:
            self.touch.holds.announce(act, self.touch.notice(act, self.touch.stepup.lifetime_seconds))
        return self.touch.refusals.challenge(because, act.id, principal.language, call.client, get=request.method == "GET")

    async def _opened(
        self,
        act_id: str,
        call: Call,
        judged: Judged,
        challenge: Challenge,
        need: Need,
        digest: str,
        because: Because,
        identifiers: Iterable[Identifier],
    ) -> Act | None:
        question, resource = judged.question, judged.question.resource
        ids = signed_ids(resource, challenge.obligations)
        fields = tuple(sorted(resource.fields | resource.written_fields))
        summary = Summary(
            action=question.action.value,
            asked=challenge.asked,
            allowed=challenge.allowed,
            fields=fields,
            destination=call.channel.value,
            reason_code=because.reason.code,
            reason_values=dict(because.values),
            key_class=key_asked(challenge.need).value,
        )
        shown = Shown(
            action=summary.action,
            asked=summary.asked,
            allowed=summary.allowed,
            ids=encode_ids(ids),
            fields=fields,
            filter=tuple(sorted(resource.questioned_fields)),
            destination=summary.destination,
            policy=version_of(challenge),
            reason_code=challenge.reasons[0].reason.code if challenge.reasons else "",
            reason_values=dict(challenge.reasons[0].values) if challenge.reasons else {},
        )
        await self.touch.record.act(question, replace(challenge, reasons=(because, *challenge.reasons)), Phase.HELD, call.route)
        asks = frozenset({RequirementKind.KEY, RequirementKind.APPROVAL})
        try:
            act = self.touch.stepup.open(
                principal=question.principal, digest=digest, summary=summary, ids=ids, fields=fields, act_id=act_id, asks=asks
            )
        except TooManyOpenError:
            return None
        rows = samples(ids, identifiers, masking(self.mask_key, act_id))
        seconds = self.touch.stepup.lifetime_seconds
        who = question.principal.id
        self.approvals.draft(act.id, requester=who, digest=digest, shown=shown, need=need, samples=rows, seconds=seconds)
        return act

    async def _denied(self, call: Call, judged: Judged, challenge: Challenge, because: Because, act_id: str) -> Refusal:
        refusal = self.touch.refusals.denied(because, act_id, judged.question.principal.language)
        denial = Deny((because, *challenge.reasons), challenge.rules)
        await self.touch.record.act(replace(judged.question, act_id=act_id), denial, Phase.DENIED, call.route, http_status=refusal.status)
        return refusal


def version_of(decision: Decision) -> str:
    """The version of the rules that decided."""
    return decision.rules[0].rpartition(":")[0] if decision.rules else ""


def samples(
    ids: Sequence[ClientId], identifiers: Iterable[Identifier], mask: Callable[[Mask, object], object] = conceal
) -> tuple[tuple[str, ...], ...]:
    """Of the first clients one row each: name, e-mail, phone, each with a mask or empty. No clear value."""
    first = dict.fromkeys(list(ids)[:SAMPLES])
    found: dict[ClientId, dict[Kind, str]] = {client: {} for client in first}
    for one in identifiers:
        if one.client in found and one.kind not in found[one.client]:
            found[one.client][one.kind] = str(mask(_MASKS[one.kind], one.value))
    return tuple(tuple(values.get(kind, "") for kind in (Kind.NAME, Kind.EMAIL, Kind.PHONE)) for values in found.values() if values)


def approval_digest(act: str, version: str) -> str:
    """What is asked of others: an act, by its digest, under the version of the rules that ask."""
    return hashlib.sha256(f"torwart approval 1\0{act}\0{version}".encode()).hexdigest()


def _digest(call: Call, judged: Judged, decision: Decision) -> str:
    resource = judged.question.resource
    ids = resource.ids or () if isinstance(decision, Deny) else signed_ids(resource, decision.obligations)
    act = digest_of(call, judged.question, ids, tuple(sorted(resource.fields | resource.written_fields)))
    return approval_digest(act, version_of(decision))
