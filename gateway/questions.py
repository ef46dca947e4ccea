"""Turns a call and what is known about the person into the question that the policy decides, before and with the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit_store.history import Deed, History, deed
from auth.directory import Directory
from gateway.crm.profile import Answer, Call
from gateway.exchange import Request
from policies import reasons
from policies.attributes import ResourceType
from policies.decision import Allow, Challenge, Decision, Deny, Obligations
from policies.effect import EXPORTS, effective_action
from policies.engine import decide, sight
from policies.hidden import hidden_fields
from policies.masks import CONTACT_GROUP, covers
from policies.plan import Plan, plan
from policies.reasons import Because
from policies.request import WRITES, AccessRequest, Action, ClientId, Context, Principal, Proof, Resource, Usage, Value
from policies.rule import Policy

type Columns = Mapping[str, Sequence[Value]]
NOTHING: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with its decision."""

    question: AccessRequest
    decision: Decision

    @property
    def brings_fresh(self) -> bool:
        """The act changes what the person has had: another process that judges at the same moment must see it."""
        return self.question.usage.after != self.question.usage.before


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks the policy, with the person's history and book at hand."""

    directory: Directory
    history: History
    policy: Callable[[], Policy]
    now: Callable[[], datetime]

    def before(self, act_id: str, principal: Principal, call: Call, request: Request, known: Columns) -> Judged:
        """Judge the question alone. Ids are known only where the call names them; `known` are the attributes of those."""
        context = Context(at=self.now(), channel=call.channel, source_ip=request.source_ip)
        resource = replace(call.resource, records=known) if known else call.resource
        judged = self._asked(AccessRequest(act_id=act_id, principal=principal, action=call.action, resource=resource, context=context))
        decision = _fulfilled(judged.decision, judged.question, takes_mark=call.takes_mark)
        return judged if decision is judged.decision else replace(judged, decision=decision)

    def plan(self, question: AccessRequest) -> Plan | None:
        """Which clients the person may be given at all; None: no rule that can match looks at single clients."""
        policy = self.policy()
        rules = policy.applicable(question.action, question.resource.type, question.principal.roles, question.principal.level)
        return plan(question, policy) if any(rule.where is not None for rule in rules) else None

    def attributes_needed(self, principal: Principal, action: Action) -> frozenset[str]:
        """What the rules ask about the clients of such an act. A write's answer is judged as a read."""
        policy = self.policy()
        actions = (action, Action.READ, Action.LIST) if action in WRITES else (action,)
        return frozenset().union(*[policy.attributes_needed(one, ResourceType.CLIENT, principal.roles) for one in actions])

    def again(self, question: AccessRequest, principal: Principal, proof: Proof) -> Judged:
        """Judge a question with its proof and the person as they stand now. Whatever went out or was deleted while it was held counts."""
        return self.anew(replace(question, proof=proof, act_id=proof.grant_id), principal)

    def anew(self, question: AccessRequest, principal: Principal) -> Judged:
        """Judge a question with the person and all counts as they stand now."""
        context = replace(question.context, at=self.now())
        return self._asked(replace(question, principal=principal, context=context))

    def with_answer(self, question: AccessRequest, answer: Answer, known: Columns) -> Judged:
        """Judge again with the real answer in hand, and with the attributes of its clients that the rules ask for.

        Whether a contact value counts as taken depends on the masks, so the policy is asked for them first. Where masks on single
        fields leave one clear, every client with a contact value counts. From here on the act has the class of its effect, whatever the
        call is named (attacks X6).
        """
        policy, ids = self.policy(), answer.ids
        shown = frozenset(ids)
        resource = replace(
            question.resource, ids=ids, own=shown & self.directory.book(question.principal.id), fields=answer.fields, records=known
        )
        question = replace(question, resource=resource, context=replace(question.context, at=self.now()))
        duties = sight(question, policy)
        clear = answer.contact_ids - _out_of_sight(duties, resource.contact_fields)
        card = ids[0] if question.action is Action.READ and len(ids) == 1 else None
        usage = self._usage(question, shown=shown, taken=clear, done=Deed(), card=card)
        question = replace(question, resource=replace(resource, clear_contact_ids=clear), usage=usage)
        action = effective_action(question, policy.threshold)
        question = question if action is question.action else replace(question, action=action, named=question.action)
        if action in EXPORTS:
            usage = self._usage(question, shown=shown, taken=clear, done=deed(action, asked=ids, shown=shown), card=card)
            question = replace(question, usage=usage)
        return Judged(question, _fulfilled(decide(question, policy), question, takes_mark=answer.takes_mark))

    def _asked(self, question: AccessRequest) -> Judged:
        asked = frozenset(question.resource.ids or ())
        usage = self._usage(question, shown=NOTHING, taken=NOTHING, done=deed(question.action, asked=asked, shown=NOTHING), card=None)
        resource = replace(question.resource, own=asked & self.directory.book(question.principal.id)) if asked else question.resource
        question, policy = replace(question, resource=resource, usage=usage), self.policy()
        decision = decide(question, policy)
        if isinstance(decision, Allow) and resource.ids is None and (hidden := hidden_fields(question, policy)):
            decision = replace(decision, obligations=replace(decision.obligations, hidden=hidden))
        return Judged(question, decision)

    def _usage(
        self,
        question: AccessRequest,
        *,
        shown: frozenset[ClientId],
        taken: frozenset[ClientId],
        done: Deed,
        card: ClientId | None,
    ) -> Usage:
        principal, now = question.principal, question.context.at
        return self.history.usage(
            principal.pseudonym,
            now,
            own=self.directory.book(principal.id),
            shown=shown,
            taken=taken,
            exported=done.exported,
            deleted=done.deleted,
            changed=done.changed,
            card=card,
            base=self.directory.base_size(now),
            book=self.directory.book_size(principal.id, now),
        )


def obligations(decision: Decision) -> Obligations | None:
    """What a decision obliges to, None for a denial."""
    match decision:
        case Allow(obligations=duties) | Challenge(obligations=duties):
            return duties
        case Deny():
            return None


def _fulfilled(decision: Decision, question: AccessRequest, *, takes_mark: bool) -> Decision:
    """A denial where what leaves must carry a mark and can carry none: an obligation that cannot be met denies (XACML 3.0, 7.18)."""
    if isinstance(decision, Deny) or not decision.obligations.watermark or question.action not in EXPORTS:
        return decision
    if takes_mark or not question.resource.ids:
        return decision
    return Deny((Because(reasons.NO_MARK),), decision.rules, observed=decision.observed)


def _out_of_sight(duties: Obligations, contact: frozenset[str]) -> frozenset[ClientId]:
    """Clients of whom each of these contact fields is masked, by the group or by its own name."""
    group = duties.masked_in(CONTACT_GROUP)
    if not contact or all(one.field == CONTACT_GROUP for one in duties.masks):
        return group
    by_name = [frozenset().union(*[one.clients for one in duties.masks if covers(one.field, path)]) for path in contact]
    return group | frozenset[ClientId].intersection(*by_name)


def signed_ids(resource: Resource, duties: Obligations) -> tuple[ClientId, ...]:
    """The clients that go out under these obligations, in the order of the answer: exactly these are signed."""
    ids = resource.ids or ()
    return ids if duties.keep is None else tuple(i for i in ids if i in duties.keep)
