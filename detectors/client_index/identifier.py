"""A value that identifies a client, on its way from the CRM into the index: never stored, never logged, gone after it was hashed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from policies.request import ClientId


class Kind(StrEnum):
    """What kind of value identifies a client."""

    EMAIL = "email"
    PHONE = "phone"
    TAX = "tax"
    """A tax or VAT number, or another official number of the client."""
    NAME = "name"
    """Never recognised by itself: it only supports a strong hit of the same client near by."""


_PHONE_DIGITS = 6
"""Fewer are an extension or an emergency number."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One value of one client, as the CRM writes it."""

    client: ClientId
    kind: Kind
    value: str = field(repr=False)


def contact(client: ClientId, value: object) -> Identifier | None:
    """The identifier in a contact value of whatever kind: an address with `@` is an e-mail, six digits or more are a phone number."""
    if not isinstance(value, str) or not value:
        return None
    if "@" in value:
        return Identifier(client, Kind.EMAIL, value)
    return Identifier(client, Kind.PHONE, value) if sum(map(str.isdigit, value)) >= _PHONE_DIGITS else None
