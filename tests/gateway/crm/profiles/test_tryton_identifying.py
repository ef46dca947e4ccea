"""Which values identify clients: in answers before masks fall, and in what calls write."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from detectors.client_index.identifier import Kind
from gateway.crm.profile import Answer
from gateway.exchange import Response
from policies.masks import HIDDEN
from tests.services.tryton_calls import TRYTON, answer, csv, error, hide, rest, rpc

PARTY = {"id": 7, "name": "Käthe Öl GmbH", "phone": "+49 171 5550007", "email": "info@oel.example"}


def found(read: Answer) -> set[tuple[str, Kind, str]]:
    return {(one.client, one.kind, one.value) for one in read.identifiers()}


def test_a_list_of_clients_names_them_by_phone_mail_and_name() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [7], ["name", "phone", "email"]))
    assert found(answer(call, [PARTY])) == {
        ("7", Kind.NAME, "Käthe Öl GmbH"),
        ("7", Kind.PHONE, "+49 171 5550007"),
        ("7", Kind.EMAIL, "info@oel.example"),
    }


def test_what_is_masked_on_its_way_out_is_known_all_the_same() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [7], ["name", "phone", "email"]))
    read = answer(call, [dict(PARTY)])
    before = found(read)
    assert b"5550007" not in read.release(hide(7)).response.body
    assert ("7", Kind.PHONE, "+49 171 5550007") in before


def test_contacts_and_official_numbers_below_a_card_are_read() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [7], ["contact_mechanisms.value", "identifiers.code", "addresses.city"]))
    record = {
        "id": 7,
        "contact_mechanisms.": [{"id": 1, "value": "0171/5550007"}, {"id": 2, "value": "a@b.example"}, {"id": 3, "value": "www.b.example"}],
        "identifiers.": [{"id": 4, "code": "DE136695976"}],
        "addresses.": [{"id": 5, "city": "Köln"}],
    }
    assert found(answer(call, [record])) == {
        ("7", Kind.PHONE, "0171/5550007"),
        ("7", Kind.EMAIL, "a@b.example"),
        ("7", Kind.TAX, "DE136695976"),
    }


def test_an_export_and_a_download_are_read_by_their_columns() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [7], ["name", "contact_mechanisms/value", "identifiers/code"], True))
    rows = [["ID", "Name", "Value", "Code"], [7, "Öl", "0171 5550007", "DE136695976"], ["", "", "a@b.example", ""]]
    wanted = {("7", Kind.NAME, "Öl"), ("7", Kind.PHONE, "0171 5550007"), ("7", Kind.TAX, "DE136695976"), ("7", Kind.EMAIL, "a@b.example")}
    assert found(answer(call, rows)) == wanted
    download = TRYTON.read(csv("d=%5B%5D&f=name&f=email&dl=;&qc=%22&h=1&enc=utf-8&loc=0"))
    table = Response(200, (("content-type", "text/csv"),), "id;name;email\r\n7;Öl;a@b.example\r\n".encode())
    assert found(TRYTON.answer(download, table)) == {("7", Kind.NAME, "Öl"), ("7", Kind.EMAIL, "a@b.example")}


NEW = {
    "name": "Neu AG",
    "contact_mechanisms": [["create", [{"type": "phone", "value": "+49 171 5550099"}, {"type": "email", "value": "neu@ag.example"}]]],
    "identifiers": [["create", [{"type": "eu_vat", "code": "DE136695976"}]]],
}
OF_NEW = {
    ("99", Kind.NAME, "Neu AG"),
    ("99", Kind.PHONE, "+49 171 5550099"),
    ("99", Kind.EMAIL, "neu@ag.example"),
    ("99", Kind.TAX, "DE136695976"),
}


def test_a_client_just_created_is_known_by_what_was_written() -> None:
    call = TRYTON.read(rpc("model.party.party.create", [NEW]))
    assert found(answer(call, [99])) == OF_NEW


def test_what_the_crm_refused_was_not_written() -> None:
    call = TRYTON.read(rpc("model.party.party.create", [NEW]))
    assert found(TRYTON.answer(call, error("UserError", ["x", "y", None]))) == set()


def test_a_client_created_by_rest_is_known() -> None:
    call = TRYTON.read(rest("POST", "model/party.party", "f=name", {"name": "Neu AG"}))
    said = Response(200, (("content-type", "application/json"),), json.dumps({"id": 99, "name": "Neu AG"}).encode())
    assert ("99", Kind.NAME, "Neu AG") in found(TRYTON.answer(call, said))


@pytest.mark.parametrize(
    ("method", "args", "wanted"),
    [
        ("write", [[7], {"name": "Anders"}], {("7", Kind.NAME, "Anders")}),
        (
            "write",
            [[7], {"contact_mechanisms": [["write", [3], {"value": "0171 5550001"}]]}],
            {("7", Kind.PHONE, "0171 5550001")},
        ),
        ("write", [[7], {"contact_mechanisms": [["write", [3], {"value": HIDDEN}]]}], set()),
    ],
)
def test_an_update_tells_the_new_values_and_no_mask(method: str, args: list[Any], wanted: set[tuple[str, Kind, str]]) -> None:
    call = TRYTON.read(rpc(f"model.party.party.{method}", *args))
    assert found(answer(call, None)) == wanted


def test_a_new_contact_belongs_to_the_client_that_it_names() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.create", [{"party": 7, "type": "email", "value": "c@d.example"}]))
    assert found(answer(call, [3])) == {("7", Kind.EMAIL, "c@d.example")}


def test_records_that_were_seen_before_are_left_out() -> None:
    seen: set[int] = set()

    def fresh(marks: Sequence[int]) -> frozenset[int]:
        found = frozenset(marks) - seen
        seen.update(found)
        return found

    call = TRYTON.read(rpc("model.party.party.read", [7], ["name", "phone", "email"]))
    assert len(answer(call, [dict(PARTY)]).identifiers(fresh)) == 3
    assert answer(call, [dict(PARTY)]).identifiers(fresh) == []
    assert len(answer(call, [PARTY | {"phone": "0221 555"}]).identifiers(fresh)) == 3, "a changed record is read again"
    assert len(answer(call, [dict(PARTY)]).identifiers()) == 3, "an export names all"


def test_ids_alone_identify_nobody() -> None:
    call = TRYTON.read(rpc("model.party.party.search", [], 0, 100, None))
    assert found(answer(call, [7, 8])) == set()
