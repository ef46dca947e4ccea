"""What a create or update writes."""

from typing import Any

import pytest

from gateway.crm.profile import UnreadableError
from gateway.crm.profiles.tryton import profile
from policies.decision import Obligations
from policies.request import Action
from tests.services.tryton_calls import JSON, KEY, TRYTON, error, request, rest, result, rpc, sent

MASK = "•••"


def refused(method: str, *args: Any) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc(method, *args))


def test_a_new_client_with_its_address_and_contacts_is_read() -> None:
    values = {
        "name": "Neue Firma GmbH",
        "code": "",
        "lang": None,
        "addresses": [["create", [{"street": "Weg 1", "country": 1}]]],
        "contact_mechanisms": [["create", [{"type": "phone", "value": "+49 30 1"}]]],
        "categories": [["add", [3]]],
    }
    call = TRYTON.read(rpc("model.party.party.create", [values]))
    assert (call.action, call.resource.ids, call.held_before) == (Action.CREATE, None, True)
    assert call.resource.written_fields >= {"name", "addresses.street", "contact_mechanisms.value", "categories"}
    assert sent(call)[0] == [values]
    assert TRYTON.answer(call, result([3001])).created == ("3001",)
    assert TRYTON.answer(call, error("UserError", ["x", "y", None])).created == ()


def test_an_update_names_its_clients_and_fields() -> None:
    call = TRYTON.read(rpc("model.party.party.write", [713, 442], {"name": "A"}, [5], {"code": "7"}))
    assert (call.action, call.resource.ids, call.resource.written_fields) == (Action.UPDATE, ("713", "442", "5"), {"name", "code"})


def test_a_contact_edited_on_its_client_s_card_stays_that_client_s() -> None:
    """The client's own id goes along, so Tryton itself refuses the update of a contact that belongs to another client."""
    changes = {"contact_mechanisms": [["add", [467]], ["write", [467], {"value": "+49 30 2"}, [468], {"name": "Büro"}]]}
    call = TRYTON.read(rpc("model.party.party.write", [234], changes))
    commands = sent(call)[1]["contact_mechanisms"]
    assert commands == [["add", [467]], ["write", [467], {"value": "+49 30 2", "party": 234}, [468], {"name": "Büro", "party": 234}]]
    assert call.resource.written_fields == {"contact_mechanisms", "contact_mechanisms.value", "contact_mechanisms.name"}


@pytest.mark.parametrize(
    "changes",
    [
        {"contact_mechanisms": [["delete", [883]]]},
        {"contact_mechanisms": [["remove", [883]]]},
        {"contact_mechanisms": [["copy", [883], {}]]},
        {"contact_mechanisms": [["write", [883], {"party": 442}]]},
        {"contact_mechanisms": [["write", [883], {"value": "x"}, [884]]]},
        {"contact_mechanisms": [["write", ["883"], {"value": "x"}]]},
        {"contact_mechanisms": [["create", [{"party": 442, "value": "x"}]]]},
        {"contact_mechanisms": [["create", [{"nix": "x"}]]]},
        {"contact_mechanisms": [["sync", [1]]]},
        {"contact_mechanisms": [[]]},
        {"contact_mechanisms": {"create": []}},
        {"identifiers": [["write", [1], {"code": "x"}]]},
        {"identifiers": [["add", [1]]]},
        {"addresses": [["write", [1], {"contact_mechanisms": [["create", [{"value": "x"}]]]}]]},
        {"categories": [["create", [{"name": "x"}]]]},
        {"replaced_by": 5},
        {"id": 5},
        {"create_uid": 1},
        {"rec_name": "x"},
        {"nix": "x"},
        {"name": ["x"]},
        {"name": {"a": 1}},
        {"lang": "de"},
        {"account_manager": 3},
    ],
)
def test_values_that_nobody_can_judge_are_refused(changes: dict[str, Any]) -> None:
    refused("model.party.party.write", [234], changes)


def test_a_nested_update_needs_one_client() -> None:
    refused("model.party.party.write", [234, 235], {"contact_mechanisms": [["write", [467], {"value": "x"}]]})
    refused("model.party.party.create", [{"contact_mechanisms": [["write", [467], {"value": "x"}]]}])


def test_a_contact_of_its_own_is_judged_by_the_client_that_it_names() -> None:
    new = TRYTON.read(rpc("model.party.contact_mechanism.create", [{"party": 713, "type": "phone", "value": "+49 30 1"}]))
    assert (new.action, new.resource.ids) == (Action.UPDATE, ("713",))
    assert TRYTON.answer(new, result([7000])).created == ()
    changed = TRYTON.read(rpc("model.party.contact_mechanism.write", [1425], {"party": 713, "name": "Büro"}))
    assert (changed.action, changed.resource.ids) == (Action.UPDATE, ("713",))
    refused("model.party.contact_mechanism.write", [1425], {"name": "Büro"})
    refused("model.party.contact_mechanism.create", [{"type": "phone", "value": "+49 30 1"}])
    refused("model.party.contact_mechanism.delete", [1425])
    refused("model.party.identifier.write", [1], {"party": 713, "code": "x"})


def test_a_deletion_names_its_clients() -> None:
    call = TRYTON.read(rpc("model.party.party.delete", [3, 1, 3]))
    assert (call.action, call.resource.ids) == (Action.DELETE, ("3", "1"))
    assert TRYTON.answer(call, result(None)).deleted == ("3", "1")
    assert TRYTON.answer(call, error("UserError", ["x", "y", None])).deleted == ()


def test_an_import_names_the_clients_that_it_writes_to() -> None:
    call = TRYTON.read(
        rpc("model.party.party.import_data", ["id", "name", "contact_mechanisms/value"], [["713", "A", "x"], ["", "B", "y"], [5, "C", ""]])
    )
    assert (call.action, call.resource.ids) == (Action.COPY, ("713", "5"))
    assert call.resource.written_fields == {"id", "name", "contact_mechanisms.value"}
    assert call.resource.contact_fields == {"contact_mechanisms.value"}
    assert TRYTON.read(rpc("model.party.party.import_data", ["name"], [["A"]])).resource.ids == ()


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["contact_mechanisms/id", "contact_mechanisms/value"], [883, "x"]),
        (["contact_mechanisms"], ["+49 171 1"]),
        (["replaced_by"], ["Albrecht"]),
        (["lang"], ["German"]),
        (["nix"], ["x"]),
        (["id", "name"], ["x7", "A"]),
        (["id", "name"], [True, "A"]),
        (["name"], ["A", "B"]),
        (["name", "contact_mechanisms/value"], ["A", "•••"]),
    ],
)
def test_an_import_that_nobody_can_judge_is_refused(columns: list[str], row: list[Any]) -> None:
    refused("model.party.party.import_data", columns, [row])


def test_a_masked_contact_that_is_written_is_told_from_a_clear_one() -> None:
    changes = {"name": "A", "contact_mechanisms": [["write", [467], {"value": MASK, "sip": MASK}, [468], {"value": "+49 30 2"}]]}
    asked = TRYTON.read(rpc("model.party.party.write", [234], changes)).resource
    assert asked.contact_fields == {"contact_mechanisms.value", "contact_mechanisms.sip"}
    assert asked.mask_written_fields == {"contact_mechanisms.sip"}


def test_writing_the_owner_field_is_a_reassignment() -> None:
    named = profile(database="crm", owner_field="account_manager.login")
    call = named.read(rpc("model.party.party.write", [713], {"account_manager": 3}))
    assert (call.action, call.resource.written_fields) == (Action.REASSIGN, {"account_manager"})
    assert named.read(rpc("model.party.party.write", [713], {"name": "A"})).action is Action.UPDATE


def test_a_mask_that_comes_back_is_not_written() -> None:
    aliases = dict.fromkeys(("value", "sip", "website", "other_value", "skype", "email"), MASK)
    changes = {
        "name": "A",
        "contact_mechanisms": [["add", [467]], ["write", [467], aliases | {"name": "Büro"}], ["create", [{"value": MASK}]]],
    }
    call = TRYTON.read(rpc("model.party.party.write", [234], changes))
    written = TRYTON.with_obligations(call, Obligations(drop_written=call.resource.written_fields))
    values = {"name": "A", "contact_mechanisms": [["add", [467]], ["write", [467], {"name": "Büro", "party": 234}], ["create", [{}]]]}
    assert sent(written) == [[234], values, {"language": "en"}]


def test_a_mask_in_a_contact_field_is_not_written_whatever_the_obligations() -> None:
    for one in (
        rpc("model.party.party.create", [{"name": "A", "phone": MASK, "email": f" {MASK} "}]),
        rpc("model.party.party.write", [713], {"name": "A", "phone": MASK, "email": MASK}),
    ):
        assert MASK not in TRYTON.with_obligations(TRYTON.read(one), Obligations()).upstream.body.decode()
    by_rest = TRYTON.read(rest("PUT", "model/party.party/713", "f=name", {"name": "A", "phone": MASK}))
    assert TRYTON.with_obligations(by_rest, Obligations()).upstream.body == b'{"name":"A"}'


def test_a_mask_in_another_field_is_left_out_where_the_policy_names_the_field() -> None:
    call = TRYTON.read(rpc("model.party.party.write", [713], {"name": MASK, "code": MASK}))
    assert sent(TRYTON.with_obligations(call, Obligations(drop_written=frozenset({"name"}))))[1] == {"code": MASK}
    assert sent(TRYTON.with_obligations(call, Obligations()))[1] == {"name": MASK, "code": MASK}


def test_a_new_client_by_rest_is_the_one_in_the_answer() -> None:
    call = TRYTON.read(rest("POST", "model/party.party", "f=name", {"name": "A"}))
    from gateway.exchange import Response

    answer = TRYTON.answer(call, Response(200, (JSON,), b'{"id":3003,"__name__":"party.party","name":"A"}'))
    assert (call.action, answer.created, answer.ids) == (Action.CREATE, ("3003",), ("3003",))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name":"A","name":"B"}', b'{"name":1e400}', b'"A"', b"null"])
def test_rest_values_with_a_second_reading_are_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(request("PUT", "/crm/rest/model/party.party/713", KEY, JSON, body=body))


@pytest.mark.parametrize(
    ("call", "contact", "masks"),
    [
        (rpc("model.party.party.write", [713], {"name": "A"}), set(), set()),
        (rpc("model.party.party.write", [713], {"phone": "+49 30 1", "email": MASK}), {"phone", "email"}, {"email"}),
        (rpc("model.party.party.write", [713], {"phone": MASK}, [714], {"phone": "+49 30 1"}), {"phone"}, set()),
        (rpc("model.party.contact_mechanism.create", [{"party": 713, "type": "phone", "value": "+49 30 1"}]), {"value"}, set()),
        (
            rpc("model.party.party.write", [713], {"contact_mechanisms": [["write", [4], {"value": MASK}]]}),
            {"contact_mechanisms.value"},
            {"contact_mechanisms.value"},
        ),
        (rest("PUT", "model/party.party/713", "f=name", {"phone": "+49 30 1"}), {"phone"}, set()),
    ],
)
def test_written_contact_values_are_told_from_masks_that_come_back(call: Any, contact: set[str], masks: set[str]) -> None:
    asked = TRYTON.read(call).resource
    assert asked.contact_fields & asked.written_fields == contact
    assert asked.mask_written_fields == masks
