"""A plan and the decision on each record never contradict each other."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.attributes import STRING, Member, Type
from policies.decision import Deny
from policies.document import PolicyText
from policies.engine import decide
from policies.plan import Plan, PlanKind, plan
from policies.request import Action, Counts, Level, Status
from policies.rule import compiled
from policies.tree import ITEM, And, Compare, Exists, Has, In, Match, Not, Op, Or, Text, attributes_of
from tests.policies.acts import act, on_records
from tests.policies.filtering import holds
from tests.policies.test_columns import CONDITIONS, SCHEMA, acts

RULE = {"id": "r", "roles": "any", "actions": ["list", "export"], "resource": "client"}
ALLOW = RULE | {"effect": "allow"}
OPTIONAL = SCHEMA | {"marks": Member(Type("list", element=STRING), optional=True)}
WHENS = [
    "true",
    "false",
    "resource.asked > 2",
    "usage.after.shown_day > 5 || true",
    'principal.team == "south"',
    "1 / 0 > 1",
    "act == 'list'",
]


def policy(*rules, schema=OPTIONAL):
    texts = [rule | {"id": f"r{place}"} for place, rule in enumerate(rules)]
    return compiled([PolicyText.model_validate({"rules": texts})], "1", schema)


def of(where, **more):
    """The plan of a list with one allow about some records."""
    return plan(act(Action.LIST, own=None, principal={"team": "south", "roles": frozenset()}), policy(ALLOW | {"where": where} | more))


def kept(request, rules):
    decision = decide(request, rules)
    if isinstance(decision, Deny):
        return None
    keep = decision.obligations.keep
    return {i for i in request.resource.ids if keep is None or i in keep}


def planned(found, request):
    columns = request.resource.records
    for place, client in enumerate(request.resource.ids):
        record = {name: column[place] for name, column in columns.items()} | {"own": client in request.resource.own}
        if found.kind is PlanKind.ALWAYS or (found.tree is not None and holds(found.tree, record)):
            yield client


@st.composite
def rules(draw):
    effect = draw(st.sampled_from(["allow", "allow", "deny", "oblige", "require"]))
    rule = RULE | {"effect": effect}
    if draw(st.integers(0, 4)):
        rule["where"] = draw(CONDITIONS)
    if not draw(st.integers(0, 3)):
        rule["when"] = draw(st.sampled_from(WHENS))
    if not draw(st.integers(0, 7)):
        rule["reaches"] = {"counter": "shown_day", "count": 4}
    if not draw(st.integers(0, 9)):
        rule["mode"] = "observe"
    match effect:
        case "deny":
            rule["reason"] = "day_limit"
        case "require":
            rule |= {"require": "key", "reason": "limit_needs_key"}
        case "oblige":
            limit = {"counter": "exported_day", "count": 3, "reason": "export_limit"}
            rule |= draw(st.sampled_from([{"keep": "own"}, {"masks": {"contact": "hide"}, "for": "all"}, {"limit": limit}]))
    return rule


@settings(max_examples=400, deadline=None)
@given(st.lists(rules(), min_size=1, max_size=5), acts(), st.integers(0, 9))
def test_what_is_kept_is_what_was_planned(texts, request, shown):
    request = replace(request, usage=replace(request.usage, after=Counts(shown_day=shown)))
    policy_ = policy(*texts)
    found = plan(replace(request, resource=replace(request.resource, ids=None, records={}, own=frozenset())), policy_)
    allowed = kept(request, policy_)
    may = set(planned(found, request))
    if allowed is None:
        if found.exact and request.resource.ids and found.kind is PlanKind.ALWAYS:
            assert any(text["effect"] == "deny" or "when" in text for text in texts), "only a whole denial may contradict an exact always"
        return
    assert allowed <= may
    if found.exact:
        assert allowed == may
    if found.kind is PlanKind.NEVER:
        assert not request.resource.ids


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, acts())
def test_one_exact_rule_decides_each_record_as_planned(condition, request):
    policy_ = policy(ALLOW | {"where": condition})
    found = plan(request, policy_)
    for place, client in enumerate(request.resource.ids):
        columns = {name: [column[place]] for name, column in request.resource.records.items()}
        one = on_records(request, (client,), request.resource.own & {client}, columns)
        if found.exact and "resource.asked" not in condition:
            assert (kept(one, policy_) is not None) == bool(list(planned(found, one)))


GERMAN = Compare("language", Op.EQ, "de")


@pytest.mark.parametrize(
    ("where", "tree"),
    [
        ('record.language == "de"', GERMAN),
        ('"de" == record.language', GERMAN),
        ('!(record.language == "de")', Compare("language", Op.NE, "de")),
        ("record.score < 3", Compare("score", Op.LT, 3)),
        ("3 < record.score", Compare("score", Op.GT, 3)),
        ("record.own", Compare("own", Op.EQ, True)),
        ("!record.own", Not(Compare("own", Op.EQ, True))),
        ("record.own == false", Not(Compare("own", Op.EQ, True))),
        ("record.owner == principal.team", Compare("owner", Op.EQ, "south")),
        ('record.owner == "x" && principal.team == "south"', Compare("owner", Op.EQ, "x")),
        ("has(record.language)", Has("language")),
        ('has(record.language) && record.language == "de"', GERMAN),
        ('has(record.language) || record.language == "de"', Has("language")),
        ('record.owner in ["b", "a"]', In("owner", ("a", "b"))),
        ('record.city.startsWith("B")', Text("city", Match.STARTS_WITH, "B")),
        ('!record.city.matches("B+")', And((Has("city"), Not(Text("city", Match.PATTERN, "B+"))))),
        ('"AT" in record.countries', Exists("countries", Compare(ITEM, Op.EQ, "AT"))),
        ("size(record.countries) > 0", Exists("countries")),
        ("size(record.countries) == 0", Not(Exists("countries"))),
        ('record.countries.exists(c, c == "AT" || c == principal.team)',
         Exists("countries", Or((Compare(ITEM, Op.EQ, "AT"), Compare(ITEM, Op.EQ, "south"))))),
        ('record.postal_codes.all(p, p.startsWith("80"))', Not(Exists("postal_codes", Not(Text(ITEM, Match.STARTS_WITH, "80"))))),
        ('"a" in record.marks', Exists("marks", Compare(ITEM, Op.EQ, "a"))),
        ('!("a" in record.marks)', And((Has("marks"), Not(Exists("marks", Compare(ITEM, Op.EQ, "a")))))),
    ],
)  # fmt: skip
def test_the_tree_of_a_condition(where, tree):
    assert of(where) == Plan(PlanKind.CONDITIONAL, tree, True, (), ("1:r0",))


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("record.own || true", PlanKind.ALWAYS),
        ("record.own || !record.own", PlanKind.ALWAYS),
        ("record.own && false", PlanKind.NEVER),
        ("record.owner in principal.roles", PlanKind.NEVER),
        ('principal.territory == "x"', PlanKind.NEVER),
        ("record.score > 1 / 0", PlanKind.NEVER),
    ],
)
def test_a_condition_that_the_act_decides(where, kind):
    found = of(where)
    assert (found.kind, found.tree, found.exact) == (kind, None, True)


@pytest.mark.parametrize(
    "where",
    [
        "record.score * 2 > 3",
        "record.owner == record.city",
        "size(record.tags) > 2",
        "resource.asked > 3",
        "record.tags.exists(t, t == record.city)",
    ],
)
def test_what_no_tree_can_say_is_left_to_the_answer(where):
    assert of(where) == Plan(PlanKind.ALWAYS, None, False, ("1:r0",), ("1:r0",), True)
    assert of(f"record.own && ({where})").tree == Compare("own", Op.EQ, True)
    assert of(f"!({where})").kind is PlanKind.ALWAYS


def test_choices_inside_choices_do_not_grow():
    where = "record.own"
    for _ in range(12):
        where = f"({where}) ? record.active : record.vip"
    assert not of(where).exact


def test_where_a_record_without_a_value_would_fail_it_is_not_planned():
    deny = RULE | {"effect": "deny", "reason": "day_limit", "where": 'record.language == "de"'}
    found = plan(act(Action.LIST, own=None), policy(ALLOW, deny))
    assert found.tree == Compare("language", Op.NE, "de")
    assert attributes_of(found.tree) == {"language"}
    hide = RULE | {"effect": "oblige", "masks": {"contact": "hide"}, "where": 'record.language == "de"'}
    assert plan(act(Action.LIST, own=None), policy(ALLOW, hide)).tree == Has("language")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"status": Status.GONE}, PlanKind.NEVER),
        ({"principal": {"frozen": True}}, PlanKind.NEVER),
        ({"questioned_contact_fields": frozenset({"phone"})}, PlanKind.NEVER),
        ({"role": "visitor"}, PlanKind.NEVER),
        ({"role": "owner"}, PlanKind.ALWAYS),
        ({"role": "manager"}, PlanKind.ALWAYS),
        ({"role": "manager", "principal": {"level": Level.DEPARTING}}, PlanKind.NEVER),
        ({"role": "manager", "status": Status.LAST_DAY}, PlanKind.NEVER),
    ],
)
def test_what_the_act_decides_alone(given, kind):
    reads = ALLOW | {"roles": ["manager"], "masks": {"contact": "hide"}, "for": "others"}
    rules = [
        reads | {"levels": {"departing": {"effect": "deny", "reason": "export_not_now"}}},
        ALLOW | {"roles": ["owner"]},
        RULE | {"effect": "deny", "reason": "day_limit", "status": ["last_day"]},
        RULE | {"effect": "deny", "reason": "day_limit", "channels": ["cloud"]},
    ]
    assert plan(act(Action.LIST, own=None, **given), policy(*rules)).kind is kind


def test_own_clients_and_a_limit():
    limit = {"counter": "exported_day", "count": 3, "reason": "export_limit"}
    found = plan(act(Action.EXPORT, own=None), policy(ALLOW | {"keep": "own", "limit": limit}))
    assert found == Plan(PlanKind.CONDITIONAL, Compare("own", Op.EQ, True), False, ("1:r0",), ("1:r0",))
