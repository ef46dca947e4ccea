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
    text: bool = True
    """Can hold a mask that is a text; a relation never can. False: a number, a date, a yes or no, or one of some words."""
    carries: tuple[str, ...] = ()
    """Fields whose values stand in this one too: who masks or asks for them, masks or asks for it (attacks X5)."""


@dataclass(frozen=True, slots=True)
class Model:
    """A record type that hangs on a client."""

    name: str
    link: str
    """Field that holds the client's id: `id` of the client itself, `party` of what belongs to it."""
    fields: Mapping[str, Field]


_PLAIN = Field()
_TYPED = Field(text=False)
_VALUE = Field(contact=True)
_COMMON: Mapping[str, Field] = {
    **dict.fromkeys(("rec_name", "xml_id", "_timestamp"), _PLAIN),
    **dict.fromkeys(("id", "active", "create_date", "write_date", "last_modified_at", "_write", "_delete"), _TYPED),
    "create_uid": Field(target=USER),
    "write_uid": Field(target=USER),
}


def _model(name: str, link: str, plain: str, contact: str = "", typed: str = "", **special: Field) -> Model:
    fields = dict(_COMMON) | dict.fromkeys(plain.split(), _PLAIN) | dict.fromkeys(contact.split(), _VALUE)
    return Model(name, link, MappingProxyType(fields | dict.fromkeys(typed.split(), _TYPED) | special))


_TO_PARTY = Field(target=PARTY)
_STREET = (
    *("street", "street_unstructured", "street_name", "street_single_line", "building_name", "building_number"),
    *("unit_number", "floor_number", "room_number", "post_box", "private_bag", "post_office"),
)
_STREET_TEXT = Field(carries=_STREET)
"""Tryton puts a street together from its parts: each of these says something about the others."""
_LETTERHEAD = Field(carries=("name", "party_name", "attn", *_STREET, "postal_code", "city", "country", "subdivision"))

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        _model(
            PARTY,
            "id",
            "name code",
            "phone mobile fax email website",
            # The second and third line: accounting, sales and stock.
            "code_readonly distance "
            "payable payable_today receivable receivable_today sale_invoice_method sale_shipment_method "
            "supplier_lead_time",
            rec_name=Field(carries=("name", "code")),
            full_name=Field(carries=("name",)),
            code_alnum=Field(carries=("code",)),
            code_digit=Field(text=False, carries=("code",)),
            vat_code=Field(carries=("code", "tax_identifier")),
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
            "name",
            "value value_compact email website skype sip other_value url comment",
            "type type_string sequence delivery invoice",
            rec_name=Field(contact=True, carries=("name", "code")),
            party=_TO_PARTY,
            address=Field(target=ADDRESS),
            language=Field(target="ir.lang"),
        ),
        _model(
            ADDRESS,
            "party",
            "attn postal_code city",
            "",
            "subdivision_types sequence delivery invoice",
            party_name=Field(carries=("name",)),
            **dict.fromkeys(_STREET, _STREET_TEXT),
            full_address=_LETTERHEAD,
            rec_name=_LETTERHEAD,
            party=_TO_PARTY,
            country=Field(target="country.country"),
            subdivision=Field(target="country.subdivision"),
            identifiers=Field(target=IDENTIFIER),
            contact_mechanisms=Field(target=CONTACT),
        ),
        _model(
            IDENTIFIER,
            "party",
            "code",
            "",
            "type type_string type_address sequence",
            code_compact=Field(carries=("code",)),
            rec_name=Field(carries=("code",)),
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
