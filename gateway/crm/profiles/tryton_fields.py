"""Tryton's records: which models hang on a client, which of their fields carry a contact value, and where relations lead.

Facts read in trytond 8.0 and its `party` module, and in the recording for fields that other standard modules add. A field that is not here
is not asked of the CRM and reads as empty (hostile input C49).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

PARTY = "party.party"
CONTACT = "party.contact_mechanism"
ADDRESS = "party.address"
IDENTIFIER = "party.identifier"
CATEGORY = "party.category"
USER = "res.user"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is known."""

    contact: bool = False
    """Carries a phone number, an e-mail address or the like, under whatever name (attacks X5)."""
    target: str | None = None
    """Model that a relation leads to."""
    own: bool = False
    """The related records are sure to belong to the same client: the inverse of their link to it."""


@dataclass(frozen=True, slots=True)
class Model:
    """A record type that hangs on a client."""

    name: str
    link: str
    """Field that holds the client's id: `id` of the client itself, `party` of what belongs to it."""
    fields: Mapping[str, Field]


_PLAIN = Field()
_VALUE = Field(contact=True)
_COMMON: Mapping[str, Field] = {
    **dict.fromkeys(("id", "active", "rec_name", "xml_id", "create_date", "write_date", "last_modified_at"), _PLAIN),
    **dict.fromkeys(("_timestamp", "_write", "_delete"), _PLAIN),
    "create_uid": Field(target=USER),
    "write_uid": Field(target=USER),
}


def _model(name: str, link: str, plain: str, contact: str = "", **relations: Field) -> Model:
    fields = dict(_COMMON) | dict.fromkeys(plain.split(), _PLAIN) | dict.fromkeys(contact.split(), _VALUE) | relations
    return Model(name, link, MappingProxyType(fields))


_TO_PARTY = Field(target=PARTY)

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        _model(
            PARTY,
            "id",
            # The second and third line: accounting, sales and stock.
            "name code code_readonly code_alnum code_digit full_name distance "
            "payable payable_today receivable receivable_today sale_invoice_method sale_shipment_method "
            "vat_code supplier_lead_time",
            "phone mobile fax email website",
            lang=Field(target="ir.lang"),
            identifiers=Field(target=IDENTIFIER, own=True),
            tax_identifier=Field(target=IDENTIFIER),
            addresses=Field(target=ADDRESS, own=True),
            contact_mechanisms=Field(target=CONTACT, own=True),
            categories=Field(target=CATEGORY),
            replaced_by=_TO_PARTY,
            currency=Field(target="currency.currency"),
            customer_currency=Field(target="currency.currency"),
            account_payable=Field(target="account.account"),
            account_receivable=Field(target="account.account"),
            customer_payment_term=Field(target="account.invoice.payment_term"),
            supplier_payment_term=Field(target="account.invoice.payment_term"),
            customer_tax_rule=Field(target="account.tax.rule"),
            supplier_tax_rule=Field(target="account.tax.rule"),
            customer_location=Field(target="stock.location"),
            supplier_location=Field(target="stock.location"),
            delivered_to_warehouses=Field(target="stock.location"),
        ),
        _model(
            CONTACT,
            "party",
            "type type_string name sequence delivery invoice",
            "value value_compact email website skype sip other_value url rec_name comment",
            party=_TO_PARTY,
            address=Field(target=ADDRESS),
            language=Field(target="ir.lang"),
        ),
        _model(
            ADDRESS,
            "party",
            "party_name attn street street_unstructured street_name street_single_line building_name building_number unit_number "
            "floor_number room_number post_box private_bag post_office postal_code city subdivision_types full_address sequence "
            "delivery invoice",
            party=_TO_PARTY,
            country=Field(target="country.country"),
            subdivision=Field(target="country.subdivision"),
            identifiers=Field(target=IDENTIFIER),
            contact_mechanisms=Field(target=CONTACT),
        ),
        _model(
            IDENTIFIER,
            "party",
            "type type_string type_address code code_compact sequence",
            party=_TO_PARTY,
            address=Field(target=ADDRESS),
        ),
    )
}
"""Record types whose records are judged one by one."""


def _counted(name: str, link: str, plain: str) -> Model:
    """No name among the fields: searching by it could reach the client's contact values."""
    return Model(name, link, MappingProxyType(dict.fromkeys(("id", "active", *plain.split()), _PLAIN) | {link: _TO_PARTY}))


COUNTED: Mapping[str, Model] = {
    model.name: model
    for model in (
        _counted("sale.line", "customer", "type sale_state"),
        _counted("sale.sale", "party", "state"),
        _counted("sale.opportunity", "party", "state"),
        _counted("account.invoice", "party", "state type"),
        _counted("stock.shipment.in", "supplier", "state"),
        _counted("stock.shipment.out", "customer", "state"),
    )
}
"""Record types of other modules that the client's card counts; anything but counting them is unknown."""

NEUTRAL_LEAVES = frozenset({"id", "rec_name", "name", "code", "active", "symbol", "digits", "icon", "_timestamp", "_write", "_delete"})
"""What may be read of a record that a relation leads to and that is no client's (a country, a language, a colleague's name)."""


def base_name(name: str) -> str:
    """The field of `type:string` and `name:lang=de`."""
    return name.partition(":")[0]


def suffix_known(name: str) -> bool:
    """True for a field name without a suffix, or with one that only translates."""
    _, colon, suffix = name.partition(":")
    return not colon or suffix == "string" or (suffix.startswith("lang=") and suffix[5:].replace("_", "").isalnum())
