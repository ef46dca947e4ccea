"""X5 as a property: no series of answers tells two companies apart that differ in a value which the person may not see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from policies.document import PolicyText
from policies.hidden import hidden_fields
from policies.masks import CONTACT_GROUP, Mask, MaskKind, apply
from policies.request import AccessRequest, Action, Context, Principal, Resource, Status
from policies.rule import Policy, compiled
from tests.policies.acts import NOON
from tests.policies.small_crm import CLIENTS, CONTACT, FIELDS, OWN, VIP, Data, Question, Seen, SmallCrm

READING = ["list", "search", "export"]
VALUES: dict[str, list[Any]] = {
    "name": ["Albrecht", "Berger", "Cramer", None],
    "phone": ["+49 171 5550001", "+49 30 5550001", "110", None],
    "email": ["a@kunde.example", "b@kunde.example", None],
    "rank": ["1", "14", "16", "200"],
    "since": ["2026-05-12", "2026-05-30", "2019-01-01", None],
}
MASKS = ["hide", "null", {"last": 4}, "hash", "pseudonym", {"round": 10}, {"date": "month"}]

actions = st.lists(st.sampled_from(READING), min_size=1, unique=True)
conditions = st.sampled_from([None, "resource.asked > 2", 'act == "list"', '"phone" in resource.fields', "usage.after.shown_day > 3"])
about = st.sampled_from([None, "record.own", "!record.own", '"vip" in record.categories'])
names = st.sampled_from([*FIELDS, CONTACT_GROUP])


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An allow on everything that is read, mostly; masks, limits and denials beside it."""
    made: list[dict[str, Any]] = [{"effect": "allow", "actions": draw(st.one_of(st.just(READING), actions))}]
    for _ in range(draw(st.integers(1, 4))):
        rule: dict[str, Any] = {"actions": draw(actions), "when": draw(conditions), "where": draw(about)}
        match draw(st.sampled_from(["masks", "masks", "masks", "deny", "keep", "limit"])):
            case "masks":
                masks = draw(st.dictionaries(names, st.sampled_from(MASKS), min_size=1, max_size=2))
                rule |= {
                    "effect": draw(st.sampled_from(["allow", "oblige"])),
                    "masks": masks,
                    "for": draw(st.sampled_from(["others", "all"])),
                }
            case "deny":
                rule |= {"effect": "deny", "reason": "not_for_you"}
            case "keep":
                rule |= {"effect": "oblige", "keep": "own"}
            case "limit":
                rule |= {"effect": "oblige", "limit": {"counter": "shown_day", "count": 3, "reason": "day_limit"}}
        made.append({key: value for key, value in rule.items() if value is not None})
    return [{"id": f"r{place}", "roles": "any", "resource": "client", **rule} for place, rule in enumerate(made)]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A filter or a sort order on anything, showing anything."""
    name = draw(st.sampled_from(FIELDS))
    where = draw(st.one_of(st.none(), st.tuples(st.just(name), st.sampled_from(["=", "!=", "<", "empty"]), st.sampled_from(VALUES[name]))))
    shown = draw(st.lists(st.sampled_from(FIELDS), unique=True))
    return Question(Action(draw(st.sampled_from(READING))), where, draw(st.one_of(st.none(), st.sampled_from(FIELDS))), tuple(shown))


data = st.fixed_dictionaries({one: st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in FIELDS}) for one in CLIENTS})


def hidden(policy: Policy) -> frozenset[str]:
    person = Principal("person", "P-1", frozenset({"manager"}), Status.ACTIVE)
    return hidden_fields(AccessRequest("act", person, Action.SEARCH, Resource(type="client"), Context(at=NOON)), policy)


def told(seen: Seen, client: str, name: str) -> Iterator[Any]:
    """An answer, without the cell of the hidden value where its mask tells something by its nature."""
    for row in seen.said:
        if not isinstance(row, tuple) or row[0] != client:
            yield row
            continue
        fields = [key[1] for key in seen.masks if key[0] == client]
        telling = seen.masks[client, name] if name in fields else None
        place = fields.index(name) + 1 if telling is not None and telling.kind not in (MaskKind.HIDE, MaskKind.NULL) else None
        yield tuple("masked" if at == place else cell for at, cell in enumerate(row))


HIDES = {
    "id": "r1",
    "roles": "any",
    "resource": "client",
    "actions": ["export"],
    "effect": "oblige",
    "masks": {"phone": "hide"},
    "for": "others",
}
ALLOWS = {"id": "r0", "roles": "any", "resource": "client", "actions": READING, "effect": "allow"}
SAME: dict[str, dict[str, Any]] = {one: {name: VALUES[name][0] for name in FIELDS} for one in CLIENTS}


@settings(max_examples=150, deadline=None)
@given(rules(), data, st.sampled_from(CLIENTS), st.sampled_from(FIELDS), st.data(), st.lists(questions(), min_size=1, max_size=6))
def test_no_series_of_answers_depends_on_a_hidden_value(
    texts: list[dict[str, Any]], base: Data, client: str, name: str, drawn: st.DataObject, series: list[Question]
) -> None:
    policy = compiled([PolicyText.model_validate({"rules": texts})], "1")
    masked = hidden(policy)
    assume(name in masked or (CONTACT_GROUP in masked and name in CONTACT))
    other = {**base, client: {**base[client], name: drawn.draw(st.sampled_from(VALUES[name]))}}
    check(policy, base, other, client, name, series)


def check(policy: Policy, base: Data, other: Data, client: str, name: str, series: list[Question]) -> None:
    """Ask both companies the same; a value that was ever shown clear is none that the person may not see."""
    one, two = SmallCrm(base, policy), SmallCrm(other, policy)
    for question in series:
        first, second = one.ask(question), two.ask(question)
        assume(first.masks.get((client, name), True) is not None)
        assert list(told(first, client, name)) == list(told(second, client, name))
        assert first.masks == second.masks


@given(questions())
@example(Question(Action.SEARCH, ("phone", "=", "+49 171 5550001")))
@example(Question(Action.LIST, None, "phone", ("name",)))
def test_one_value_of_one_client_is_found_out_by_no_single_question(question: Question) -> None:
    """The plain case, without any luck of the draw: a mask on exports alone, and every question of every kind."""
    policy = compiled([PolicyText.model_validate({"rules": [ALLOWS, HIDES]})], "1")
    series = [question] if "phone" not in question.fields or question.action is Action.EXPORT else []
    assume(series)
    for value in VALUES["phone"]:
        check(policy, SAME, {**SAME, "4": {**SAME["4"], "phone": value}}, "4", "phone", series)


def test_the_company_would_tell_without_the_law() -> None:
    """The model is no proof if it never tells: on what is not masked, the same questions do find the value out."""
    policy = compiled([PolicyText.model_validate({"rules": [ALLOWS]})], "1")
    other = {**SAME, "4": {**SAME["4"], "phone": "110"}}
    for question in (Question(Action.SEARCH, ("phone", "=", "110")), Question(Action.LIST, None, "phone", ("name",))):
        assert SmallCrm(SAME, policy).ask(question).said != SmallCrm(other, policy).ask(question).said


def test_the_masks_of_the_model_are_those_of_the_rules() -> None:
    texts = [
        ALLOWS,
        HIDES | {"actions": ["list"], "masks": {"contact": {"last": 4}, "name": "null"}, "where": '"vip" in record.categories'},
    ]
    policy = compiled([PolicyText.model_validate({"rules": texts})], "1")
    seen = SmallCrm(SAME, policy).ask(Question(Action.LIST, None, None, ("name", "phone")))
    last = apply(Mask(MaskKind.LAST, 4), "+49 171 5550001", key=b"k" * 32, reader="person")
    masked = {one for one in CLIENTS if one in VIP and one not in OWN}
    assert seen.said == tuple((one, None, last) if one in masked else (one, "Albrecht", "+49 171 5550001") for one in CLIENTS)
