"""X6: an export under another name. Whatever the call is named, the same clients and the same fields are read in its answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.crm.profile import Answer, UninspectableError, UnreadableError
from gateway.exchange import Response
from policies.decision import Allow, Deny
from policies.request import Action
from policies.rule import PolicyText, compiled
from tests.services.gate import Gate, answers, call, told
from tests.services.tryton_calls import JSON, TRYTON, answer, csv, hide, keep, released, rest, rpc

CLIENTS = 300
PEOPLE = [(number, f"Name {number}", f"+49 30 55{number:05d}", f"person{number}@example.test") for number in range(1, CLIENTS + 1)]
FIELDS = ["name", "phone", "email"]


def records(*, rest_shape: bool) -> list[dict[str, Any]]:
    extra = {"__name__": "party.party"} if rest_shape else {}
    return [{"id": i, "name": name, "phone": phone, "email": email} | extra for i, name, phone, email in PEOPLE]


def rows() -> list[list[Any]]:
    return [["ID", "Name", "Phone", "Email"], *map(list, PEOPLE)]


def table() -> bytes:
    return "".join(";".join(map(str, row)) + "\r\n" for row in rows()).encode()


def by_search_read() -> Answer:
    return answer(TRYTON.read(rpc("model.party.party.search_read", [], 0, None, None, FIELDS)), records(rest_shape=False))


def by_read() -> Answer:
    return answer(TRYTON.read(rpc("model.party.party.read", [person[0] for person in PEOPLE], FIELDS)), records(rest_shape=False))


def by_export() -> Answer:
    return answer(TRYTON.read(rpc("model.party.party.export_data_domain", [], FIELDS, 0, None, None, True)), rows())


def by_export_of_ids() -> Answer:
    return answer(TRYTON.read(rpc("model.party.party.export_data", [person[0] for person in PEOPLE], FIELDS)), rows()[1:])


def by_csv() -> Answer:
    call = TRYTON.read(csv("d=[]&f=name&f=phone&f=email&dl=;"))
    return TRYTON.answer(call, Response(200, (("content-type", "text/csv; charset=utf-8; charset=utf-8"),), table()))


def by_rest() -> Answer:
    call = TRYTON.read(rest("GET", "model/party.party", "f=name&f=phone&f=email"))
    return TRYTON.answer(call, Response(200, (JSON,), json.dumps(records(rest_shape=True)).encode()))


ROADS = [by_search_read, by_read, by_export, by_export_of_ids, by_csv, by_rest]


@pytest.mark.parametrize("road", ROADS)
def test_every_road_shows_the_same_clients_and_the_same_fields(road: Any) -> None:
    read = road()
    assert read.ids == tuple(str(person[0]) for person in PEOPLE)
    assert read.contact_ids == set(read.ids)
    assert read.fields == set(FIELDS)


@pytest.mark.parametrize("road", ROADS)
def test_every_road_masks_and_counts_alike(road: Any) -> None:
    masked = [person[0] for person in PEOPLE if person[0] % 2]
    delivered = road().release(hide(*masked))
    text = delivered.response.body.decode()
    assert len(delivered.shown) == delivered.rows == CLIENTS
    assert delivered.taken == {str(i) for i in range(2, CLIENTS + 1, 2)}
    assert all((phone in text) is (email in text) is (i % 2 == 0) for i, _, phone, email in PEOPLE)
    assert delivered.response.header("cache-control") == "no-store"


@pytest.mark.parametrize("road", ROADS)
def test_every_road_is_trimmed_alike(road: Any) -> None:
    delivered = road().release(keep(3, 40))
    assert delivered.shown == delivered.taken == {"3", "40"}
    assert delivered.rows == 2
    assert [i for i, _, _, email in PEOPLE if email in delivered.response.body.decode()] == [3, 40]


def test_the_roads_that_are_named_an_export_are_one_before_they_are_asked() -> None:
    named = [
        rpc("model.party.party.export_data_domain", [], FIELDS),
        rpc("model.party.party.export_data", [1], FIELDS),
        csv("d=[]&f=name"),
        csv("d=[1,2]&f=name"),
    ]
    assert {TRYTON.read(one).action for one in named} == {Action.EXPORT}
    assert [TRYTON.read(one).resource.ids for one in named] == [None, ("1",), None, ("1", "2")]
    report = TRYTON.read(rpc("report.party.label.execute", [713], {"model": "party.party", "ids": [713], "id": 713, "action_id": 9}))
    assert (report.action, report.resource.ids) == (Action.REPORT, ("713",))


def test_a_search_without_limit_says_so() -> None:
    call = TRYTON.read(rpc("model.party.party.search_read", [], 0, None, None, FIELDS))
    assert (call.action, call.resource.limit, call.resource.contact_fields) == (Action.LIST, None, {"phone", "email"})
    assert TRYTON.read(rpc("model.party.party.search_read", [], 0, 50, None, FIELDS)).resource.limit == 50
    assert TRYTON.read(rest("GET", "model/party.party", "f=name", None, ("range", "records=10-60"))).resource.limit == 50


def test_a_table_of_contacts_counts_the_clients_and_not_the_contacts() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.export_data_domain", [], ["value", "party/name"], 0, None, None, False))
    read = answer(call, [[713, "+49 30 1", "A"], [713, "a@example.test", "A"], [5, "+49 30 2", "B"]])
    assert read.ids == ("713", "5")
    delivered = read.release(hide(713))
    assert released(delivered) == [["•••", "A"], ["•••", "A"], ["+49 30 2", "B"]]
    assert (delivered.shown, delivered.taken, delivered.rows) == ({"713", "5"}, {"5"}, 3)


def test_rows_that_continue_a_client_belong_to_it() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [713, 442], ["name", "contact_mechanisms/value", "addresses/city"], True))
    said = [
        ["ID", "Name", "Wert", "Ort"],
        [713, "A", "+49 30 23125124", "Berlin"],
        ["", "", "office@example.test", ""],
        ["", "", "", "Köln"],
        [442, "B", "+49 30 2", "Bonn"],
        ["", "", "kontakt@example.test", ""],
    ]
    read = answer(call, said)
    assert read.ids == ("713", "442")
    assert released(answer(call, said).release(keep(442))) == [
        ["Name", "Wert", "Ort"],
        ["B", "+49 30 2", "Bonn"],
        ["", "kontakt@example.test", ""],
    ]
    assert released(read.release(hide(713)))[1:4] == [["A", "•••", "Berlin"], ["", "•••", ""], ["", "•••", "Köln"]]


@pytest.mark.parametrize(
    "said",
    [
        [["", "", "office@example.test"], [713, "A", "x"]],
        [[713, "A", "x", "surplus"]],
        [[713, "A"]],
        [["713x", "A", "x"]],
        [[True, "A", "x"]],
        [[None, "A", "x"]],
        ["713"],
        {"713": "A"},
        None,
    ],
)
def test_a_table_that_does_not_say_whose_a_row_is_does_not_go_out(said: Any) -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [713], ["name", "email"], False))
    with pytest.raises(UninspectableError):
        answer(call, said)


@pytest.mark.parametrize(
    "body", [b'1,"a\n', b"1,a\r\n2,b,c\r\n", b"\xff\xfe1,a", b"1,a\n", b'1,"a"\r\n', b"\xef\xbb\xbf1,a\r\n", b"x,a\r\n"]
)
def test_a_csv_with_a_second_reading_does_not_go_out(body: bytes) -> None:
    call = TRYTON.read(csv("d=[]&f=name&h=0"))
    with pytest.raises(UninspectableError):
        TRYTON.answer(call, Response(200, (), body))


@pytest.mark.parametrize(
    "said",
    [
        [{"id": 1, "name": "A", "phone": "x", "email": "y", "surprise": "z"}],
        [{"name": "A"}],
        [{"id": "1", "name": "A"}],
        [["1", "A"]],
        {"id": 1, "name": "A"},
        "A",
        7,
    ],
)
def test_records_that_are_not_what_was_asked_for_do_not_go_out(said: Any) -> None:
    with pytest.raises(UninspectableError):
        answer(TRYTON.read(rpc("model.party.party.search_read", [], 0, None, None, FIELDS)), said)


@pytest.mark.parametrize("said", [[{"id": 1, "name": "A"}], ["Anna"], {"name": "Anna"}, [[1, "Anna"]], 1.5])
def test_a_search_that_answers_more_than_ids_does_not_go_out(said: Any) -> None:
    with pytest.raises(UninspectableError):
        answer(TRYTON.read(rpc("model.party.party.search", [])), said)


@pytest.mark.parametrize(
    ("masks", "taken"),
    [
        ({"website": "hide"}, CLIENTS),
        ({"phone": "hide"}, CLIENTS),
        ({"phone": "hide", "email": {"last": 3}}, 0),
        ({"contact": "hash"}, 0),
        ({"contact": {"last": 3}, "name": "hide"}, 0),
        ({"name": "hide", "code": "hide"}, CLIENTS),
    ],
)
async def test_a_mask_on_one_contact_field_does_not_make_the_others_invisible(gate: Gate, masks: dict[str, Any], taken: int) -> None:
    """Whoever may see everything but the web site takes phone numbers all the same: 300 of them are an export."""
    rule = {"id": "reads", "roles": "any", "actions": ["list"], "resource": "client", "effect": "allow", "masks": masks}
    policy = compiled([PolicyText.model_validate({"rules": [{**rule, "for": "all"}]})], "test")
    questions = replace(gate.assembled.handler.questions, policy=lambda: policy)
    principal = gate.assembled.handler.directory.person(gate.boris.id)
    asked = TRYTON.read(rpc("model.party.party.search_read", [], 0, None, None, FIELDS))
    question = questions.before("act", principal, asked, rpc("x"), {}).question
    read = answer(asked, records(rest_shape=False))
    judged = questions.with_answer(question, read, {})
    assert len(judged.question.resource.clear_contact_ids) == judged.question.usage.after.taken_day == taken
    assert judged.question.action is (Action.EXPORT if taken else Action.LIST)
    assert isinstance(judged.decision, Deny) is bool(taken)
    if isinstance(judged.decision, Allow):
        assert read.release(judged.decision.obligations).taken == frozenset()


@pytest.mark.parametrize("value", [False, None, 0, ""])
def test_to_take_clients_out_of_sight_is_to_delete_them(value: object) -> None:
    """One call would archive the whole base, and no limit on deletions would see it."""
    by_write = TRYTON.read(rpc("model.party.party.write", [1, 2], {"name": "A"}, [3], {"active": value}))
    by_rest = TRYTON.read(rest("PUT", "model/party.party/3", "", {"active": value}))
    assert (by_write.action, by_write.resource.ids, by_write.held_before) == (Action.DELETE, ("1", "2", "3"), True)
    assert by_rest.action is Action.DELETE
    assert TRYTON.read(rpc("model.party.party.write", [3], {"active": True})).action is Action.UPDATE
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.party.import_data", ["id", "active"], [[1, value]]))


async def test_a_manager_archives_nobody_elses_clients(gate: Gate) -> None:
    gate.own(*range(1, 101))
    denied = await gate.ask(call("model.party.party.write", [500], {"active": False}), answers(None))
    assert told(denied) != ""
    assert gate.reached == []
