"""X5: names and addresses by doors that look like furniture, and calls whose clients hide where nobody counts."""

import json
from typing import Any

import pytest

from gateway.crm.profile import UninspectableError, UnreadableError
from gateway.exchange import Response
from tests.services.tryton_calls import JSON, TRYTON, answer, keep, request, result, rpc, sent

FOREIGN = "Albrecht & Söhne, Hauptstraße 1, 10115 Berlin"


def said(method: str, args: list[Any], told: Any, **context: Any) -> Any:
    call = TRYTON.read(rpc(method, *args, **context))
    return json.loads(TRYTON.scrub(call, result(told)).body)["result"]


def test_a_default_of_a_form_names_no_record_of_a_client() -> None:
    told = {"address": 442, "address.": {"rec_name": FOREIGN}, "type": "phone", "language.": {"rec_name": "Deutsch"}}
    shown = said("model.party.contact_mechanism.default_get", [["address", "type"]], told, default_address=442)
    assert FOREIGN not in str(shown)
    assert shown["type"] == "phone"
    assert shown["language."] == {"rec_name": "Deutsch"}


def test_a_form_that_thinks_along_names_no_record_of_a_client_at_any_depth() -> None:
    told = [{"contact_mechanisms": {"add": [[-1, {"address.": {"rec_name": FOREIGN}, "party.": {"rec_name": "X"}, "type": "phone"}]]}}]
    shown = said("model.party.party.on_change", [{}, ["contact_mechanisms"]], told)
    assert FOREIGN not in str(shown)
    assert shown[0]["contact_mechanisms"]["add"] == [[-1, {"type": "phone"}]]


def test_a_form_that_thinks_along_is_told_nothing_of_a_mask() -> None:
    """Tryton would make a telephone number of `•••001`, and the form would store it."""
    nested = [{"id": 8, "value": "•••K7QF2MZA", "comment": "+49 •••", "type": "phone"}]
    call = TRYTON.read(rpc("model.party.party.on_change_name", {"id": 7, "name": "•••≈1000", "code": "K-1", "contact_mechanisms": nested}))
    hidden = [{"id": 8, "value": "•••", "comment": "•••", "type": "phone"}]
    assert sent(call)[0] == {"name": "•••", "code": "K-1", "contact_mechanisms": hidden}


def test_a_link_that_nobody_knows_has_no_name_in_a_form() -> None:
    assert said("model.party.party.default_get", [["parent"]], {"parent": 442, "parent.": {"rec_name": FOREIGN}}) == {"parent": 442}


@pytest.mark.parametrize("step", [("create",), ("execute", 5, {}, "ask")])
def test_the_active_record_of_a_wizard_is_one_of_its_clients(step: tuple[Any, ...]) -> None:
    verb, *args = step
    call = TRYTON.read(rpc(f"wizard.party.replace.{verb}", *args, active_model="party.party", active_ids=[713], active_id=442))
    assert set(call.resource.ids or ()) == {"713", "442"}


def test_a_truth_value_is_no_client_of_a_wizard() -> None:
    """In Python `True` is 1, so Tryton takes it for client 1."""
    data = {"ask": {"party": True}}
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("wizard.party.erase.execute", 5, data, "erase", active_model="party.party", active_ids=[713], active_id=713))


def test_a_report_on_nobody_is_refused() -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("report.party.label.execute", [], {}))


def test_an_endless_id_in_an_import_is_refused() -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.party.import_data", ["id", "name"], [["9" * 5_000, "X"]]))


def test_an_error_on_a_public_road_goes_out_without_its_words() -> None:
    call = TRYTON.read(request("GET", "/dist/x.json"))
    said = TRYTON.scrub(call, Response(503, (("content-type", "text/html"),), b"unable to open /var/lib/tryton/CRM.sqlite"))
    assert b"/var/lib" not in said.body
    assert said.status >= 400


def test_every_row_of_an_export_is_counted() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [713, 442], ["name", "contact_mechanisms/type"], True))
    rows = [["ID", "Name", "Type"], [713, "A", "phone"], ["", "", "email"], [442, "B", "phone"]]
    assert answer(call, rows).release(keep(713)).rows == 2


def test_a_text_is_no_answer_to_a_search() -> None:
    call = TRYTON.read(rpc("model.party.party.search", []))
    with pytest.raises(UninspectableError):
        TRYTON.answer(call, Response(200, (JSON,), json.dumps({"id": 7, "result": "+49 30 23125124"}).encode()))
