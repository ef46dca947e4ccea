"""Rules made by chance, written in both languages, and the same questions put to both engines: ours and Cedar's (cedarpy).

What is asked is whether one field of one client may be shown. For us that is: the client is kept and the field is not masked. For Cedar
it is an act of its own, `list:phone`, member of the group `list`: the shortest way to ask it there.

The rules ask for an attribute that may be missing only after `has`: there the engines differ on purpose (Cedar passes over a rule that
fails, also one that forbids; we deny).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import cedarpy

from policies.attributes import BOOL, INT, STRING, Attributes, Member, Type
from policies.decision import Decision, Deny
from policies.document import PolicyText
from policies.engine import decide
from policies.request import AccessRequest, Action, Level
from policies.rule import Policy, compiled
from tests.policies.acts import act, on_records

SCHEMA: Attributes = {
    "own": Member(BOOL),
    "territory": Member(STRING),
    "stage": Member(STRING),
    "city": Member(STRING),
    "score": Member(INT),
    "vip": Member(BOOL),
    "region": Member(STRING, optional=True),
    "tags": Member(Type("list", element=STRING)),
}
FIELDS = ("name", "phone", "email", "mobile", "street", "city", "tax_number", "bank", "discount", "margin", "notes", "birthday")
ROLES = tuple(f"role-{n}" for n in range(6))
WORDS = {
    "territory": ("north", "south", "east", "west"),
    "stage": ("new", "active", "lost", "won"),
    "city": ("Berlin", "Bern", "Wien", "Köln", "Bremen"),
    "region": ("dach", "benelux", "nordics"),
    "tags": ("gold", "silver", "press", "old"),
    "team": ("one", "two"),
}


@dataclass(frozen=True, slots=True)
class Written:
    """One condition in both languages."""

    cel: str
    cedar: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in both languages."""

    ours: dict[str, Any]
    """As in a file, without its id."""
    cedar: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The same rules for both."""

    ours: Policy
    theirs: Any
    """A prepared `cedarpy.PolicySet`."""


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, and a list of clients, as both know them."""

    request: AccessRequest
    owners: tuple[str, ...]
    """Of each client, the person."""

    @property
    def ids(self) -> tuple[str, ...]:
        return self.request.resource.ids or ()


def condition(random: Random, depth: int = 2) -> Written:
    """A condition on a client and on whoever asks."""
    if depth == 0 or random.random() < 0.3:
        return _leaf(random)
    match random.randrange(6):
        case 0:
            inner = condition(random, depth - 1)
            return Written(f"!({inner.cel})", f"!({inner.cedar})")
        case 1:
            test, yes, no = (condition(random, depth - 1) for _ in range(3))
            return Written(f"(({test.cel}) ? ({yes.cel}) : ({no.cel}))", f"(if {test.cedar} then {yes.cedar} else {no.cedar})")
        case number:
            return _both(condition(random, depth - 1), condition(random, depth - 1), "&&" if number < 4 else "||")


def _both(one: Written, two: Written, sign: str = "&&") -> Written:
    return Written(f"(({one.cel}) {sign} ({two.cel}))", f"(({one.cedar}) {sign} ({two.cedar}))")


def _leaf(random: Random) -> Written:
    def word(name: str) -> str:
        return json.dumps(random.choice(WORDS[name]), ensure_ascii=False)

    def some(name: str) -> str:
        return json.dumps(random.sample(WORDS[name], 2), ensure_ascii=False)

    name = random.choice(("territory", "stage", "city"))
    match random.randrange(14):
        case 0 | 1:
            return Written("record.own", "resource.owner == principal")
        case 2 | 3:
            return Written("record.territory == principal.territory", "resource.territory == principal.territory")
        case 4:
            sign, value = random.choice(("==", "!=")), word(name)
            return Written(f"record.{name} {sign} {value}", f"resource.{name} {sign} {value}")
        case 5:
            values = some(name)
            return Written(f"record.{name} in {values}", f"{values}.contains(resource.{name})")
        case 6 | 7:
            sign, number = random.choice(("<", "<=", ">", ">=", "==", "!=")), random.randrange(10)
            return Written(f"record.score {sign} {number}", f"resource.score {sign} {number}")
        case 8:
            return Written("record.vip", "resource.vip")
        case 9:
            value = word("region")
            known = f"has(record.region) && record.region == {value}"
            return Written(f"({known})", f"(resource has region && resource.region == {value})")
        case 10:
            value = word("tags")
            return Written(f"{value} in record.tags", f"resource.tags.contains({value})")
        case 11:
            values = some("tags")
            return Written(f"record.tags.exists(t, t in {values})", f"resource.tags.containsAny({values})")
        case 12:
            start = random.choice(("Ber", "B", "W"))
            return Written(f'record.city.startsWith("{start}")', f'resource.city like "{start}*"')
        case _:
            value = word("team")
            return Written(f"principal.team == {value}", f"principal.team == {value}")


def rules(random: Random, count: int, roles: tuple[str, ...] = ROLES, anybody: float = 0.1) -> list[Rule]:
    """Rules that allow clients, deny some of them, or mask a field of them; `anybody`: the share of rules that are for all roles.

    However many rules apply to one person, a handful of them deny and some dozens mask: else nothing would be left to compare.
    """
    applying = count * (anybody + (1 - anybody) / len(roles))
    denying, masking = min(0.15, 4 / applying), min(0.5, 16 / applying)
    return [_rule(random, roles, anybody, denying, masking) for _ in range(count)]


def _rule(random: Random, roles: tuple[str, ...], anybody: float, denying: float, masking: float) -> Rule:
    role = None if random.random() < anybody else random.choice(roles)
    who = "principal" if role is None else f'principal in Role::"{role}"'
    ours: dict[str, Any] = {"roles": "any" if role is None else [role], "actions": ["list"], "resource": "client"}
    what, kind = 'action in Action::"list"', random.random()
    about = condition(random)
    if kind < denying:
        ours |= {"effect": "deny", "reason": "not_for_you"}
    elif kind < denying + masking:
        field = random.choice(FIELDS)
        ours |= {"effect": "oblige", "masks": {field: "hide"}}
        what = f'action == Action::"list:{field}"'
    else:
        ours |= {"effect": "allow"}
    if kind < denying + masking:
        about = _both(about, condition(random))
    ours["where"], cedar = about.cel, about.cedar
    if "masks" in ours and random.random() < 0.25:
        ours["for"] = "others"
        cedar = f"({cedar}) && !(resource.owner == principal)"
    if random.random() < 0.15:
        ours["when"] = 'principal.level == "normal"'
        cedar = f'principal.level == "normal" && ({cedar})'
    effect = "permit" if ours["effect"] == "allow" else "forbid"
    return Rule(ours, f"{effect}({who}, {what}, resource) when {{ {cedar} }};")


def texts(of: list[Rule]) -> dict[str, Any]:
    """Our document of these rules."""
    return {"rules": [{"id": f"r{number}", **rule.ours} for number, rule in enumerate(of)]}


def pair(of: list[Rule]) -> Pair:
    """The rules, ready for both."""
    ours = compiled([PolicyText.model_validate(texts(of))], "1", SCHEMA)
    return Pair(ours, cedarpy.PolicySet.from_str("\n".join(rule.cedar for rule in of)))


def people(random: Random, count: int, roles: tuple[str, ...] = ROLES) -> People:
    """A person, and a list of so many clients."""
    ids = tuple(f"c{number}" for number in range(count))
    owners = tuple(random.choice(("person-1", "person-2", "person-3")) for _ in ids)
    records = {
        "territory": [random.choice(WORDS["territory"]) for _ in ids],
        "stage": [random.choice(WORDS["stage"]) for _ in ids],
        "city": [random.choice(WORDS["city"]) for _ in ids],
        "score": [random.randrange(10) for _ in ids],
        "vip": [random.random() < 0.2 for _ in ids],
        "region": [random.choice((None, *WORDS["region"])) for _ in ids],
        "tags": [random.sample(WORDS["tags"], random.randrange(3)) for _ in ids],
    }
    principal = {
        "roles": frozenset(random.sample(roles, min(len(roles), random.choice((1, 1, 2))))),
        "team": random.choice(WORDS["team"]),
        "territory": random.choice(WORDS["territory"]),
        "level": random.choice((Level.NORMAL, Level.WATCHED)),
    }
    own = frozenset(i for i, owner in zip(ids, owners, strict=True) if owner == "person-1")
    request = on_records(act(Action.LIST, principal=principal), ids, own, records)
    return People(request, owners)


def entities(them: People) -> Any:
    """What Cedar knows of them, prepared."""
    principal, records = them.request.principal, them.request.resource.records
    known: list[dict[str, Any]] = [
        {
            "uid": {"type": "User", "id": principal.id},
            "attrs": {"team": principal.team, "territory": principal.territory, "level": principal.level.value},
            "parents": [{"type": "Role", "id": role} for role in sorted(principal.roles)],
        }
    ]
    for field in FIELDS:
        known.append({"uid": {"type": "Action", "id": f"list:{field}"}, "attrs": {}, "parents": [{"type": "Action", "id": "list"}]})
    for place, (client, owner) in enumerate(zip(them.ids, them.owners, strict=True)):
        attributes = {name: column[place] for name, column in records.items() if column[place] is not None}
        attributes["owner"] = {"__entity": {"type": "User", "id": owner}}
        known.append({"uid": {"type": "Client", "id": client}, "attrs": attributes, "parents": []})
    return cedarpy.Entities.from_json_str(json.dumps(known))


def requests(them: People) -> list[dict[str, str]]:
    """Each field of each client, as Cedar is asked."""
    who = f'User::"{them.request.principal.id}"'
    return [
        {"principal": who, "action": f'Action::"list:{field}"', "resource": f'Client::"{client}"'}
        for client in them.ids
        for field in FIELDS
    ]


def theirs(policies: Pair, them: People) -> list[bool]:
    """What Cedar says, client by client and field by field."""
    answers = cedarpy.is_authorized_batch(requests(them), policies.theirs, entities(them))
    assert not any(answer.diagnostics.errors for answer in answers)
    return [answer.allowed for answer in answers]


def ours(policies: Pair, them: People) -> list[bool]:
    """What we say."""
    return list(shown(decide(them.request, policies.ours), them.ids))


def shown(decision: Decision, ids: tuple[str, ...]) -> Iterator[bool]:
    """Whether each field of each client is shown."""
    if isinstance(decision, Deny):
        yield from [False] * (len(ids) * len(FIELDS))
        return
    duties = decision.obligations
    hidden = {field: duties.masked_in(field) for field in FIELDS}
    for client in ids:
        kept = duties.keep is None or client in duties.keep
        for field in FIELDS:
            yield kept and client not in hidden[field]
