"""Asks a person to confirm an act with the key, in the way that the client can answer (`docs/step-up.md`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from audit_store.event import Phase
from auth.act import ONLY_THE_KEY, Summary, act_digest
from auth.stepup import NoRoomError, StepUp, TooManyOpenError
from auth.tables import Act
from gateway.addresses import Addresses
from gateway.crm.profile import Call, Client, Refusal
from gateway.exchange import Request
from gateway.holds import Holds
from gateway.notice import Notice, notice_of
from gateway.questions import Judged, signed_ids
from gateway.record import Record
from gateway.refusals import Refusals, first_reason
from policies import reasons
from policies.decision import Challenge, Deny
from policies.needs import key_asked, to_ask
from policies.reasons import Because
from policies.request import AccessRequest, ClientId, Proof


@dataclass(frozen=True, slots=True)
class Touch:
    """Opens acts and waits for, or sends the client to, their confirmation."""

    stepup: StepUp
    holds: Holds
    record: Record
    refusals: Refusals
    addresses: Addresses
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Ten repeats of a call at once open one act: the second looks for it only when the first has opened it."""

    async def ask(
        self, act_id: str, call: Call, request: Request, judged: Judged, challenge: Challenge, weight: int = 0
    ) -> Proof | Refusal:
        """A proof for exactly this act, or what the client is told instead. `weight`: bytes of the answer in hand. Raises SpoolError."""
        question, principal = judged.question, judged.question.principal
        ids = signed_ids(question.resource, challenge.obligations)
        fields = tuple(sorted(question.resource.fields | question.resource.written_fields))
        digest = digest_of(call, question, ids, fields)
        session_id = principal.session_id or ""
        if (confirmed := self.stepup.take_matching(principal.id, session_id, digest)) is not None:
            return confirmed[1]
        because = first_reason(challenge.reasons, reasons.EXPORT_NEEDS_KEY)
        chosen_by = tuple(sorted(question.resource.questioned_fields))
        summary = _summary(question.action.value, challenge, fields, call.channel.value, because, chosen_by)
        led = call.client is Client.PAGE and request.method == "GET"  # can be led to the act's page and back
        told = call.client is not Client.SCRIPT and (call.waits or not led)
        async with self.opening:
            known = next((act for act in self.stepup.open_of(principal.id, session_id) if act.digest == digest), None)
            act = known or await self._opened(act_id, call, question, challenge, digest, summary, ids, fields, told=told)
        if isinstance(act, Because):
            await self.record.act(question, Deny((act,)), Phase.DENIED, call.route)
            return self.refusals.denied(act, act_id, principal.language)
        if call.client is not Client.SCRIPT:
            here = call.waits and self.holds.has_room(weight)
            if here and (self.holds.page_connected(session_id) or await self.holds.page_elsewhere(act)):
                return await self._wait(act, call, request, judged, challenge, weight)
            self.stepup.repeats(act.id)
            if known is None and not led:  # also for a page that begins to listen in a moment
                self.holds.announce(act, replace(self.notice(act, self.stepup.lifetime_seconds), repeat=True))
        if led and (address := self.addresses.seal(act.id, session_id, request)) is not None:
            self.stepup.keep_address(act.id, address)
        return self.refusals.challenge(because, act.id, principal.language, call.client, get=request.method == "GET")

    async def _opened(
        self,
        act_id: str,
        call: Call,
        question: AccessRequest,
        challenge: Challenge,
        digest: str,
        summary: Summary,
        ids: tuple[ClientId, ...],
        fields: tuple[str, ...],
        *,
        told: bool,
    ) -> Act | Because:
        """A new act, recorded as held before anybody hears of it; or why there can be no other one."""
        await self.record.act(question, challenge, Phase.HELD, call.route)
        try:
            return self.stepup.open(
                principal=question.principal,
                digest=digest,
                summary=summary,
                ids=ids,
                fields=fields,
                act_id=act_id,
                asks=to_ask(challenge.need) or ONLY_THE_KEY,
                told=told,
            )
        except NoRoomError:
            return Because(reasons.TOO_MANY_HELD)
        except TooManyOpenError:
            return Because(reasons.TOO_MANY_OPEN)

    def address(self, act_id: str, session_id: str | None) -> str | None:
        """Where `/.torwart/open/ACT` leads: our own relative address, only for the session whose act it is."""
        act = self.stepup.get(act_id)
        if act is None or act.session_id != session_id or act.state not in ("open", "confirmed", "used"):
            return None
        return self.addresses.open(act)

    def notice(self, act: Act, left_seconds: float) -> Notice:
        """What the pages of the act's session are told."""
        return notice_of(act, self.refusals.act(act.id), left_seconds)

    async def _wait(self, act: Act, call: Call, request: Request, judged: Judged, challenge: Challenge, weight: int) -> Proof | Refusal:
        principal = judged.question.principal
        notice = self.notice(act, self.stepup.lifetime_seconds)
        proof = await self.holds.wait(act, notice, request.connection_id, weight)
        if proof is not None:
            return proof
        await self.record.act(replace(judged.question, act_id=act.id), challenge, Phase.NOT_CONFIRMED, call.route)
        return self.refusals.not_confirmed(act.id, principal.language)


def digest_of(call: Call, question: AccessRequest, ids: Iterable[ClientId], fields: Iterable[str]) -> str:
    """The digest of an act: who, what, which clients and fields of which records, on which road, and what a writing call writes."""
    road = f"{call.channel.value}:{question.resource.model}"
    destination = f"{road}:{sha256(call.written).hexdigest()}" if call.written else road
    return act_digest(person_id=question.principal.id, action=question.action.value, ids=ids, fields=fields, destination=destination)


def _summary(
    action: str, challenge: Challenge, fields: tuple[str, ...], destination: str, because: Because, chosen_by: tuple[str, ...]
) -> Summary:
    limit = because.values.get("limit")
    return Summary(
        action=action,
        asked=challenge.asked,
        allowed=challenge.allowed,
        fields=fields,
        destination=destination,
        reason_code=because.reason.code,
        reason_values=dict(because.values),
        limit_per_day=limit if isinstance(limit, int) else None,
        warnings=tuple(warning.reason.code for warning in challenge.warnings),
        key_class=key_asked(challenge.need).value,
        filter=chosen_by,
    )
