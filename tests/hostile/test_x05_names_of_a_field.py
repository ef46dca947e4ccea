"""X5: a field has many names. Who asks for one of them asks for all whose value it carries."""

from typing import Any

import pytest

from tests.services.tryton_calls import TRYTON, rpc

PARTY, CONTACT, ADDRESS, IDENTIFIER = "party.party", "party.contact_mechanism", "party.address", "party.identifier"


def asked(model: str, domain: Any, order: Any = None) -> frozenset[str]:
    return TRYTON.read(rpc(f"model.{model}.search", domain, 0, None, order)).resource.questioned_fields


@pytest.mark.parametrize(
    ("model", "clause", "fields"),
    [
        (PARTY, ["rec_name", "ilike", "K-7%"], {"name", "code", "identifiers.code"}),
        (PARTY, ["rec_name", "=", None], {"name", "code"}),
        (PARTY, ["full_name", "ilike", "A%"], {"name"}),
        (PARTY, ["code_digit", ">", 700], {"code"}),
        (PARTY, ["vat_code", "like", "DE%"], {"code"}),
        (PARTY, ["replaced_by", "ilike", "A%"], {"replaced_by.name", "replaced_by.code", "replaced_by.identifiers.code"}),
        (PARTY, ["addresses.full_address", "ilike", "%Bonn%"], {"addresses.city", "addresses.name", "addresses.street"}),
        (PARTY, ["addresses", "ilike", "%Bonn%"], {"addresses.city", "addresses.party.name"}),
        (PARTY, ["addresses", "where", [["rec_name", "ilike", "%Bonn%"]]], {"addresses.city", "addresses.party.name"}),
        (PARTY, ["addresses.street_name", "=", "Weg"], {"addresses.street", "addresses.street_single_line"}),
        (PARTY, ["identifiers.code_compact", "like", "DE1%"], {"identifiers.code"}),
        (CONTACT, ["party", "ilike", "A%"], {"party.name", "party.code"}),
        (CONTACT, ["party.rec_name", "ilike", "A%"], {"party.name", "party.code"}),
        (ADDRESS, ["party_name", "ilike", "A%"], {"name"}),
        (IDENTIFIER, ["rec_name", "like", "DE%"], {"code"}),
    ],
)
def test_a_filter_asks_for_everything_that_the_field_carries(model: str, clause: list[Any], fields: set[str]) -> None:
    assert asked(model, [clause]) >= fields


@pytest.mark.parametrize(
    ("model", "name", "fields"),
    [
        (PARTY, "rec_name", {"name", "code"}),
        (PARTY, "replaced_by", {"replaced_by.name"}),
        (CONTACT, "party", {"party.name"}),
        (ADDRESS, "party.replaced_by", {"party.replaced_by.name"}),
        (ADDRESS, "full_address", {"city", "street", "postal_code"}),
    ],
)
def test_a_sort_order_asks_for_what_it_sorts_by(model: str, name: str, fields: set[str]) -> None:
    assert asked(model, [], [[name, "ASC"]]) >= fields


def test_a_question_on_something_else_does_not_ask_for_a_name() -> None:
    assert asked(PARTY, [["addresses.city", "=", "Bonn"], ["id", "in", [1]]], [["id", "ASC"]]) == {"addresses.city", "id"}
    assert asked(CONTACT, [["party", "in", [1, 2]]], [["sequence", "ASC"]]) == {"party", "sequence"}
