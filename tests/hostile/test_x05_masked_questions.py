"""X5: masks read by questions. Every question on a contact value is seen as one, and every alias that carries the value is masked."""

from typing import Any

import pytest

from gateway.crm.profile import CallKind, UnreadableError
from policies.request import Action
from tests.services.tryton_calls import TRYTON, answer, base64url, csv, hide, keep, released, rest, result, rpc, sent

PHONE = "+49 171 5550001"
EMAIL = "Kontakt@Albrecht.example"


def questions(domain: Any, model: str = "party.party", order: Any = None) -> frozenset[str]:
    call = TRYTON.read(rpc(f"model.{model}.search", domain, 0, None, order))
    return call.resource.questioned_contact_fields


@pytest.mark.parametrize(
    ("domain", "fields"),
    [
        ([["contact_mechanisms.value", "ilike", "+49 171%"]], {"contact_mechanisms.value"}),
        ([["contact_mechanisms.value_compact", "=", "+491715550001"]], {"contact_mechanisms.value_compact"}),
        ([["contact_mechanisms.rec_name", "ilike", "%171%"]], {"contact_mechanisms.rec_name"}),
        ([["contact_mechanisms.url", "ilike", "tel:%"]], {"contact_mechanisms.url"}),
        ([["contact_mechanisms", "ilike", "+49 171%"]], {"contact_mechanisms"}),
        ([["contact_mechanisms", "=", "+49 171 5550001"]], {"contact_mechanisms"}),
        ([["contact_mechanisms", "in", ["+49 171 5550001"]]], {"contact_mechanisms"}),
        ([["contact_mechanisms", "where", [["value", "<", "+49 171"]]]], {"contact_mechanisms.value"}),
        ([["contact_mechanisms", "not where", [["rec_name", "ilike", "%"]]]], {"contact_mechanisms.rec_name"}),
        ([["addresses.contact_mechanisms.value", "like", "+49%"]], {"addresses.contact_mechanisms.value"}),
        ([["replaced_by.contact_mechanisms.value", "like", "+49%"]], {"replaced_by.contact_mechanisms.value"}),
        ([["phone", "=", "x"]], {"phone"}),
        ([["OR", ["email", "=", "x"], ["AND", [["mobile", "!=", None]]]]], {"email", "mobile"}),
        (["OR", [["name", "=", "x"]], [["website", "=", "x"]]], {"website"}),
    ],
)
def test_a_question_on_a_contact_value_is_seen_under_every_name(domain: Any, fields: set[str]) -> None:
    assert questions(domain) == fields


@pytest.mark.parametrize(
    ("domain", "fields"),
    [
        ([["value", "ilike", "+49 171%"]], {"value"}),
        ([["rec_name", "ilike", "+49 171%"]], {"rec_name"}),
        ([["party.contact_mechanisms.value", "=", "x"]], {"party.contact_mechanisms.value"}),
        ([["comment", "ilike", "%"]], {"comment"}),
    ],
)
def test_a_question_through_another_record_type_is_seen_too(domain: Any, fields: set[str]) -> None:
    assert questions(domain, "party.contact_mechanism") == fields


def test_a_sort_order_is_a_question() -> None:
    assert questions([], "party.contact_mechanism", [["value", "ASC"], ["party.name", None]]) == {"value"}
    assert questions([], "party.party", [["email", "DESC NULLS LAST"]]) == {"email"}
    assert questions([], "party.party", [["distance", "ASC NULLS LAST"], ["name", "ASC"], ["id", None]]) == frozenset()


def test_the_questions_of_every_road_are_seen() -> None:
    domain = [["contact_mechanisms.value", "ilike", "+49%"]]
    text = '[["contact_mechanisms.value","ilike","%2B49%"]]'
    ways = [
        rpc("model.party.party.search", domain),
        rpc("model.party.party.search_count", domain),
        rpc("model.party.party.search_read", domain, 0, 1, None, ["id"]),
        rpc("model.party.party.export_data_domain", domain, ["name"]),
        csv(f"f=name&d={text}"),
        rest("GET", "model/party.party", f"f=name&d={base64url(domain)}"),
    ]
    assert {TRYTON.read(one).resource.questioned_contact_fields for one in ways} == {frozenset({"contact_mechanisms.value"})}
    ordered = [csv("f=name&o=email,ASC"), rest("GET", "model/party.party", f"f=name&o={base64url([['email', 'ASC']])}")]
    assert {TRYTON.read(one).resource.questioned_contact_fields for one in ordered} == {frozenset({"email"})}


def test_the_search_box_finds_names_and_no_longer_phone_numbers() -> None:
    """`rec_name ilike '+49 171%'` is neutralised, not denied: the CRM is asked for names, and nobody is called that."""
    call = TRYTON.read(rpc("model.party.party.search", [["rec_name", "ilike", "+49 171%"]], 0, 1000, None))
    names = [["name", "ilike", "+49 171%"], ["code", "ilike", "+49 171%"], ["identifiers.code", "ilike", "+49 171%"]]
    assert sent(call)[0] == [["OR", *names]]
    assert call.resource.questioned_contact_fields == frozenset()


@pytest.mark.parametrize(
    ("model", "clause", "rewritten"),
    [
        ("party.party", ["rec_name", "not ilike", "x"], ["AND", "name", "code", "identifiers.code"]),
        ("party.party", ["rec_name", "!=", "x"], ["AND", "name", "code", "identifiers.code"]),
        ("party.contact_mechanism", ["party", "ilike", "+49%"], ["OR", "party.name", "party.code", "party.identifiers.code"]),
        ("party.contact_mechanism", ["party.rec_name", "=", "+49"], ["OR", "party.name", "party.code", "party.identifiers.code"]),
        ("party.address", ["party", "in", ["+49"]], ["OR", "party.name", "party.code", "party.identifiers.code"]),
        ("party.address", ["rec_name", "ilike", "+49%"], ["OR", "party.name", "street", "postal_code", "city"]),
        (
            "party.party",
            ["addresses", "ilike", "+49%"],
            ["OR", "addresses.party.name", "addresses.street", "addresses.postal_code", "addresses.city"],
        ),
        (
            "party.party",
            ["replaced_by", "ilike", "+49%"],
            ["OR", "replaced_by.name", "replaced_by.code", "replaced_by.identifiers.code"],
        ),
    ],
)
def test_a_text_on_a_client_s_name_or_on_a_link_to_one_is_a_question_on_names_only(
    model: str, clause: list[Any], rewritten: list[str]
) -> None:
    call = TRYTON.read(rpc(f"model.{model}.search", [clause]))
    both, *fields = rewritten
    assert sent(call)[0] == [[both, *([name, clause[1], clause[2]] for name in fields)]]


def test_a_search_by_number_on_a_link_stays_as_it_is() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.search", [["party", "in", [713, None]]]))
    assert sent(call)[0] == [["party", "in", [713, None]]]


@pytest.mark.parametrize(
    "domain",
    [
        [["nix", "=", 1]],
        [["contact_mechanisms.nix", "=", 1]],
        [["nix.value", "=", 1]],
        [["lang.create_uid.applications.key", "like", "a%"]],
        [["create_uid.password_hash", "like", "a%"]],
        [["party_alias.value", "=", "x"]],
        [["categories", "where", [["name", "=", "x"]]]],
        [["replaced_by", "child_of", "+49%", "replaced_by"]],
        [["contact_mechanisms", "child_of", [1], "party"]],
        [["name", "~", "x"]],
        [["name", "="]],
        [["name", "=", "x", "party.party"]],
        [["name", "=", {"__class__": "bytes", "base64": ""}]],
        [["name", "=", {"a": 1}]],
        ["name", "=", 1, 2, 3],
        ["AND", "name"],
        [1],
        "name",
        {"name": 1},
        None,
        [["NAME", "=", "x"]],
        [["name ", "=", "x"]],
        [[".name", "=", "x"]],
    ],
)
def test_a_question_that_is_not_known_is_not_asked(domain: Any) -> None:
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(rpc("model.party.party.search", domain))
    assert "x" not in caught.value.what.split()


@pytest.mark.parametrize("order", ["name", [["name", "ASC; DROP"]], [["nix", "ASC"]], [[]], [["name", "ASC", "x"]], [1]])
def test_a_sort_order_that_is_not_known_is_not_asked(order: Any) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.party.search", [], 0, None, order))


ALIASES = ["value", "value_compact", "url", "rec_name", "other_value", "website", "email", "skype", "sip", "comment"]


def test_every_alias_of_a_contact_value_is_a_contact_field() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.read", [1, 2], ALIASES))
    assert call.resource.contact_fields == set(ALIASES)
    party = ["phone", "mobile", "fax", "email", "website"]
    assert TRYTON.read(rpc("model.party.party.read", [1, 2], [*party, "name"])).resource.contact_fields == set(party)


def test_every_alias_of_a_masked_contact_says_the_same_for_a_value_and_for_none() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.read", [1, 2, 3], [*ALIASES, "type"]))
    full = dict.fromkeys(ALIASES, PHONE) | {"id": 1, "type": "phone", "party": 713}
    empty = dict.fromkeys(ALIASES, None) | {"id": 2, "type": "phone", "party": 713}
    other = dict.fromkeys(ALIASES, EMAIL) | {"id": 3, "type": "email", "party": 5}
    delivered = answer(call, [full, empty, other]).release(hide(713))
    masked_full, masked_empty, clear = released(delivered)
    assert masked_full == dict.fromkeys(ALIASES, "•••") | {"id": 1, "type": "phone"}
    assert masked_empty == masked_full | {"id": 2}
    assert clear == dict.fromkeys(ALIASES, EMAIL) | {"id": 3, "type": "email"}
    assert (delivered.shown, delivered.taken) == ({"713", "5"}, {"5"})


def test_a_contact_below_a_client_below_a_contact_is_masked_by_its_own_client() -> None:
    fields = ["value", "party.contact_mechanisms.value", "party.replaced_by.email", "party.replaced_by.contact_mechanisms.url"]
    call = TRYTON.read(rpc("model.party.contact_mechanism.read", [1], fields))
    inner = {"id": 9, "email": EMAIL, "contact_mechanisms.": [{"id": 7, "url": f"tel:{PHONE}"}]}
    record = {
        "id": 1,
        "value": PHONE,
        "party": 713,
        "party.": {"id": 713, "contact_mechanisms.": [{"id": 1, "value": PHONE}], "replaced_by.": inner},
    }
    read = answer(call, [record])
    assert read.ids == ("713", "9")
    assert read.contact_ids == {"713", "9"}
    (out,) = released(read.release(hide(9)))
    assert out["party."]["contact_mechanisms."] == [{"id": 1, "value": PHONE}]
    assert out["party."]["replaced_by."] == {"id": 9, "email": "•••", "contact_mechanisms.": [{"id": 7, "url": "•••"}]}


def test_a_client_below_that_may_not_go_is_taken_out() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name", "replaced_by.name"]))
    read = answer(call, [{"id": 1, "name": "A", "replaced_by.": {"id": 9, "name": "B"}}])
    delivered = read.release(keep(1))
    assert released(delivered) == [{"id": 1, "name": "A", "replaced_by.": None}]
    assert delivered.shown == {"1"}


@pytest.mark.parametrize("verb", ["copy", "import_data"])
def test_a_copy_or_an_import_is_a_copy(verb: str) -> None:
    args: tuple[Any, ...] = ([713],) if verb == "copy" else (["id", "name"], [["713", "x"]])
    call = TRYTON.read(rpc(f"model.party.party.{verb}", *args))
    assert (call.kind, call.action, call.held_before) == (CallKind.DATA, Action.COPY, True)


def test_a_copy_of_a_foreign_contact_under_one_s_own_client_is_not_known() -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.contact_mechanism.copy", [883], {"party": 713}))
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.party.write", [713], {"contact_mechanisms": [["copy", [883], {"party": 713}]]}))


def test_a_merge_is_a_copy_of_the_clients_that_it_names() -> None:
    about = {"active_model": "party.party", "active_ids": [713], "active_id": 713}
    started = TRYTON.read(rpc("wizard.party.replace.create", **about))
    assert (started.action, started.resource.ids) == (Action.COPY, ("713",))
    asked = TRYTON.read(rpc("wizard.party.replace.execute", 4, {"ask": {"source": 713, "destination": 442}}, "replace", **about))
    assert asked.resource.ids == ("442", "713")


@pytest.mark.parametrize(
    ("method", "args", "said"),
    [
        (
            "model.party.contact_mechanism.on_change_notify",
            ({"type": "phone", "value": PHONE},),
            [["warning", "Albrecht has the same phone"]],
        ),
        ("model.party.party.autocomplete", ("+49 171", [], 10, None), [{"id": 713, "name": "Albrecht"}]),
        ("model.ir.email.complete", ("alb", 10), [[EMAIL, "Albrecht"]]),
        ("model.ir.model.global_search", (PHONE, 10, "ir.ui.menu"), [[1.0, "party.party", "Party", 713, "Albrecht", None]]),
    ],
)
def test_what_would_answer_a_question_on_hidden_values_says_nothing(method: str, args: tuple[Any, ...], said: Any) -> None:
    call = TRYTON.read(rpc(method, *args))
    assert call.kind is CallKind.SYSTEM
    assert TRYTON.scrub(call, result(said)).body == b'{"id":7,"result":[]}'


def test_a_global_search_still_finds_menus() -> None:
    call = TRYTON.read(rpc("model.ir.model.global_search", "Part", 10, "ir.ui.menu"))
    menu = [1.0, "ir.ui.menu", "Menu", 57, "Parties", "tryton-party"]
    assert released_of(TRYTON.scrub(call, result([menu, [1.0, "party.party", "Party", 7, "Partner", None]]))) == [menu]


def test_a_form_thinks_along_without_the_stored_record() -> None:
    for verb in ("on_change", "on_change_with", "on_change_with_url", "on_change_value"):
        call = TRYTON.read(rpc(f"model.party.contact_mechanism.{verb}", {"id": 1425, "type": "phone", "party": {"id": 713}}, ["value"]))
        assert call.kind is CallKind.SYSTEM
        assert sent(call)[0] == {"type": "phone", "party": {"id": 713}}


@pytest.mark.parametrize("record", [1425, [1425, 1426], [{"id": 1425}], None, "x"])
def test_a_form_that_names_stored_records_is_refused(record: Any) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.party.contact_mechanism.on_change_with_url", record))


def test_a_form_is_not_told_the_name_of_another_client() -> None:
    call = TRYTON.read(rpc("model.party.contact_mechanism.on_change", {"address": 12}, ["address"]))
    said = TRYTON.scrub(call, result({"party": 442, "party.": {"rec_name": "Albrecht"}, "type": "phone"}))
    assert released_of(said) == {"type": "phone"}


@pytest.mark.parametrize("model", ["ir.note", "ir.attachment", "ir.email", "ir.model.log", "ir.avatar", "sale.sale", "party.party.lang"])
@pytest.mark.parametrize("verb", ["search", "search_read", "read", "export_data_domain", "export_data", "create"])
def test_records_that_point_at_any_client_are_unknown(model: str, verb: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(rpc(f"model.{model}.{verb}", [], ["resource.phone"]))
    assert caught.value.unknown


@pytest.mark.parametrize(
    "fields",
    [["create_uid.applications.key"], ["key"], ["password_hash"], ["applications"], ["name.phone"], ["create_uid.sessions"], ["nix:evil"]],
)
def test_the_furniture_leads_to_no_secret(fields: list[str]) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.ir.lang.read", [1], fields))
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.res.user.search_read", [], 0, None, None, fields))
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc("model.res.user.search", [[fields[0], "like", "a%"]]))


def test_a_masked_value_is_covered_where_it_stands_a_second_time() -> None:
    fields = ["name", "full_name", "contact_mechanisms.value", "contact_mechanisms.name", "addresses.attn", "addresses.street"]
    call = TRYTON.read(rpc("model.party.party.read", [713, 5], fields))
    contacts = [{"id": 1, "value": PHONE, "name": "Mobil"}, {"id": 2, "value": EMAIL, "name": f"statt {PHONE}"}]
    address = {"id": 3, "attn": EMAIL.upper(), "street": "Weg 1"}
    one = {"id": 713, "name": f"Albrecht ({PHONE})", "full_name": "Albrecht", "contact_mechanisms.": contacts, "addresses.": [address]}
    two = {"id": 5, "name": f"Kennt {PHONE}", "full_name": "Becker", "contact_mechanisms.": [], "addresses.": []}
    masked, clear = released(answer(call, [one, two]).release(hide(713)))
    assert PHONE not in str(masked)
    assert EMAIL.lower() not in str(masked).lower()
    assert masked["name"] == "Albrecht (•••)"
    assert masked["contact_mechanisms."][1]["name"] == "statt •••"
    assert masked["addresses."] == [{"id": 3, "attn": "•••", "street": "Weg 1"}]
    assert clear["name"] == f"Kennt {PHONE}"


def test_the_number_inside_a_contact_s_address_and_name_is_covered_elsewhere() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [713], ["name", "contact_mechanisms.url", "contact_mechanisms.rec_name"]))
    contact = {"id": 1, "url": f"mailto:{EMAIL}", "rec_name": f"Albrecht <{PHONE}>"}
    (out,) = released(answer(call, [{"id": 713, "name": f"A {PHONE} {EMAIL}", "contact_mechanisms.": [contact]}]).release(hide(713)))
    assert out["name"] == "A ••• •••"


def released_of(response: Any) -> Any:
    import json

    return json.loads(response.body)["result"]


def test_a_masked_value_is_covered_in_the_other_cells_of_its_rows() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [713, 5], ["name", "contact_mechanisms/value", "addresses/attn"], False))
    rows = [[713, f"A {PHONE}", PHONE, "x"], ["", "", EMAIL, f"z. Hd. {EMAIL.lower()}"], [5, f"B {PHONE}", "+49 30 2", ""]]
    out = released(answer(call, rows).release(hide(713)))
    assert out == [["A •••", "•••", "x"], ["", "•••", "z. Hd. •••"], [f"B {PHONE}", "+49 30 2", ""]]


def test_a_masked_value_in_letters_of_two_lower_cases_is_covered_as_well() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [713], ["name", "email"]))
    value = "İnfo@example.test"
    for name in (f"A {value}", f"A {value.lower()}", f"A {value.upper()}"):
        (out,) = released(answer(call, [{"id": 713, "name": name, "email": value}]).release(hide(713)))
        assert "nfo@" not in out["name"].lower()


def test_a_contact_value_that_is_short_or_empty_does_not_eat_other_texts() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [713], ["name", "contact_mechanisms.rec_name", "contact_mechanisms.url"]))
    contacts = [{"id": 1, "rec_name": "Albrecht <>", "url": "tel:"}, {"id": 2, "rec_name": "Albrecht <110>", "url": "tel:110"}]
    (out,) = released(answer(call, [{"id": 713, "name": "Albrecht 110", "contact_mechanisms.": contacts}]).release(hide(713)))
    assert out["name"] == "Albrecht 110"


@pytest.mark.parametrize(
    ("method", "domain"),
    [
        ("model.account.invoice.search_count", [["rec_name", "ilike", "+49%"]]),
        ("model.sale.sale.search_count", [["party.contact_mechanisms.nix", "=", "x"]]),
        ("model.sale.sale.search_count", [["create_uid.login", "=", "x"]]),
        ("model.stock.location.search", [["address.rec_name", "ilike", "+49%"]]),
        ("model.res.user.search", [["employees.party.rec_name", "ilike", "+49%"]]),
    ],
)
def test_other_records_lead_to_no_contact_value(method: str, domain: list[Any]) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(rpc(method, domain))


def test_counting_a_client_s_orders_by_its_contact_values_is_a_question_on_them() -> None:
    call = TRYTON.read(rpc("model.sale.sale.search_count", [["party.contact_mechanisms.value", "ilike", "+49%"]]))
    assert call.resource.questioned_contact_fields == {"party.contact_mechanisms.value"}
