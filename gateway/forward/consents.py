"""What may go out after others have said yes to it: stopped, asked for with the own key, approved with theirs, sent again, let out once.

As for what its person alone confirms (`gateway.forward.confirm`), nothing is kept to be sent later. What was asked for is this person, this
server, this content and the clients in it, under the version of the rules that ask (`auth.approvals`, decision 0018).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from audit_store.client_sets import encode_ids
from auth.approval_request import MAX_OPEN, ApprovalKind, Shown
from auth.approvals import Approvals
from gateway.approving import approval_digest, version_of
from gateway.forward.confirm import Confirmations, summary_of
from gateway.forward.framing import Asked
from policies import reasons
from policies.decision import Challenge, Decision, Deny
from policies.needs import Need, RequirementKind, of_others, whose
from policies.reasons import Because
from policies.request import AccessRequest, ApprovalProof

_ASKS = frozenset({RequirementKind.KEY, RequirementKind.APPROVAL})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Consent:
    """What others have said yes to of one upload, as far as they have."""

    request_id: str
    digest: str
    version: str
    """Of the rules that asked for it."""
    proofs: tuple[ApprovalProof, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What those who may say yes see of an upload, beside who sends it and how many clients are in it. No value of a client."""

    place: str
    """Of `place_of`."""
    files: Sequence[str] = ()
    """Names that the sender gave its files; forgotten when the request ends."""
    exports: Mapping[str, int] = field(default_factory=dict)
    """Short names of the exports that its clients came from, each with how many of them."""
    unread: tuple[str, ...] = ()
    """Why parts of it could not be read."""


@dataclass(frozen=True, slots=True)
class Consents:
    """Asks others by the page of the act, and uses what they have said yes to; one for a process and its event loop."""

    approvals: Approvals
    confirmations: Confirmations

    def given(self, question: AccessRequest, decision: Decision, act: str) -> Consent | None:
        """What others have said yes to of what this decision still asks for; None: nothing. Nothing is used up."""
        if not isinstance(decision, Challenge) or RequirementKind.APPROVAL not in decision.needs:
            return None
        digest, who = asked_of_others(decision, act), question.principal.id
        request = self.approvals.pending(ApprovalKind.ACT, who, digest)
        proofs = self.approvals.given(ApprovalKind.ACT, who, digest) if request is not None else ()
        return Consent(request.id, digest, version_of(decision), proofs) if request is not None and proofs else None

    def use(self, consent: Consent, question: AccessRequest, decision: Decision) -> Deny | None:
        """Use the approvals up, at the last moment before the upload goes; a denial if they are none any more.

        Raises OSError if it cannot be noted that they are used up.
        """
        same = consent.version == version_of(decision)
        if same and self.approvals.take(ApprovalKind.ACT, question.principal.id, consent.digest):
            return None
        return Deny((Because(reasons.APPROVAL_GONE),), decision.rules, observed=decision.observed)

    def waits(self, question: AccessRequest, challenge: Challenge, act: str) -> str | Because | None:
        """The number of the request for exactly this that waits; None if it can be asked for, or why it cannot."""
        who = question.principal.id
        pending = self.approvals.pending(ApprovalKind.ACT, who, asked_of_others(challenge, act))
        if pending is not None:
            return pending.id
        return Because(reasons.APPROVAL_TOO_MANY) if self.approvals.waiting(who) >= MAX_OPEN else None

    async def ask(
        self, question: AccessRequest, challenge: Challenge, act: str, seen: Seen, held: Callable[[], Awaitable[object]]
    ) -> str | None:
        """The number of the act on whose page the person asks; None: three acts wait already.

        `held` records it, before anybody hears of it. Raises what `held` raises: then nothing was opened.
        """
        need = others_of(challenge)
        digest = asked_of_others(challenge, act)
        begun = partial(self._draft, question, challenge, need, digest, seen)
        summary = summary_of(question, challenge, reasons.APPROVAL_NEEDED, {"who": whose(need)})
        return await self.confirmations.hold(question, digest, summary, _ASKS, held, begun)

    def _draft(self, question: AccessRequest, challenge: Challenge, need: Need, digest: str, seen: Seen, act_id: str) -> None:
        shown = Shown(
            action=question.action.value,
            asked=challenge.asked,
            allowed=challenge.allowed,
            ids=encode_ids(question.resource.ids or ()),
            destination=f"{question.context.channel.value}:{seen.place}",
            policy=version_of(challenge),
            reason_code=challenge.reasons[0].reason.code if challenge.reasons else "",
            reason_values=dict(challenge.reasons[0].values) if challenge.reasons else {},
            exports=dict(seen.exports),
            unread=seen.unread,
        )
        who, seconds = question.principal.id, self.confirmations.stepup.lifetime_seconds
        files = [(name,) for name in seen.files]
        self.approvals.draft(act_id, requester=who, digest=digest, shown=shown, need=need, samples=files, seconds=seconds)


def asked_of_others(challenge: Challenge, act: str) -> str:
    """The digest of what is asked of others: an act (of `gateway.forward.confirm.act_of`), under the version of the rules that ask."""
    return approval_digest(act, version_of(challenge))


def others_of(challenge: Challenge) -> Need:
    """The approvals that are missing. Raises TypeError where the person needs nobody."""
    need = of_others(challenge.need)
    if need is None:
        raise TypeError("nobody else is needed")
    return need


def place_of(asked: Asked) -> str:
    """The server as approvers are shown it: its host, with scheme or port where they are not the usual ones."""
    host = asked.host if asked.port == _PORTS.get(asked.scheme) else f"{asked.host}:{asked.port}"
    return host if asked.scheme == "https" else f"{asked.scheme}://{host}"
