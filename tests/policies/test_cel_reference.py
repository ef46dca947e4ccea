"""The same expressions in Torwart and in Google's own evaluator of CEL: the same value, or an error in both."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace

import pytest

from policies.attributes import PLACES, RECORD, ROOTS, Facts, Type
from policies.expression import compile_part
from policies.language import DIFFERENCES, Outcome
from policies.operators import EVALUATION_ERRORS, equatable
from policies.request import Action, Counts, Finding
from policies.syntax import ExpressionError, parse
from policies.tokens import tokens
from tests.policies.acts import act
from tests.policies.expressions import OPTIONAL, Expressions, for_reference, for_torwart
from tests.services.require import missing

try:
    from cel_expr_python import cel
except ImportError:
    cel = None

ERROR = "error"


def findings(*kinds):
    return tuple(Finding(kind, f"{kind}_index", 3 * place, 0.5 * place, "body") for place, kind in enumerate(kinds))


def records():
    yield SimpleNamespace(
        own=True,
        active=True,
        created_at=datetime(2026, 1, 31, 8, 15, 0, 250_000, UTC),
        changed_at=None,
        language="de",
        countries=("DE", "AT"),
        postal_codes=["10115"],
        cities=("Berlin", "Wien", "Berlin"),
        categories=(),
    )
    yield SimpleNamespace(
        own=False,
        active=True,
        created_at=None,
        changed_at=datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        language=None,
        countries=(),
        postal_codes=(),
        cities=("Größe",),
        categories=["a", "Nord"],
    )


def acts():
    yield act(Action.LIST, own=3, others=2, after=Counts(shown_day=5))
    full = act(
        Action.EXPORT,
        own=0,
        others=1,
        principal={"team": "Nord", "territory": "de", "device": "x1"},
        written_fields=frozenset({"name", "phone"}),
        limit=7,
        questioned_fields=frozenset({"name"}),
    )
    yield replace(full, findings=findings("clients"), context=replace(full.context, source_ip="127.0.0.1", destination="a"))
    yield replace(act(Action.UPLOAD, own=None), findings=findings("uninspectable", "clients", "a"))


def facts_of():
    for request in acts():
        for record in records():
            facts = Facts(request, request.action)
            facts.record = record
            yield facts


FACTS = list(facts_of())


def plain(value):
    """As the reference gives it: lists for all lists, own words as text."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple | list | frozenset):
        return [plain(item) for item in value]
    return {plain(key): plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def members(facts, path, kind):
    """Every name below this one, with its type and its value."""
    for name, member in kind.members.items():
        inside = f"{path}.{name}"
        if member.type.members is not None:
            yield from members(facts, inside, member.type)
            continue
        value = facts
        for step in PLACES.get(inside, inside).split("."):
            value = getattr(value, step)
        yield inside, member.type, value


class Reference:
    """The other evaluator, with the same acts: a variable for each name, maps for what `has` may be asked about.

    A map cannot hold a point in time: there it is text, which `for_reference` reads.
    """

    def __init__(self):
        if cel is None:
            missing("cel-expr-python", "the reference evaluator of CEL has no wheel for this platform")
        self._roots = {name: kind for name, kind in ROOTS.items() if kind.members} | {"record": Type("record", members=RECORD)}
        kinds = {"act": cel.Type.STRING, "findings": cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN))}
        for root, kind in self._roots.items():
            kinds[root] = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
            kinds |= {path: self._type(inside) for path, inside, _ in members(FACTS[0], root, kind) if path not in OPTIONAL}
        self._env = cel.NewEnv(variables=kinds)
        self._acts = [self._env.Activation(self._data(facts)) for facts in FACTS]

    def _type(self, kind):
        return cel.Type.List(self._type(kind.element)) if kind.element else getattr(cel.Type, kind.name.upper())

    def _data(self, facts):
        found = [{name: getattr(finding, name) for name in ROOTS["findings"].element.members} for finding in facts.findings]
        data = {"act": str(facts.act), "findings": found}
        for root, kind in self._roots.items():
            known = {path: plain(value) for path, _, value in members(facts, root, kind) if value is not None}
            maybe = {path.split(".")[1]: value for path, value in known.items() if path in OPTIONAL}
            data[root] = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in maybe.items()}
            data |= {path: value for path, value in known.items() if path not in OPTIONAL}
        return data

    def value(self, text, place):
        """Its value for one of the acts, or ERROR. Raises RuntimeError for what it does not compile."""
        found = self._env.compile(text).eval(self._acts[place])
        return ERROR if found.type() == cel.Type.ERROR else found.plain_value()


@pytest.fixture(scope="module")
def reference():
    return Reference()


def ours(text, place):
    part = compile_part(parse(text), RECORD)
    try:
        return plain(part.run(FACTS[place], ()))
    except EVALUATION_ERRORS:
        return ERROR


def same(one, other):
    """Equal in value and in type, to the last item."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def compare(reference, seed, count):
    """How many of the expressions had a value of which type; fails at the first that differs."""
    expressions, kinds = Expressions(seed), Counter()
    for number in range(count):
        text, place = expressions.any(), number % len(FACTS)
        mine, theirs = ours(for_torwart(text), place), reference.value(for_reference(text), place)
        assert same(mine, theirs), f"act {place}: {text}\nTorwart: {mine!r}\nreference: {theirs!r}"
        kinds["error" if mine is ERROR else type(mine).__name__] += 1
    return kinds


EVERY = ("bool", "int", "float", "str", "datetime", "timedelta", "list", "dict")


def well_mixed(kinds, count):
    return kinds["error"] < count / 3 and all(kinds[kind] > count / 100 for kind in EVERY)


def test_two_thousand_expressions_have_the_values_of_the_reference(reference):
    assert well_mixed(compare(reference, 1, 2_000), 2_000)


@pytest.mark.slow
def test_a_hundred_thousand_expressions_have_the_values_of_the_reference(reference):
    assert well_mixed(compare(reference, 2, 100_000), 100_000)


def garbled(text, dice):
    """The expression with a token too many, too few, or of another place."""
    words = [token.text for token in tokens(text)[:-1]]
    place, other = dice.randrange(len(words)), dice.choice(words)
    return " ".join(words[:place] + dice.choice(([other], [other, words[place]], [])) + words[place + 1 :])


def value_or_refusal(reference, text, place):
    try:
        return reference.value(text, place), ""
    except RuntimeError as error:
        return None, str(error)


def accepted_garbled(reference, seed, count):
    """How many garbled expressions Torwart took; fails at the first that the reference does not take, or not as the same."""
    expressions, dice, taken = Expressions(seed), Random(seed), 0  # noqa: S311 -- questions, not secrets
    for number in range(count):
        text, place = garbled(for_torwart(expressions.any()), dice), number % len(FACTS)
        if "_at" in text or "/" in text:  # the reference cannot have times in its maps; x / 0.0 differs on purpose
            continue
        try:
            kind = compile_part(parse(text), RECORD).type
            mine = ours(text, place)
        except ExpressionError:
            continue
        if not equatable(kind):  # a whole `principal` is another object in each
            continue
        theirs, refused = value_or_refusal(reference, text, place)
        if refused:
            assert "(int, double)" in refused or "(double, int)" in refused, f"{text}\n{refused}"
            continue
        assert same(mine, theirs), f"act {place}: {text}\nTorwart: {mine!r}\nreference: {theirs!r}"
        taken += 1
    return taken


def test_what_is_taken_by_chance_is_taken_by_the_reference_and_is_the_same(reference):
    assert accepted_garbled(reference, 3, 3_000) > 100


@pytest.mark.slow
def test_what_is_taken_by_chance_is_the_same_fifty_thousand_times(reference):
    assert accepted_garbled(reference, 4, 50_000) > 2_000


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.example)
def test_a_difference_is_one(reference, difference):
    try:
        value = ours(difference.example, 0)
    except ExpressionError:
        value = None
    assert outcome(value) is difference.here
    theirs, _ = value_or_refusal(reference, difference.example, 0)
    assert outcome(theirs) is difference.there


def outcome(value):
    if value is None:
        return Outcome.REFUSED
    return Outcome.FAILS if value is ERROR else Outcome(str(value).lower())
