"""The declared names and the classes that they name stay together."""

from dataclasses import fields, replace
from datetime import datetime

import pytest

from policies.attributes import PLACES, ROOTS, Facts
from policies.request import Action, Context, Counts, Finding, Principal, Resource, Usage
from tests.policies.acts import act


def names(path, kind):
    for name, member in (kind.members or {}).items():
        yield f"{path}.{name}", member
        yield from names(f"{path}.{name}", member.type)


DECLARED = [(path, member) for root, kind in ROOTS.items() for path, member in names(root, kind)]


PYTHON = {
    "bool": bool,
    "int": int,
    "double": float,
    "string": str,
    "list": (tuple, frozenset),
    "record": object,
    "timestamp": datetime,
}


@pytest.mark.parametrize(("path", "member"), DECLARED, ids=[path for path, _ in DECLARED])
def test_every_declared_name_can_be_read_from_an_act(path, member):
    value = Facts(act(Action.READ, own=1), Action.READ)
    for name in PLACES.get(path, path).split("."):
        value = getattr(value, name)
    assert (value is None and member.optional) or isinstance(value, PYTHON[member.type.name])
    assert member.type.ordered is not isinstance(value, frozenset)


@pytest.mark.parametrize(
    ("kind", "root", "hidden"),
    [
        # Rules speak about what a person is, never about one person or one client.
        (Principal, ROOTS["principal"], {"id", "pseudonym", "session_id", "proven_at", "proven_with"}),
        (Resource, ROOTS["resource"], {"ids", "own", "clear_contact_ids", "mask_written_fields", "filter_digest", "records"}),
        (Context, ROOTS["context"], set()),
        (Usage, ROOTS["usage"], set()),
        (Counts, ROOTS["usage"].members["before"].type, set()),
        (Finding, ROOTS["findings"].element, set()),
    ],
)
def test_a_new_member_of_an_act_is_declared_or_left_out_on_purpose(kind, root, hidden):
    own = {Resource: {"known", "asked", "own_count", "others_count", "written_contact_fields"}, Context: {"by_effect"}}.get(kind, set())
    assert {field.name for field in fields(kind)} - hidden == set(root.members) - own


def test_an_export_by_effect_is_told_from_one_by_name():
    listed, exported = act(Action.LIST, own=3), act(Action.EXPORT, own=3)
    assert [Facts(one, Action.EXPORT).by_effect for one in (listed, exported, replace(exported, named=Action.LIST))] == [True, False, True]
    assert not Facts(listed, Action.LIST).by_effect


def test_counts_are_distinct_clients():
    facts = Facts(act(Action.LIST, own=3, others=4), Action.LIST)
    assert (facts.asked, facts.own_count, facts.others_count, facts.known) == (7, 3, 4, True)


def test_before_the_answer_nothing_is_counted():
    facts = Facts(act(Action.LIST, own=None), Action.LIST)
    assert (facts.asked, facts.own_count, facts.others_count, facts.known) == (0, 0, 0, False)


def test_a_written_mask_is_not_a_written_contact_field():
    request = act(
        Action.UPDATE,
        fields=frozenset({"name", "phone", "email"}),
        written_fields=frozenset({"name", "phone", "email"}),
        mask_written_fields=frozenset({"email"}),
    )
    assert Facts(request, Action.UPDATE).written_contact_fields == {"phone"}
