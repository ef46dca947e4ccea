"""What our codes are called on pages: actions, statuses, outcomes, fields. Each word goes through the catalogue (`docs/words.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.language import Speech
from policies.request import Level, Status


def N_(text: str) -> str:  # noqa: N802 -- gettext's own name for "to be translated later"
    """Marks a text for the catalogue without translating it yet."""
    return text


def N2_(one: str, many: str) -> tuple[str, str]:  # noqa: N802
    """Marks a text with its plural for the catalogue."""
    return one, many


ACTIONS: Mapping[str, str] = {
    "login": N_("Sign-in to the CRM"),
    "system": N_("Furniture of the CRM"),
    "list": N_("List of clients"),
    "read": N_("Client cards"),
    "search": N_("Search"),
    "export": N_("Export"),
    "report": N_("Report"),
    "print": N_("Print"),
    "create": N_("New client"),
    "update": N_("Change of clients"),
    "delete": N_("Deletion"),
    "reassign": N_("Hand-over of clients"),
    "share": N_("Sending by the CRM"),
    "copy": N_("Copy, import or merge"),
    "bulk": N_("Bulk job"),
    "grant_access": N_("New access to the CRM"),
    "upload": N_("Upload or message"),
    "file_copy": N_("File with clients"),
}
CONFIRMATIONS: Mapping[str, str] = {
    "export": N_("Confirm the export"),
    "report": N_("Confirm the report"),
    "print": N_("Confirm the print"),
    "delete": N_("Confirm the deletion"),
    "reassign": N_("Confirm the hand-over of clients"),
    "read": N_("Confirm the opening of further clients"),
    "list": N_("Confirm the opening of further clients"),
    "upload": N_("Confirm the sending"),
}
PLACES: Mapping[str, str] = {
    "web": N_("to the screen, in the CRM"),
    "download": N_("into a file on this computer"),
    "api": N_("to a program"),
    "rest": N_("to a program"),
}
ROADS: Mapping[str, str] = {
    "web": N_("web client"),
    "download": N_("download"),
    "api": N_("program"),
    "rest": N_("REST"),
    "cloud": N_("cloud storage"),
    "webmail": N_("web mail"),
    "messenger": N_("messenger"),
    "website": N_("website"),
    "removable": N_("stick"),
    "folder": N_("folder of the computer"),
}
STATUSES: Mapping[str, str] = {
    Status.ACTIVE: N_("active"),
    Status.TALK_PLANNED: N_("talk planned"),
    Status.NOTICE_GIVEN: N_("notice given"),
    Status.LAST_DAY: N_("last day"),
    Status.GONE: N_("gone"),
}
LEVELS: Mapping[str, str] = {
    Level.NORMAL: N_("normal"),
    Level.WATCHED: N_("watched closely"),
    Level.DEPARTING: N_("departing"),
}
STATUS_CHIPS: Mapping[str, str] = {
    Status.ACTIVE: "good",
    Status.TALK_PLANNED: "held",
    Status.NOTICE_GIVEN: "held",
    Status.LAST_DAY: "held",
    Status.GONE: "stop",
}
ROLES: Mapping[str, str] = {
    "manager": N_("Manager"),
    "owner": N_("Owner"),
    "head_of_sales": N_("Head of sales"),
    "accountant": N_("Accounting"),
    "contractor": N_("Contractor"),
    "intern": N_("Intern"),
    "admin": N_("Administrator"),
    "security": N_("Security"),
}
UNREAD: Mapping[str, str] = {
    "encrypted": N_("encrypted"),
    "damaged": N_("damaged"),
    "too_large": N_("too large"),
    "too_deep": N_("packed too deep"),
    "too_many": N_("too many parts"),
    "timed_out": N_("took too long"),
    "crashed": N_("could not be opened safely"),
    "unknown_format": N_("unknown format"),
    "images_only": N_("pictures without text"),
}
"""Why content could not be inspected (`detectors.verdict.Unread`)."""
LEFT: Mapping[str, str] = {
    "changed": N_("it was changed meanwhile"),
    "gone": N_("it was no longer there"),
    "no_room": N_("there is no room left on the machine"),
    "not_removable": N_("it cannot be removed there"),
    "expired": N_("the machine was out of reach for a day"),
    "unreadable": N_("it could not be read"),
    "link": N_("a link lies in its place"),
    "no_file": N_("something else lies in its place"),
    "not_watched": N_("its folder is no longer watched"),
    "no_folder": N_("its folder is not there"),
    "name_taken": N_("every name for it is taken"),
    "copy_gone": N_("the copy is no longer there"),
}
"""Why a machine has not put a file aside, or back (`agent.aside`)."""
SEVERITIES: Mapping[str, str] = {"low": N_("low"), "medium": N_("medium"), "high": N_("high")}
ALERT_STATES: Mapping[str, str] = {
    "open": N_("new"),
    "looking": N_("being looked at"),
    "confirmed": N_("confirmed"),
    "explained": N_("explained"),
    "false": N_("false alarm"),
}
CUTS: Mapping[str, str] = {
    "session": N_("Sign-in to the CRM"),
    "token": N_("Sign-in of a program to the CRM"),
    "api_key": N_("API key of the CRM"),
    "proxy": N_("Log-in for the proxy on the way out"),
    "console": N_("Sign-in to Torwart"),
    "act": N_("Act that waited for a key"),
    "approval": N_("Request that waited for a second person"),
    "key_token": N_("Link for a key that nobody used yet"),
    "agent_token": N_("Enrolment of a machine that nobody used yet"),
    "agent": N_("Machine that is given nothing any more"),
}
ENDED: Mapping[str, str] = {
    "logout": N_("signed out"),
    "renewed": N_("a new sign-in took its place"),
    "replaced": N_("a new sign-in took its place"),
    "crm": N_("the CRM ended it"),
    "own": N_("ended by the person"),
    "administrator": N_("ended by an administrator"),
    "frozen": N_("access was frozen"),
    "gone": N_("the person has left"),
    "lost": N_("lost"),
    "removed": N_("removed"),
    "possible_clone": N_("perhaps copied"),
    "envelope": N_("from the emergency envelope"),
    "withdrawn": N_("withdrawn"),
}
"""Why a sign-in, a log-in, a key or a plan came to its end: codes of events."""
_FIELDS: Mapping[str, str] = {
    "name": N_("name"),
    "full_name": N_("name"),
    "rec_name": N_("name"),
    "code": N_("client number"),
    "phone": N_("phone"),
    "mobile": N_("mobile"),
    "fax": N_("fax"),
    "email": N_("e-mail"),
    "website": N_("website"),
    "url": N_("website"),
    "contact_mechanisms": N_("contact details"),
    "value": N_("contact details"),
    "value_compact": N_("contact details"),
    "other_value": N_("contact details"),
    "addresses": N_("addresses"),
    "street": N_("street"),
    "postal_code": N_("postcode"),
    "city": N_("city"),
    "country": N_("country"),
    "subdivision": N_("region"),
    "lang": N_("language"),
    "categories": N_("categories"),
    "identifiers": N_("identifiers"),
    "tax_identifier": N_("tax number"),
    "create_date": N_("created on"),
    "write_date": N_("changed on"),
    "active": N_("active or not"),
}
_SILENT_FIELDS = frozenset({"id", "_timestamp", "_write", "_delete", "rec_name:string"})
"""Said of every record: the row itself."""


def field_words(fields: Iterable[str], speech: Speech) -> str:
    """Fields as people call them, each once; what has no word is named as the CRM names it."""
    found: dict[str, None] = {}
    for field in fields:
        if field in _SILENT_FIELDS:
            continue
        hops = [hop for hop in field.split(".") if hop != "id"]
        known = next((_FIELDS[hop] for hop in reversed(hops) if hop in _FIELDS), None)
        found[speech.say(known) if known else field] = None
    return speech.listed(list(found)) if found else speech.say("none")


def word(words: Mapping[str, str], code: str, speech: Speech) -> str:
    """The word for a code; the code itself when a newer part of Torwart wrote it."""
    return speech.say(words[code]) if code in words else code


def role_words(roles: Iterable[str], speech: Speech) -> str:
    """Roles, listed."""
    return speech.listed([word(ROLES, role, speech) for role in roles])
