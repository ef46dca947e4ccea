"""The decision: an act and a policy in, allow, challenge or deny out. Pure: no clock, no file, no network.

Deny wins; what no rule allows is denied; a rule that fails denies. Requirements and masks add up, what may be kept is the smallest of
all that say something about it. Before the answer is there (`resource.ids` is None) only the question is judged: an Allow then means
that the CRM may be asked. What a rule says about some records only (`where`) waits until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.attributes import Facts
from policies.decision import Allow, Challenge, Decision, Deny, FieldMask, Obligations
from policies.document import Effect
from policies.effect import CHANGES, CHANGES_EXISTING, MAKES_NEW, READING, effective_action
from policies.hidden import blind_write, masked_question
from policies.needs import AllOf, Need, RequirementKind, kinds, missing
from policies.operators import EVALUATION_ERRORS
from policies.reasons import ALLOWED, FROZEN, KEY_CONFIRMED, NOT_FOR_YOU, NOT_WHAT_WAS_SIGNED, RULE_ERROR, Because
from policies.records import Picked
from policies.request import AccessRequest, Action, ClientId, Status, Value
from policies.rule import Policy, Rule
from policies.shares import Limit

_NOT_FOR_YOU = Deny((Because(NOT_FOR_YOU),))


@dataclass(slots=True)
class Matched:
    """What the walk through the rules found."""

    allows: list[Rule] = field(default_factory=list)
    requires: list[Rule] = field(default_factory=list)
    obliges: list[Rule] = field(default_factory=list)
    denies: list[Rule] = field(default_factory=list)
    failed: list[Rule] = field(default_factory=list)
    some: bool = False
    """One of them is about some records only."""
    observed: list[tuple[Rule, bool]] = field(default_factory=list)
    """Rules in warn-only mode that matched, or failed (true)."""

    @property
    def granting(self) -> list[Rule]:
        """Rules whose duties hold: where something is allowed, these say how."""
        return self.allows + self.obliges

    @property
    def acting(self) -> list[Rule]:
        """All that matched and act on something."""
        return self.allows + self.obliges + self.requires + self.denies


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
    matched = walk(facts, policy)
    if matched.failed:
        rule = matched.failed[0]
        return Deny((Because(RULE_ERROR, {"rule": rule.id}),), (rule.id,))
    denies = [rule for rule in matched.denies if rule.where is None] if matched.some else matched.denies
    observed = _observed(matched, facts, policy) if matched.observed else ()
    if denies:
        reasons = tuple([Because(rule.reason, _numbers(rule, facts)) for rule in denies])
        quarantine = True in [rule.text.quarantine for rule in denies]
        return Deny(reasons, tuple([rule.id for rule in denies]), quarantine, observed)
    if not matched.allows or (action in MAKES_NEW and not facts.asked and all(rule.where is not None for rule in matched.allows)):
        return Deny(_NOT_FOR_YOU.reasons, (), observed=observed)
    picked = Picked(facts, policy.record, matched.acting) if matched.some and facts.known else None
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
    matched = walk(facts, policy)
    granting = matched.granting
    picked = Picked(facts, policy.record, granting) if matched.some and facts.known else None
    return _obligations(facts, granting, None, picked)


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether a rule that can apply at the person's level does. Raises one of EVALUATION_ERRORS."""
    if rule.channels is not None and facts.context.channel not in rule.channels:
        return False
    if rule.statuses is not None and facts.principal.status not in rule.statuses:
        return False
    if rule.reach is not None and not rule.reach.reached(facts):
        return False
    return rule.when is None or rule.when(facts)


def walk(facts: Facts, policy: Policy) -> Matched:
    """Ask every rule that can apply."""
    matched = Matched()
    for rule in policy.applicable(facts.act, facts.resource.type, facts.principal.roles, facts.principal.level):
        try:
            if not matches(rule, facts):
                continue
        except EVALUATION_ERRORS:
            if rule.observed:
                matched.observed.append((rule, True))
            else:
                matched.failed.append(rule)
            continue
        if rule.observed:
            matched.observed.append((rule, False))
            continue
        if rule.where is not None:
            matched.some = True
        match rule.effect:
            case Effect.ALLOW:
                matched.allows.append(rule)
            case Effect.DENY:
                matched.denies.append(rule)
            case Effect.REQUIRE:
                matched.requires.append(rule)
            case Effect.OBLIGE:
                matched.obliges.append(rule)
    return matched


def _allowed(
    request: AccessRequest, facts: Facts, action: Action, matched: Matched, picked: Picked | None, observed: tuple[str, ...]
) -> Decision:
    granting, requires = matched.granting, matched.requires
    if matched.some and picked is None:  # the answer is not there: what is about some records waits
        granting, requires = [rule for rule in granting if rule.where is None], [rule for rule in requires if rule.where is None]
    if picked is not None and picked.all:
        return _allowed_some(request, facts, action, matched, picked, observed)
    rules = granting + requires
    names = tuple([rule.id for rule in rules])
    requiring = [rule for rule in rules if rule.need is not None]
    if not facts.known and (not requiring or action not in CHANGES):
        return Allow((Because(ALLOWED),), _obligations(facts, granting, None), names, observed)
    limit = _tightest(granting, facts)
    keep = _kept(facts, granting, limit)
    if keep is not None and (refusal := _refusal(facts, granting, keep, facts.asked, limit, names)):
        return replace(refusal, observed=observed) if observed else refusal
    duties = _obligations(facts, granting, keep)
    if not facts.asked and action not in CHANGES:  # an upload may hold what nobody could read; what reads no client needs nothing
        requiring = [rule for rule in requiring if rule.where is None and action not in READING]
    if not requiring:
        return Allow((Because(ALLOWED),), duties, names, observed)
    going = (facts.resource.ids or ()) if keep is None else keep
    return _proven(request, facts, requiring, going, limit, duties, names, observed)


def _allowed_some(
    request: AccessRequest, facts: Facts, action: Action, matched: Matched, picked: Picked, observed: tuple[str, ...]
) -> Decision:
    """Where rules that matched are about some of the records."""
    denies = matched.denies
    granting = [rule for rule in matched.granting if picked.about(rule)]
    allowed = picked.allowed(matched.allows, denies)
    cut = picked.all ^ allowed
    if cut and (not allowed or action in CHANGES or True in [rule.whole for rule in granting]):
        found = list(picked.why_not(cut, denies))
        reasons = tuple(
            [Because(reason, {"rule": rule.id} if reason is RULE_ERROR and rule else _numbers(rule, facts)) for reason, rule in found]
        )
        return Deny(reasons, tuple([rule.id for _, rule in found if rule is not None]), observed=observed)
    records, limit = picked.kept(allowed, granting)
    keep = picked.listed(records)
    names = tuple([rule.id for rule in granting])
    if refusal := _refusal(facts, granting, keep, allowed.bit_count(), limit, names):
        return replace(refusal, observed=observed)
    granting = [rule for rule in granting if picked.about(rule) & records]
    rules = granting + [rule for rule in matched.requires if picked.about(rule) & records]
    names = tuple([rule.id for rule in rules])
    duties = _obligations(facts, granting, keep, picked)
    requiring = [rule for rule in rules if rule.need is not None]
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
    need = missing(asked_for, request, going)
    if need is None:
        touched = RequirementKind.KEY in kinds(asked_for) and (request.proof is not None or request.principal.proven_at is not None)
        because = Because(KEY_CONFIRMED, {"asked": len(going)}) if touched else Because(ALLOWED)
        return Allow((because,), duties, names, observed)
    reasons = [Because(rule.reason, {**_numbers(rule, facts), "asked": facts.asked, "allowed": len(going)}) for rule in requiring]
    if limit is not None and len(going) < facts.asked:
        reasons.insert(0, _limit_reason(limit, facts))
    if request.proof is not None and RequirementKind.KEY in kinds(need):
        reasons.insert(0, Because(NOT_WHAT_WAS_SIGNED))
    return Challenge(tuple(reasons), need, facts.asked, len(going), duties, names, observed)


def _observed(matched: Matched, facts: Facts, policy: Policy) -> tuple[str, ...]:
    """The rules in warn-only mode that would have denied or asked for something, or taken clients out."""
    some = facts.known and any(rule.where is not None for rule, _ in matched.observed)
    picked = Picked(facts, policy.record, [rule for rule, failed in matched.observed if not failed]) if some else None
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


def _tightest(allows: Sequence[Rule], facts: Facts) -> Limit | None:
    limits = [rule.limit for rule in allows if rule.limit is not None]
    return min(limits, key=lambda limit: (limit.left(facts.usage), limit.reason.code)) if limits else None


def _kept(facts: Facts, allows: Sequence[Rule], limit: Limit | None) -> tuple[ClientId, ...] | None:
    """The clients that may go, in the order of the answer; None: all of them, whatever they are."""
    keep_own = True in [rule.keep_own for rule in allows]
    if not keep_own and limit is None:
        return None
    ids = facts.resource.ids or ()
    kept = tuple(i for i in ids if i not in facts.others) if keep_own and facts.others else ids
    return kept if limit is None else kept[: limit.left(facts.usage)]


def _refusal(
    facts: Facts, allows: Sequence[Rule], keep: tuple[ClientId, ...], allowed: int, limit: Limit | None, rules: tuple[str, ...]
) -> Deny | None:
    """The denial where nothing would be left, or where a part would be missing from something that cannot be cut.

    `allowed`: clients before `keep: own` and limits.
    """
    if len(keep) == allowed:
        return None
    if keep and not any(rule.whole for rule in allows):
        return None
    foreign = facts.others_count and (any(rule.whole for rule in allows) or not facts.own_count)
    if limit is None or (foreign and any(rule.keep_own for rule in allows)):
        return Deny((Because(NOT_FOR_YOU),), rules)
    return Deny((_limit_reason(limit, facts),), rules)


def _limit_reason(limit: Limit, facts: Facts) -> Because:
    share = limit.share
    numbers = {"asked": facts.asked, "limit": limit.left(facts.usage), "day_limit": share.clients(facts.usage)}
    return Because(limit.reason, {**numbers, "share": _plain(share.percent or 0)})


def _obligations(facts: Facts, granting: Sequence[Rule], keep: tuple[ClientId, ...] | None, picked: Picked | None = None) -> Obligations:
    return Obligations(
        keep=None if keep is None else frozenset(keep),
        masks=tuple(_masks(facts, granting) if picked is None else picked.masks(granting)),
        drop_written=facts.resource.written_fields,
        notify=any(rule.text.notify for rule in granting),
        watermark=any(rule.text.watermark for rule in granting),
    )


def _masks(facts: Facts, granting: Sequence[Rule]) -> Iterator[FieldMask]:
    for rule in granting:
        if rule.masks:
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
