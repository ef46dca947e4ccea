"""The decision: an act and a policy in, allow, challenge or deny out. Pure: no clock, no file, no network.

Deny wins; what no rule allows is denied; a rule that fails denies. Requirements and masks add up, what may be kept is the smallest of
all that say something about it. Before the answer is there (`resource.ids` is None) only the question is judged: an Allow then means
that the CRM may be asked. What a rule says about some records only (`where`) waits until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from policies.attributes import Facts
from policies.decision import Allow, Challenge, Decision, Deny, FieldMask, Obligations
from policies.document import Effect
from policies.effect import CHANGES, CHANGES_EXISTING, MAKES_NEW, READING, effective_action
from policies.hidden import blind_write, masked_question
from policies.needs import AllOf, Need, RequirementKind, kinds, missing
from policies.reasons import ALLOWED, CODE_CONFIRMED, FROZEN, KEY_CONFIRMED, NOT_FOR_YOU, NOT_WHAT_WAS_SIGNED, RULE_ERROR, Because
from policies.records import Picked
from policies.request import AccessRequest, Action, ClientId, CodeProof, Status, Value
from policies.rule import Policy, Rule
from policies.shares import Limit
from policies.walk import Matched

_NOT_FOR_YOU = Deny((Because(NOT_FOR_YOU),))
_BY_PROOF = frozenset({RequirementKind.KEY, RequirementKind.CODE})


def decide(request: AccessRequest, policy: Policy) -> Decision:
    """Answer the whole question. Never raises for what a rule does: a rule that fails is a denial."""
    principal = request.principal
    if principal.frozen or principal.status is Status.GONE:
        return Deny((Because(FROZEN),))  # a law, not a rule: no policy file can lift it
    if denial := masked_question(request, policy) or blind_write(request, policy):
        return denial  # before anything is counted or asked for: a number of clients would be an answer
    action = effective_action(request, policy.threshold)
    facts = Facts(request, action)
    if not facts.known and action in CHANGES_EXISTING:
        return _NOT_FOR_YOU
    matched = _matched(facts, policy)
    if matched.failed:
        rule = matched.failed[0]
        return Deny((Because(RULE_ERROR, {"rule": rule.id}),), (rule.id,))
    observed = _observed(matched, facts, policy) if matched.observed else ()
    if denies := matched.at_once.denies:
        reasons = tuple([Because(rule.reason, _numbers(rule, facts)) for rule in denies])
        quarantine = True in [rule.text.quarantine for rule in denies]
        return Deny(reasons, tuple([rule.id for rule in denies]), quarantine, observed)
    if not matched.allows or (action in MAKES_NEW and not facts.asked and all(rule.where is not None for rule in matched.allows)):
        return Deny(_NOT_FOR_YOU.reasons, (), observed=observed)
    picked = Picked(facts, policy.record, matched.conditions) if matched.some and facts.known else None
    return _allowed(request, facts, action, matched, picked, observed)


def decide_many(
    request: AccessRequest, ids: Sequence[ClientId], own: frozenset[ClientId], records: Mapping[str, Sequence[Value]], policy: Policy
) -> Decision:
    """Decide on a list: the same act with the clients that came in the answer, in its order, and their attributes column by column.

    `own`: those in the person's own book; `records` holds at least `Policy.attributes_needed`, else records are denied.
    """
    return decide(replace(request, resource=replace(request.resource, ids=tuple(ids), own=own, records=records)), policy)


def sight(request: AccessRequest, policy: Policy) -> Obligations:
    """Which fields of which clients would be masked for this person, whatever else the act is found to be.

    The gateway asks this first: what stays clear decides whether a read is an export, and that must not depend on a limit that the
    read by its name would meet. Where nothing is allowed, nothing goes out anyway.
    """
    facts = Facts(request, request.action)
    matched = _matched(facts, policy)
    picked = Picked(facts, policy.record, matched.masked) if matched.some and facts.known else None
    return _obligations(facts, None, matched.masking, matched.marking, picked)


def _matched(facts: Facts, policy: Policy) -> Matched:
    principal = facts.principal
    return policy.walk(facts.act, facts.resource.type, principal.roles, principal.level).matched(facts)


def _allowed(
    request: AccessRequest, facts: Facts, action: Action, matched: Matched, picked: Picked | None, observed: tuple[str, ...]
) -> Decision:
    if picked is not None and picked.all:
        return _allowed_some(request, facts, action, matched, picked, observed)
    held = matched.at_once if picked is None else matched  # the answer is not there: what is about some records waits
    requiring: Sequence[Rule] = held.needing
    if not facts.known and (not requiring or action not in CHANGES):
        return Allow((Because(ALLOWED),), _obligations(facts, None, held.masking, held.marking), held.names, observed)
    limit = _tightest(held.narrowing, facts)
    keep = _kept(facts, held.narrowing, limit)
    if keep is not None and (short := _short(facts, len(keep), facts.asked, held.narrowing, held.whole, limit)):
        return Deny((short,), held.names, observed=observed)
    duties = _obligations(facts, keep, held.masking, held.marking)
    if not facts.asked and action not in CHANGES:  # an upload may hold what nobody could read; what reads no client needs nothing
        requiring = [rule for rule in requiring if rule.where is None and action not in READING]
    if not requiring:
        return Allow((Because(ALLOWED),), duties, held.names, observed)
    going = (facts.resource.ids or ()) if keep is None else keep
    return _proven(request, facts, requiring, going, limit, duties, held.names, observed)


def _allowed_some(
    request: AccessRequest, facts: Facts, action: Action, matched: Matched, picked: Picked, observed: tuple[str, ...]
) -> Decision:
    """Where rules that matched are about some of the records."""
    allowed = picked.allowed(matched.allows, matched.denies)
    cut = picked.all ^ allowed
    whole = picked.holding(matched.whole, picked.all)
    if cut and (not allowed or action in CHANGES or whole):
        found = list(picked.why_not(cut, matched.acting, matched.denies))
        reasons = tuple(
            [Because(reason, {"rule": rule.id} if reason is RULE_ERROR and rule else _numbers(rule, facts)) for reason, rule in found]
        )
        return Deny(reasons, tuple([rule.id for _, rule in found if rule is not None]), observed=observed)
    narrowing = picked.holding(matched.narrowing, picked.all)
    records, limit = picked.kept(allowed, narrowing)
    keep = picked.listed(records)
    if short := _short(facts, len(keep), allowed.bit_count(), narrowing, whole, limit):
        return Deny((short,), tuple([rule.id for rule in picked.holding(matched.granting, picked.all)]), observed=observed)
    names = tuple([rule.id for rule in picked.holding(matched.ruling, records)])
    masking, marking = picked.holding(matched.masking, records), picked.holding(matched.marking, records)
    duties = _obligations(facts, keep, masking, marking, picked)
    requiring = picked.holding(matched.needing, records)
    if not requiring:
        return Allow((Because(ALLOWED),), duties, names, observed)
    return _proven(request, facts, requiring, keep, limit, duties, names, observed)


def _proven(
    request: AccessRequest,
    facts: Facts,
    requiring: Sequence[Rule],
    going: Sequence[ClientId],
    limit: Limit | None,
    duties: Obligations,
    names: tuple[str, ...],
    observed: tuple[str, ...],
) -> Decision:
    """Allow if everything that is asked for is there, else ask for it."""
    asked_for = _together(requiring)
    need = missing(asked_for, request, going, facts.act)
    if need is None:
        return Allow((_confirmed(request, asked_for, going),), duties, names, observed)
    said = [(rule.need, Because(rule.reason, {**_numbers(rule, facts), "asked": facts.asked, "allowed": len(going)})) for rule in requiring]
    warnings = tuple([because for one, because in said if one is not None and RequirementKind.ACKNOWLEDGE in kinds(one)])
    reasons = [because for _, because in said]
    if limit is not None and len(going) < facts.asked:
        reasons.insert(0, _limit_reason(limit, facts))
    if request.proof is not None and not _BY_PROOF.isdisjoint(kinds(need)):
        reasons.insert(0, Because(NOT_WHAT_WAS_SIGNED))
    return Challenge(tuple(reasons), need, facts.asked, len(going), duties, names, observed, warnings)


def _confirmed(request: AccessRequest, asked_for: Need, going: Sequence[ClientId]) -> Because:
    """Why an act that needed something may happen."""
    if isinstance(request.proof, CodeProof):
        return Because(CODE_CONFIRMED, {"asked": len(going)})
    touched = request.proof is not None or request.principal.proven_at is not None
    if touched and not _BY_PROOF.isdisjoint(kinds(asked_for)):
        return Because(KEY_CONFIRMED, {"asked": len(going)})
    return Because(ALLOWED)


def _observed(matched: Matched, facts: Facts, policy: Policy) -> tuple[str, ...]:
    """The rules in warn-only mode that would have denied or asked for something, or taken clients out."""
    some = facts.known and matched.watched.true.places
    picked = Picked(facts, policy.record, matched.watched) if some else None
    return tuple([rule.id for rule, failed in matched.observed if failed or _would_act(rule, facts, picked)])


def _would_act(rule: Rule, facts: Facts, picked: Picked | None) -> bool:
    about = facts.asked
    if rule.where is not None:
        if picked is None:
            return False  # it waits for the answer
        if picked.failed(rule):
            return True
        about = picked.about(rule).bit_count()
        if not about:
            return False
    if rule.effect is Effect.DENY or rule.need is not None:
        return True
    return (rule.keep_own and facts.others_count > 0) or (rule.limit is not None and rule.limit.left(facts.usage) < about)


def _together(requiring: Sequence[Rule]) -> Need:
    """What all rules ask for, each need once."""
    needs = tuple(dict.fromkeys(rule.need for rule in requiring if rule.need is not None))
    return needs[0] if len(needs) == 1 else AllOf(needs)


def _tightest(narrowing: Sequence[Rule], facts: Facts) -> Limit | None:
    limits = [rule.limit for rule in narrowing if rule.limit is not None]
    return min(limits, key=lambda limit: (limit.left(facts.usage), limit.reason.code)) if limits else None


def _kept(facts: Facts, narrowing: Sequence[Rule], limit: Limit | None) -> tuple[ClientId, ...] | None:
    """The clients that may go, in the order of the answer; None: all of them, whatever they are."""
    keep_own = True in [rule.keep_own for rule in narrowing]
    if not keep_own and limit is None:
        return None
    ids = facts.resource.ids or ()
    kept = tuple(i for i in ids if i not in facts.others) if keep_own and facts.others else ids
    return kept if limit is None else kept[: limit.left(facts.usage)]


def _short(facts: Facts, kept: int, allowed: int, narrowing: Sequence[Rule], whole: Sequence[Rule], limit: Limit | None) -> Because | None:
    """Why nothing goes: nothing would be left, or a part would be missing from something that cannot be cut.

    `allowed`: clients before `keep: own` and limits; `kept`: those after.
    """
    if kept == allowed or (kept and not whole):
        return None
    foreign = facts.others_count and (whole or not facts.own_count)
    if limit is None or (foreign and any(rule.keep_own for rule in narrowing)):
        return Because(NOT_FOR_YOU)
    return _limit_reason(limit, facts)


def _limit_reason(limit: Limit, facts: Facts) -> Because:
    share = limit.share
    numbers = {"asked": facts.asked, "limit": limit.left(facts.usage), "day_limit": share.clients(facts.usage)}
    return Because(limit.reason, {**numbers, "share": _plain(share.percent or 0)})


def _obligations(
    facts: Facts, keep: tuple[ClientId, ...] | None, masking: Sequence[Rule], marking: Sequence[Rule], picked: Picked | None = None
) -> Obligations:
    return Obligations(
        keep=None if keep is None else frozenset(keep),
        masks=tuple(_masks(facts, masking) if picked is None else picked.masks(masking)),
        drop_written=facts.resource.written_fields,
        notify=any(rule.text.notify for rule in marking),
        watermark=any(rule.text.watermark for rule in marking),
    )


def _masks(facts: Facts, masking: Sequence[Rule]) -> Iterator[FieldMask]:
    for rule in masking:
        clients = frozenset(facts.resource.ids or ()) if rule.mask_all else facts.others
        if clients:
            for name, mask in rule.masks.items():
                yield FieldMask(name, mask, clients)


def _numbers(rule: Rule | None, facts: Facts) -> dict[str, int | str]:
    """What the reason's sentences may say: counts, shares and field names, never a value of a client."""
    values: dict[str, int | str] = {"asked": facts.asked} if facts.known else {}
    if rule is not None and rule.reach is not None:
        count = rule.reach.counter(facts.usage.after)
        share = rule.reach.share
        values["count"] = count
        values["limit"] = share.count if share.percent is None else _plain(share.percent)
        if share.percent is not None:
            values["share"] = share.percent_of(count, facts.usage)
    if facts.resource.questioned_contact_fields:
        values["fields"] = ", ".join(sorted(facts.resource.questioned_contact_fields))
    return values


def _plain(percent: float) -> int | str:
    return int(percent) if percent == int(percent) else f"{percent:g}"
