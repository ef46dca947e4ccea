"""Lists and maps of a condition."""

from dataclasses import replace

import pytest

from policies.attributes import Facts
from policies.expression import compile_condition
from policies.request import Action, Finding
from policies.syntax import ExpressionError
from tests.policies.acts import act

REQUEST = replace(act(Action.EXPORT, own=2, others=3), findings=(Finding("phone", "phones", 3, 0.9, "body"),))


def holds(text):
    return compile_condition(text).holds(Facts(REQUEST, REQUEST.action))


@pytest.mark.parametrize(
    "text",
    [
        '{"sales": 10, "manager": 50}["manager"] == 50',
        'resource.asked < {"client": 10, "content": 0}[resource.type]',
        '{"sales": 10}.sales == 10 && has({"sales": 10}.sales) && !has({"sales": 10}.intern)',
        '"sales" in {"sales": 10} && !("intern" in {"sales": 10}) && size({"a": 1, "b": 2}) == 2',
        '{1: "one", 2: "two"}[resource.own_count] == "two" && {true: "yes"}[resource.known] == "yes"',
        '{"a": [1, 2], "b": []}["b"] == [] && {"a": 1, "b": 2} == {"b": 2, "a": 1} && {} != {"a": 1}',
        '{"a" + "b": 1}.ab == 1 && {"if": 1}.if == 1',
        "[1, 2, 3][2] == 3 && [[1], [2]][1][0] == 2 && ([1] + [2, resource.asked])[2] == 5",
        "findings[0].clients == 3 && findings[size(findings) - 1].kind == 'phone'",
        "[1, 2] == [1] + [2] && [] == [] && [] != [1] && [1,] == [1] && [[]] != [[1]]",
        "[1] in [[1], [2]] && !([3] in [[1], [2]]) && !(1 in [])",
        "resource.asked in [5, 6] && 5 in [resource.asked]",
        '{"a": 1, "b": 2}.all(key, key < "c") && {"a": 1}.exists(key, key == "a")',
        "([] + resource.fields).exists(name, name == 'email')",
    ],
)
def test_lists_and_maps_have_the_values_of_cel(text):
    assert holds(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"sales": 10}["intern"] == 1', KeyError),
        ('{"sales": 10}.intern == 1', KeyError),
        ("[1, 2][2] == 1", IndexError),
        ("[1, 2][-1] == 2", IndexError),
        ("findings[1].clients == 3", IndexError),
        ('{resource.type: 1, "client": 2}["client"] == 1', ValueError),
        ('{"a": 1 / (resource.asked - 5)}["b"] == 1', ZeroDivisionError),
    ],
)
def test_what_is_not_there_is_an_error(text, error):
    with pytest.raises(error):
        holds(text)


@pytest.mark.parametrize(
    ("text", "at", "hint"),
    [
        ('{"a": 1, "a": 2}["a"] == 1', 9, "twice"),
        ('{"a": 1, 2: 2}["a"] == 1', 9, "one type"),
        ('{"a": 1, "b": "2"}["a"] == 1', 14, "one type"),
        ("{1.5: 1}[1.5] == 1", 0, "string, int or bool"),
        ('{"a": 1}[1] == 1', 9, "another type"),
        ("{1: 1}.a == 1", 7, "names"),
        ('[1, 2]["a"] == 1', 7, "from 0"),
        ("resource.fields[0] == 'name'", 15, "in"),
        ("resource.asked[0] == 1", 14, "list"),
        ("principal['team'] == 'a'", 9, "list"),
        ('{"aktive": 1}[principal.status] == 1', 1, "active"),
        ("[1, 2] < [3]", 7, "size()"),
        ("findings == findings", 9, ""),
        ("findings[0] in findings", 8, "exists()"),
        ('{"a": 1} == {"a": 1.0}', 12, "one type"),
        ("[1] + ['a'] == [1]", 6, "one type"),
        ("{'in': 1}.in == 1", 10, ""),
    ],
)
def test_a_fault_in_a_list_or_map_is_found_when_the_rule_is_loaded(text, at, hint):
    with pytest.raises(ExpressionError) as error:
        compile_condition(text)
    assert error.value.at == at
    assert hint in f"{error.value.hint} {error.value.message}"
