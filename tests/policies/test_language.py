"""The table of the language says what the engine does."""

import pytest

from policies.attributes import Facts
from policies.expression import compile_part
from policies.language import FUNCTIONS, MACROS, OPERATORS, TYPES
from policies.request import Action
from policies.syntax import parse
from tests.policies.acts import act

FACTS = Facts(act(Action.LIST, own=1), Action.LIST)
ENTRIES = [*TYPES, *OPERATORS, *MACROS, *FUNCTIONS.values()]
BINARY = [operator for operator in OPERATORS if operator.form.startswith("a ") and operator.form != "a ? b : c"]


def value(text):
    return compile_part(parse(text)).run(FACTS, ())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.example)
def test_an_example_gives_the_value_beside_it(entry):
    given, said = value(entry.example), value(entry.gives)
    assert (type(given), given) == (type(said), said)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_example_calls_its_function(name):
    assert f"{name}(" in FUNCTIONS[name].example


@pytest.mark.parametrize("loose", BINARY, ids=lambda operator: operator.form)
@pytest.mark.parametrize("tight", BINARY, ids=lambda operator: operator.form)
def test_operators_bind_as_the_table_says(loose, tight):
    if loose.binds > tight.binds:
        assert parse(f"x {loose.form[2:-2]} y {tight.form[2:-2]} z").operator == loose.form[2:-2]
        assert parse(f"x {tight.form[2:-2]} y {loose.form[2:-2]} z").operator == loose.form[2:-2]
    elif loose.binds == tight.binds:
        assert parse(f"x {loose.form[2:-2]} y {tight.form[2:-2]} z").operator == tight.form[2:-2]


def test_a_signature_names_every_argument():
    for function in FUNCTIONS.values():
        assert max(len(overload.takes) for overload in function.overloads) == len(function.names)
        assert len(set(function.signatures())) == len(function.overloads)
    assert FUNCTIONS["within_hours"].signatures() == ["within_hours(at: timestamp, from: string, to: string, zone: string) -> bool"]
    assert FUNCTIONS["getHours"].signatures()[1] == "(at: timestamp).getHours(zone: string) -> int"
