"""What is masked for a person may not be asked for either: a filter, a sort order or a group on it would spell the value out (attacks X5).
And it may not be overwritten by its mask.

Laws of the engine, not rules that somebody may forget: whoever writes a mask has forbidden both with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache

from policies.attributes import Facts
from policies.decision import Deny
from policies.effect import CHANGES_EXISTING
from policies.masks import CONTACT_GROUP, KNOWN_AGAIN, covers
from policies.operators import EVALUATION_ERRORS
from policies.reasons import MASKED_QUESTION, MASKED_WRITE, Because
from policies.request import AccessRequest, Resource
from policies.rule import Policy, Rule
from policies.syntax import Call, Name, Quantified, Select, parse

_SETTLED = frozenset({"principal", "context.at"})
"""What a person cannot choose by asking in another way: roles, status and level, and the time. Everything else may turn out true."""
_PLAIN_FUNCTIONS = frozenset({"size", "startsWith", "endsWith", "contains", "matches"})
"""Functions of nothing but their arguments."""


def hidden_fields(request: AccessRequest, policy: Policy) -> frozenset[str]:
    """Fields, and the group `contact`, that are masked for this person on any reading act and for any record.

    A rule counts if it holds or may hold now: its roles, status, level and what its condition says about the person and the time are
    asked; road, records, counters and fields are not, for they may be others in the next act. A condition that fails counts.
    """
    return frozenset(name for rule in _masking(request, policy) for name in rule.masks)


def masked_question(request: AccessRequest, policy: Policy) -> Deny | None:
    """The denial if a filter, sort order or group asks for something hidden; the rules are those that mask it."""
    if not (request.resource.questioned_fields or request.resource.questioned_contact_fields):
        return None
    asked: set[str] = set()
    rules: list[str] = []
    for rule in _masking(request, policy):
        touched = {name for masked in rule.masks for name in questions_on(masked, request.resource)}
        if touched:
            asked |= touched
            rules.append(rule.id)
    if not asked:
        return None
    return Deny((Because(MASKED_QUESTION, {"fields": ", ".join(sorted(asked))}),), tuple(rules))


def blind_write(request: AccessRequest, policy: Policy) -> Deny | None:
    """The denial if a change would store what may be no value but a mask (law 5): nobody can tell a rounded number, a cut date or an
    empty field from one that was entered. Of new records nothing can be lost; a mask that is a text is taken out of what is written.
    """
    resource = request.resource
    written = resource.written_fields - resource.mask_written_fields
    if not written or request.action not in CHANGES_EXISTING:
        return None
    others = bool(Facts(request, request.action).others)
    lost: set[str] = set()
    rules: list[str] = []
    for rule in _masking(request, policy):
        if rule.mask_all or rule.where is not None or others:
            unknown = [name for name, mask in rule.masks.items() if mask.kind not in KNOWN_AGAIN]
            touched = {path for name in unknown for path in written if _is_about(name, path, resource.contact_fields)}
            if touched:
                lost |= touched
                rules.append(rule.id)
    if not lost:
        return None
    return Deny((Because(MASKED_WRITE, {"fields": ", ".join(sorted(lost))}),), tuple(rules))


def questions_on(masked: str, resource: Resource) -> Iterator[str]:
    """Those questioned fields that a mask of this name covers.

    The group covers every field that carries a contact value. A plain name covers the field itself, what is reached through it and
    every path that ends in it: `city` also `addresses.city`, `addresses` also `addresses.city`, `name` also `name:lang=de`.
    """
    if masked == CONTACT_GROUP:
        yield from resource.questioned_contact_fields
    yield from (path for path in resource.questioned_fields if covers(masked, path))


def _is_about(masked: str, path: str, contact: frozenset[str]) -> bool:
    return covers(masked, path) or (masked == CONTACT_GROUP and path in contact)


def _masking(request: AccessRequest, policy: Policy) -> Iterator[Rule]:
    """The rules with masks that hold or may hold for this person, each once."""
    principal, facts = request.principal, Facts(request, request.action)
    for rule in policy.masking(request.resource.type, principal.roles, principal.level):
        if (rule.statuses is None or principal.status in rule.statuses) and _may_hold(rule, facts):
            yield rule


def _may_hold(rule: Rule, facts: Facts) -> bool:
    if rule.when is None or rule.text.when is None or not _is_settled(rule.text.when):
        return True
    try:
        return rule.when(facts)
    except EVALUATION_ERRORS:
        return True


@lru_cache(maxsize=4_096)
def _is_settled(condition: str) -> bool:
    """Whether a condition speaks about nothing but the person and the time."""
    return _settled(parse(condition), frozenset())


def _settled(node: object, variables: frozenset[str]) -> bool:
    match node:
        case Name(name):
            return name in _SETTLED or name in variables
        case Select(operand=Name(name), member=member) if f"{name}.{member}" in _SETTLED:
            return True
        case Quantified(over=over, name=name, body=body):
            return _settled(over, variables) and _settled(body, variables | {name})
        case Call(function=function) if function not in _PLAIN_FUNCTIONS:
            return False
    parts = [getattr(node, field.name) for field in fields(node)] if is_dataclass(node) else node if isinstance(node, tuple) else ()
    return all(_settled(part, variables) for part in parts)
