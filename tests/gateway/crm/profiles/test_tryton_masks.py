"""What goes out of Tryton's records and rows under masks of every kind, for each client its own."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crm.profile import Call, Delivered
from gateway.crm.profiles.tryton_masks import Covering, Masks
from gateway.crm.profiles.tryton_plan import _plan
from gateway.exchange import Response
from policies.decision import FieldMask, Obligations
from policies.masks import HIDE, NULL, Mask, MaskKind, is_mask, masking
from tests.services.tryton_calls import JSON, TRYTON, answer, csv, released, rest, rpc

LAST, HASH, PSEUDONYM = Mask(MaskKind.LAST, 3), Mask(MaskKind.HASH), Mask(MaskKind.PSEUDONYM)
THOUSAND, MONTH, YEAR = Mask(MaskKind.ROUND, 1_000), Mask(MaskKind.DATE, unit="month"), Mask(MaskKind.DATE, unit="year")
PARTY, CONTACT, ADDRESS = "party.party", "party.contact_mechanism", "party.address"
DAY = {"__class__": "date", "year": 2026, "month": 5, "day": 12}
TIME = {"__class__": "datetime", "year": 2026, "month": 5, "day": 12, "hour": 9, "minute": 8, "second": 7, "microsecond": 6}
MONEY = {"__class__": "Decimal", "decimal": "1499.90"}


def duties(*masks: tuple[str, Mask, set[int]]) -> Obligations:
    return Obligations(masks=tuple(FieldMask(name, mask, frozenset(map(str, clients))) for name, mask, clients in masks))


def going(call: Call, said: Any, *masks: tuple[str, Mask, set[int]], reader: str = "anna") -> Delivered:
    return answer(call, said).release(duties(*masks), masking(b"k" * 32, reader))


def read(names: list[str], model: str = PARTY) -> Call:
    return TRYTON.read(rpc(f"model.{model}.read", [1, 2, 3], names))


def masked(name: str, value: Any, mask: Mask, model: str = PARTY, **more: Any) -> Any:
    (record,) = released(going(read([name], model), [{"id": 1, name: value} | more], (name, mask, {1})))
    return record[name]


@pytest.mark.parametrize("mask", [HIDE, LAST, HASH, PSEUDONYM, THOUSAND, MONTH])
def test_a_mask_in_a_text_is_one_that_never_comes_back(mask: Mask) -> None:
    for value in ("Albrecht GmbH", "", None, "1499", "2026-05-12"):
        shown = masked("name", value, mask)
        assert is_mask(shown)
        call = TRYTON.read(rpc("model.party.party.write", [1], {"name": shown, "code": "K1"}))
        sent = TRYTON.with_obligations(call, Obligations(drop_written=frozenset({"name", "code"})))
        assert json.loads(sent.upstream.body)["params"][1] == {"code": "K1"}


@pytest.mark.parametrize("mask", [HIDE, NULL, LAST, HASH, PSEUDONYM, MONTH])
def test_a_number_that_no_mask_of_this_kind_fits_reads_as_empty_whether_there_is_one_or_not(mask: Mask) -> None:
    assert [masked("receivable", value, mask) for value in (MONEY, None)] == [None, None]
    assert [masked("code_digit", value, mask) for value in (1_499, 0, None)] == [None, None, None]


def test_numbers_and_dates_keep_their_type() -> None:
    assert masked("receivable", MONEY, THOUSAND) == {"__class__": "Decimal", "decimal": "1000"}
    assert masked("code_digit", 1_500, THOUSAND) == 2_000
    assert masked("create_date", TIME, YEAR) == TIME | dict.fromkeys(("hour", "minute", "second", "microsecond"), 0) | {
        "month": 1,
        "day": 1,
    }
    assert masked("write_date", DAY, MONTH) == DAY | {"day": 1}
    assert [masked("create_date", value, mask) for value, mask in ((TIME, THOUSAND), (None, MONTH), ({"__class__": "date"}, MONTH))] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("mask", [HIDE, NULL, LAST, HASH, PSEUDONYM, THOUSAND, MONTH])
def test_a_relation_reads_as_empty_with_everything_behind_it(mask: Mask) -> None:
    names = ["lang", "lang.rec_name", "addresses", "addresses.city", "replaced_by.name"]
    said = {
        "id": 1,
        "lang": 4,
        "lang.": {"id": 4, "rec_name": "Deutsch"},
        "addresses": [7],
        "addresses.": [{"id": 7, "city": "Bonn"}],
        "replaced_by.": {"id": 2, "name": "B"},
    }
    call = read(names)
    wanted = {"id": 1, "lang": None, "lang.": None, "addresses": None, "addresses.": [], "replaced_by.": None}
    all_three = (("lang", mask, {1}), ("addresses", mask, {1}), ("replaced_by", mask, {1}))
    assert released(going(call, [said], *all_three)) == [wanted]


def test_each_client_wears_its_own_masks() -> None:
    said = [{"id": i, "name": f"Firma {i}00", "code": f"K-{i}2345", "email": f"{i}@kunde.example"} for i in (1, 2, 3, 4)]
    masks = (("code", LAST, {1, 2}), ("contact", HIDE, {2, 3}), ("code", Mask(MaskKind.LAST, 1), {2}), ("name", NULL, {3}))
    delivered = going(TRYTON.read(rpc("model.party.party.read", [1, 2, 3, 4], ["name", "code", "email"])), said, *masks)
    assert released(delivered) == [
        {"id": 1, "name": "Firma 100", "code": "•••345", "email": "1@kunde.example"},
        {"id": 2, "name": "Firma 200", "code": "•••5", "email": "•••"},
        {"id": 3, "name": None, "code": "K-32345", "email": "•••"},
        {"id": 4, "name": "Firma 400", "code": "K-42345", "email": "4@kunde.example"},
    ]
    assert (delivered.shown, delivered.taken) == ({"1", "2", "3", "4"}, {"1", "4"})


def test_each_client_wears_its_own_masks_at_every_depth() -> None:
    call = read(["name", "contact_mechanisms.value", "contact_mechanisms.type", "replaced_by.email"])
    below = {"id": 2, "email": "b@kunde.example"}
    said = [
        {"id": 1, "name": "Firma A", "contact_mechanisms.": [{"id": 9, "value": "+49 30 5550001", "type": "phone"}], "replaced_by.": below}
    ]
    one, other = (
        going(call, json.loads(json.dumps(said)), ("contact", LAST, {1}), ("name", HASH, {2})),
        going(call, said, ("contact", HIDE, {2})),
    )
    assert released(one)[0]["contact_mechanisms."] == [{"id": 9, "value": "•••001", "type": "phone"}]
    assert released(one)[0]["replaced_by."] == {"id": 2, "email": "b@kunde.example"}
    assert one.taken == {"2"}
    assert released(other)[0]["replaced_by."] == {"id": 2, "email": "•••"}
    assert other.taken == {"1"}


@pytest.mark.parametrize("mask", [HIDE, NULL, LAST, HASH, PSEUDONYM, THOUSAND, MONTH])
def test_a_contact_value_behind_a_mask_of_any_kind_is_not_taken(mask: Mask) -> None:
    said = [{"id": 1, "name": "A", "phone": "+49 30 5550001", "email": "a@kunde.example"}]
    call = read(["name", "phone", "email"])
    assert going(call, said, ("contact", mask, {1})).taken == frozenset()
    assert going(call, said, ("phone", mask, {1}), ("email", mask, {1})).taken == frozenset()
    assert going(call, said, ("phone", mask, {1}), ("name", mask, {1}), ("code", mask, {1})).taken == {"1"}


def test_of_the_group_and_a_mask_of_its_own_the_stricter_holds() -> None:
    said = [{"id": 1, "phone": "+49 30 5550001", "email": "a@kunde.example"}]
    (record,) = released(going(read(["phone", "email"]), said, ("contact", LAST, {1}), ("phone", HASH, {1})))
    assert record == {"id": 1, "phone": "•••", "email": "•••ple"}


def test_a_name_is_masked_wherever_tryton_repeats_it() -> None:
    record = {"id": 1, "name": "Albrecht GmbH", "rec_name": "Albrecht GmbH", "full_name": "Albrecht GmbH"}
    (by_hash,) = released(going(read(["name", "rec_name", "full_name"]), [dict(record)], ("name", HASH, {1})))
    assert by_hash["name"] == by_hash["rec_name"] == by_hash["full_name"] != "Albrecht GmbH"
    (alone,) = released(going(read(["rec_name"]), [{"id": 1, "rec_name": "Albrecht GmbH"}], ("name", HIDE, {1})))
    assert alone["rec_name"] == "•••"
    said = {"id": 7, "party": 1, "rec_name": "Albrecht GmbH, Weg 1, 53111 Bonn", "full_address": "Weg 1\n53111 Bonn", "city": "Bonn"}
    (address,) = released(going(read(["rec_name", "full_address", "city"], ADDRESS), [dict(said)], ("city", Mask(MaskKind.LAST, 3), {1})))
    assert address == {"id": 7, "rec_name": "•••", "full_address": "•••", "city": "•••"}
    (letter,) = released(
        going(read(["rec_name", "city"], ADDRESS), [{"id": 7, "party": 1, "rec_name": "A, Bonn", "city": "Bonn"}], ("name", NULL, {1}))
    )
    assert letter == {"id": 7, "rec_name": None, "city": "Bonn"}


@pytest.mark.parametrize("mask", [LAST, HASH, PSEUDONYM])
def test_a_value_that_still_shows_something_is_hidden_where_it_stands_again(mask: Mask) -> None:
    said = [{"id": 1, "name": "Firma (Tel. +49 30 5550001)", "phone": "+49 30 5550001"}]
    (record,) = released(going(read(["name", "phone"]), said, ("contact", mask, {1})))
    assert record["name"] == "Firma (Tel. •••)"
    assert record["phone"].startswith("•••")
    assert "5550" not in record["phone"]


def test_a_pseudonym_is_another_one_for_another_reader() -> None:
    def shown(mask: Mask, reader: str) -> Any:
        return released(going(read(["code"]), [{"id": 1, "code": "K-12345"}], ("code", mask, {1}), reader=reader))[0]["code"]

    assert shown(PSEUDONYM, "anna") == shown(PSEUDONYM, "anna") != shown(PSEUDONYM, "boris")
    assert shown(HASH, "anna") == shown(HASH, "boris") != shown(PSEUDONYM, "anna")


@pytest.mark.parametrize("mask", [LAST, HASH, PSEUDONYM, THOUSAND, MONTH])
def test_without_a_key_every_kind_hides(mask: Mask) -> None:
    call, said = read(["name"]), [{"id": 1, "name": "Albrecht 1499"}]
    assert released(answer(call, said).release(duties(("name", mask, {1})))) == [{"id": 1, "name": "•••"}]


def test_a_sheet_holds_the_same_masks_as_a_record() -> None:
    paths = ["name", "code", "receivable", "addresses/city", "contact_mechanisms/value"]
    said = [
        [1, "Albrecht", "K-12345", MONEY, "Bonn", "+49 30 5550001"],
        ["", "", "", "", "Köln", ""],
        [2, "Berg", "K-2", MONEY, "Ulm", "x@y.example"],
    ]
    masks = (("code", LAST, {1, 2}), ("receivable", THOUSAND, {1}), ("city", HIDE, {1}), ("contact", HASH, {2}))
    delivered = going(TRYTON.read(rpc("model.party.party.export_data", [1, 2], paths)), said, *masks)
    first, more, second = released(delivered)
    assert first == ["Albrecht", "•••345", {"__class__": "Decimal", "decimal": "1000"}, "•••", "+49 30 5550001"]
    assert more == ["", "", "", "•••", ""]
    assert second[:4] == ["Berg", "•••", MONEY, "Ulm"]
    assert is_mask(second[4])
    assert delivered.taken == {"1"}


def test_a_csv_holds_masks_as_text() -> None:
    call = TRYTON.read(csv("d=[]&f=name&f=receivable&f=create_date&f=payable&h=0"))
    body = b"1,Albrecht,1499.90,2026-05-12,7\r\n2,Berg,,,\r\n"
    masks = duties(("receivable", THOUSAND, {1, 2}), ("create_date", MONTH, {1, 2}), ("payable", HIDE, {1, 2}))
    delivered = TRYTON.answer(call, Response(200, (), body)).release(masks, masking(b"k" * 32, "anna"))
    assert delivered.response.body.decode().splitlines() == ["Albrecht,•••≈1000,•••2026-05,", "Berg,•••,•••,"]


def test_a_sheet_does_not_tell_whether_a_further_row_has_a_value() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [1], ["contact_mechanisms/name", "addresses/city"]))
    said = [[1, "Büro", "Bonn"], ["", "", "Köln"], ["", "Lager", ""]]
    assert [row[0] for row in released(going(call, said, ("name", HIDE, {1})))] == ["•••", "•••", "•••"]


def test_rest_and_rpc_mask_alike() -> None:
    fields = "f=name&f=code&f=create_date"
    record = {"id": 1, "__name__": PARTY, "name": "Albrecht", "code": "K-12345", "create_date": TIME}
    masks = (("code", LAST, {1}), ("create_date", MONTH, {1}), ("name", PSEUDONYM, {1}))
    by_rest = TRYTON.answer(TRYTON.read(rest("GET", "model/party.party", fields)), Response(200, (JSON,), json.dumps([record]).encode()))
    out = json.loads(by_rest.release(duties(*masks), masking(b"k" * 32, "anna")).response.body)
    by_rpc = released(going(read(["name", "code", "create_date"]), [{k: v for k, v in record.items() if k != "__name__"}], *masks))
    assert [{k: v for k, v in one.items() if k != "__name__"} for one in out] == by_rpc


def test_the_number_and_the_timestamp_of_a_record_are_never_masked() -> None:
    call = read(["id", "_timestamp", "_write"])
    said = [{"id": 1, "_timestamp": "1.5", "_write": True}]
    assert released(going(call, said, ("id", HIDE, {1}), ("contact", HIDE, {1}))) == said


_SOME = st.sampled_from(
    ["", None, "030 5", "Straße", "STRASSE 9", "ΟΔΟΣ", "οδος!", "İzmir 12", "i̇zmir 12", "a\0bcdefg", "bcdefg", "x@y.example", 7]
)
"""Values that lie in each other, in other cases, with letters whose lower case depends on what stands beside them."""


@given(
    page=st.lists(st.dictionaries(st.sampled_from(["phone", "email", "fax", "name", "code"]), _SOME), max_size=4), fields=st.integers(1, 3)
)
def test_a_page_is_covered_as_each_of_its_records_is(page: list[dict[str, Any]], fields: int) -> None:
    covering = Covering(tuple((name, "•••") for name in ("phone", "email", "fax")[:fields]))
    one_by_one, at_once = copy.deepcopy(page), copy.deepcopy(page)
    for record in one_by_one:
        Masks(Obligations()).cover(record, covering, ("name", "code"))
    Masks(Obligations()).cover_all(at_once, covering, ("name", "code"))
    assert at_once == one_by_one


def test_a_client_that_stands_twice_in_a_page_has_a_contact_value_if_one_of_them_has() -> None:
    call = read(["name", "phone"])
    for said in ([{"id": 1, "phone": "030 1"}, {"id": 1, "phone": ""}], [{"id": 1, "name": "A"}, {"id": 1, "phone": "030 1"}]):
        both = answer(call, said)
        assert (both.ids, both.contact_ids) == (("1",), {"1"})
        assert both.release(duties()).taken == {"1"}


def test_a_released_answer_holds_no_record_any_more() -> None:
    for said in ([{"id": 1, "name": "A"}, {"id": 2, "name": "B"}], [{"id": 1, "name": "A"}]):
        whole = answer(read(["name"]), said)
        assert released(whole.release(Obligations(keep=frozenset({"1"})))) == [{"id": 1, "name": "A"}]
        assert whole.identifiers() == []


def test_answers_to_one_list_of_fields_share_no_masks() -> None:
    said = {"id": 1, "name": "Albrecht", "code": "K1"}
    first, second, third = (answer(read(["name", "code"]), [dict(said)]) for _ in range(3))
    assert released(first.release(duties(("name", HIDE, {1})))) == [said | {"name": "•••"}]
    assert released(second.release(duties(("code", NULL, {1})))) == [said | {"code": None}]
    assert released(third.release(duties())) == [said]


def test_only_short_lists_of_fields_are_remembered() -> None:
    remembered = _plan.cache_info().currsize
    for more in range(100):
        read(["name"] * 65 + ["code"] * more)
    assert _plan.cache_info().currsize == remembered
