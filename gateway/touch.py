"""Asks a person to confirm an act with the key, in the way that the client can answer (`docs/step-up.md`)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import quote, urlencode

from audit_store.event import Phase
from auth.stepup import ONLY_THE_KEY, StepUp, Summary, TooManyOpenError, act_digest
from auth.tables import Act
from gateway.crm.profile import Call, Client, Refusal
from gateway.exchange import Request
from gateway.holds import Holds, Notice
from gateway.questions import Judged, signed_ids
from gateway.record import Record
from gateway.refusals import Refusals, first_reason
from policies import reasons
from policies.decision import Challenge, Deny
from policies.needs import key_asked, to_ask
from policies.reasons import Because
from policies.request import AccessRequest, ClientId, KeyProof, Principal

MAX_RETURN_ADDRESSES = 1_000
"""Addresses remembered for `/.torwart/go/ACT`; the oldest are forgotten first, and the person repeats the call by hand."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Opens acts and waits for, or sends the client to, their confirmation."""

    stepup: StepUp
    holds: Holds
    record: Record
    refusals: Refusals
    addresses: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)
    """Act -> (session, own relative address) of a navigation that was sent to the act's page."""
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Ten repeats of a call at once open one act: the second looks for it only when the first has opened it."""

    async def ask(self, act_id: str, call: Call, request: Request, judged: Judged, challenge: Challenge) -> KeyProof | Refusal:
        """A proof for exactly this act, or what the client is told instead. Raises SpoolError."""
        question, principal = judged.question, judged.question.principal
        ids = signed_ids(question.resource, challenge.obligations)
        fields = tuple(sorted(question.resource.fields | question.resource.written_fields))
        digest = digest_of(call, question, ids, fields)
        session_id = principal.session_id or ""
        if (confirmed := self.stepup.take_matching(principal.id, session_id, digest)) is not None:
            return confirmed[1]
        because = first_reason(challenge.reasons, reasons.EXPORT_NEEDS_KEY)
        summary = _summary(question.action.value, challenge, fields, call.channel.value, because)
        async with self.opening:
            known = next((act for act in self.stepup.open_of(principal.id, session_id) if act.digest == digest), None)
            act = known or await self._opened(act_id, call, question, challenge, digest, summary, ids, fields)
        if act is None:
            too_many = Because(reasons.TOO_MANY_OPEN)
            await self.record.act(question, Deny((too_many,)), Phase.DENIED, call.route)
            return self.refusals.denied(too_many, act_id, principal.language)
        led = call.client is Client.PAGE and request.method == "GET"  # can be led to the act's page and back
        if call.client is not Client.SCRIPT:
            if call.waits and self.holds.page_connected(session_id):
                notice = self._notice(act, principal, challenge, because, repeat=False)
                return await self._wait(act, call, request, judged, challenge, notice)
            if known is None and not led:  # also for a page that begins to listen in a moment
                self.holds.announce(act, self._notice(act, principal, challenge, because, repeat=True))
        if led:
            self._remember(act.id, principal, request)
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
    ) -> Act | None:
        """A new act, recorded as held before anybody hears of it; None if three wait already."""
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
            )
        except TooManyOpenError:
            return None

    def address(self, act_id: str, session_id: str | None) -> str | None:
        """Where `/.torwart/open/ACT` leads: our own relative address, only for the session whose act it is."""
        owner, address = self.addresses.get(act_id, (None, None))
        return address if owner is not None and owner == session_id else None

    def _notice(self, act: Act, principal: Principal, challenge: Challenge, because: Because, *, repeat: bool) -> Notice:
        return Notice(
            act_id=act.id,
            session_id=principal.session_id or "",
            language=principal.language,
            text=because.for_employee(principal.language),
            asked=challenge.asked,
            allowed=challenge.allowed,
            link=f"{self.refusals.act(act.id)}?popup=1",  # a page that knows it is a popup closes itself
            deadline=time.monotonic() + self.stepup.lifetime_seconds,
            repeat=repeat,
        )

    async def _wait(
        self, act: Act, call: Call, request: Request, judged: Judged, challenge: Challenge, notice: Notice
    ) -> KeyProof | Refusal:
        principal = judged.question.principal
        proof = await self.holds.wait(act, notice, request.connection_id)
        if proof is not None:
            return proof
        await self.record.act(replace(judged.question, act_id=act.id), challenge, Phase.NOT_CONFIRMED, call.route)
        return self.refusals.not_confirmed(act.id, principal.language)

    def _remember(self, act_id: str, principal: Principal, request: Request) -> None:
        query = f"?{urlencode(request.query)}" if request.query else ""
        self.addresses[act_id] = (principal.session_id or "", quote(request.path) + query)
        while len(self.addresses) > MAX_RETURN_ADDRESSES:
            self.addresses.popitem(last=False)


def digest_of(call: Call, question: AccessRequest, ids: Iterable[ClientId], fields: Iterable[str]) -> str:
    """The digest of an act: who, what, which clients and fields of which records, on which road, and what a writing call writes."""
    road = f"{call.channel.value}:{question.resource.model}"
    destination = f"{road}:{sha256(call.written).hexdigest()}" if call.written else road
    return act_digest(person_id=question.principal.id, action=question.action.value, ids=ids, fields=fields, destination=destination)


def _summary(action: str, challenge: Challenge, fields: tuple[str, ...], destination: str, because: Because) -> Summary:
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
    )
