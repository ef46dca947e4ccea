"""What can be said of a person, and what is wrong with it: one place for the command line, the page and the import."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypedDict

LANGUAGES = ("de", "en", "ru")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ACCOUNT_MAX = 200
_PLACE_MAX = 100
"""Characters of a team or a territory."""


class PeopleError(Exception):
    """What was asked for a person cannot be done; the text says why and what to do."""


class PersonChange(TypedDict, total=False):
    """What is to be different about a person; what is not named stays."""

    name: str
    email: str
    roles: list[str]
    language: str
    team: str | None
    territory: str | None
    manager_id: str | None


CHANGED: Final = ("name", "email", "roles", "language", "team", "territory", "manager_id")
"""The members of a change, in the order in which they are told."""


def cleaned(change: PersonChange) -> PersonChange:
    """Without blanks at the ends; addresses in small letters, each role once, an empty place as none."""
    found = PersonChange(**change)
    if "name" in found:
        found["name"] = found["name"].strip()
    if "email" in found:
        found["email"] = found["email"].strip().lower()
    if "roles" in found:
        found["roles"] = sorted({role.strip() for role in found["roles"]})
    if "team" in found:
        found["team"] = (found["team"] or "").strip() or None
    if "territory" in found:
        found["territory"] = (found["territory"] or "").strip() or None
    return found


def faults(values: Mapping[str, Any]) -> dict[str, str]:
    """Member -> what is wrong with it and what to do. Only members that are there are looked at."""
    found = {name: text for name, text in _FAULTS.items() if name in values and not _RIGHT[name](values[name])}
    if "language" in found:
        found["language"] = f"the language must be one of {', '.join(LANGUAGES)}"
    return found


def account_fault(account: str) -> str | None:
    """What is wrong with the spelling of a CRM account."""
    if not account or len(account) > _ACCOUNT_MAX or not account.isprintable():
        return f"a CRM account has 1 to {_ACCOUNT_MAX} printable characters"
    return None


def _is_name(name: str) -> bool:
    return bool(name) and len(name) <= 200 and name.isprintable()


def _is_email(email: str) -> bool:
    return _EMAIL.fullmatch(email) is not None and email.isprintable()


def _are_roles(roles: list[str]) -> bool:
    return bool(roles) and all(_ROLE.fullmatch(role) for role in roles)


def _is_place(place: str | None) -> bool:
    return place is None or (0 < len(place) <= _PLACE_MAX and place.isprintable())


_RIGHT: Final[Mapping[str, Any]] = {
    "name": _is_name,
    "email": _is_email,
    "roles": _are_roles,
    "language": LANGUAGES.__contains__,
    "team": _is_place,
    "territory": _is_place,
}
_FAULTS: Final[Mapping[str, str]] = {
    "name": "a name has 1 to 200 printable characters",
    "email": "the e-mail address must look like name@firma.example",
    "roles": "roles are words of lower-case letters, digits and _, at least one, for example manager",
    "language": "",
    "team": f"a team has at most {_PLACE_MAX} printable characters",
    "territory": f"a territory has at most {_PLACE_MAX} printable characters",
}
