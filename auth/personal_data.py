"""Where the database holds something about a person: one list for the answer to a request of access and for erasure.

A table that is not here is not about people, and says so in `NOT_ABOUT_PEOPLE`; a test compares both with all tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, Table, select

from audit_store.database import Base
from auth.tables import Person

ERASED_DOMAIN = "erased.invalid"
"""Of the address that takes the place of an erased one; no mail ever goes there (RFC 2606, section 2)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One table, how its rows lead to a person, and what erasure does with them."""

    table: str
    words: tuple[str, str]
    """What it holds, German and English."""
    by: str
    """Column: the person's id, or the pseudonym; with a dot (`agent_id:agents.id`) the way through another table of this list."""
    deleted: bool = False
    """Erasure deletes the rows."""
    blanked: tuple[str, ...] = ()
    """Columns that erasure empties in the rows that stay."""
    hidden: tuple[str, ...] = ()
    """Columns that are nothing to read: hashes of secrets, challenges, keys."""
    counted: tuple[str, ...] = ()
    """Columns with ids of clients, which are other people's: told as a number."""


HOLDINGS: tuple[Holding, ...] = (
    Holding(
        "people",
        ("Person", "Person"),
        "id",
        blanked=("name", "email", "roles", "team", "territory", "manager_id", "leave_from", "leave_until", "status_reason", "user_handle"),
        hidden=("user_handle", "belongings"),
    ),
    Holding("status_plans", ("Geplante Beschäftigungsstände", "Planned statuses"), "person_id", deleted=True),
    Holding("people_import_changes", ("Änderungen durch Importe", "Changes by imports"), "person_id", deleted=True),
    Holding("risk_levels", ("Stufe der Beobachtung", "Level of watching"), "person_id", deleted=True),
    Holding("crm_accounts", ("Konten im CRM", "Accounts of the CRM"), "person_id", deleted=True),
    Holding("crm_sessions", ("Anmeldungen am CRM", "Sign-ins to the CRM"), "person_id", deleted=True, hidden=("credential_hash",)),
    Holding(
        "console_sessions", ("Anmeldungen an Torwart", "Sign-ins to Torwart"), "person_id", deleted=True, hidden=("token_hash", "csrf")
    ),
    Holding(
        "acts",
        ("Bestätigungen mit dem Schlüssel", "Confirmations with the key"),
        "person_id",
        blanked=("summary", "key_id", "assertion", "challenge"),
        hidden=("challenge", "assertion"),
        counted=("ids",),
    ),
    Holding(
        "approval_requests",
        ("Bitten um Zustimmung", "Requests for approval"),
        "requester_id",
        blanked=("reason",),
        hidden=("samples_hash",),
    ),
    Holding(
        "approvals",
        ("Antworten auf Bitten um Zustimmung", "Answers to requests for approval"),
        "approver_id",
        blanked=("why", "key_id", "assertion"),
        hidden=("challenge", "assertion"),
    ),
    Holding("keys", ("Sicherheitsschlüssel", "Hardware keys"), "person_id", deleted=True, hidden=("credential_id", "public_key")),
    Holding("enrolment_tokens", ("Links für einen Schlüssel", "Links for a key"), "person_id", deleted=True, hidden=("hash",)),
    Holding("totp_seeds", ("App für Codes", "Authenticator app"), "person_id", deleted=True, hidden=("sealed", "picture_hash")),
    Holding("code_tries", ("Nicht angenommene Codes", "Codes refused"), "person_id", deleted=True, hidden=("source",)),
    Holding(
        "second_roads", ("Vorgänge auf einem anderen Gerät", "Acts on another device"), "person_id", deleted=True, hidden=("code_hash",)
    ),
    Holding("recovery_codes", ("Codes für den Notfall", "Recovery codes"), "person_id", deleted=True, hidden=("hash", "seal")),
    Holding("recoveries", ("Wiederherstellungen", "Recoveries"), "person_id", deleted=True, hidden=("token_hash", "seal")),
    Holding("break_glass", ("Zugang aus dem Umschlag", "Emergency access"), "person_id", hidden=("code_hash", "seal")),
    Holding("notices", ("Nachrichten über Wiederherstellungen", "Messages about recoveries"), "person_id", deleted=True),
    Holding("agent_tokens", ("Anmeldungen von Rechnern", "Enrolments of machines"), "person_id", deleted=True, hidden=("hash",)),
    Holding("agents", ("Rechner", "Machines"), "person_id", blanked=("label",), hidden=("public_key",)),
    Holding(
        "agent_orders",
        ("Beiseitegelegte Dateien", "Files put aside"),
        "agent_id:agents.id",
        blanked=("reason",),
        hidden=("signed", "signature"),
    ),
    Holding("assignments", ("Zugeordnete Kunden", "Clients assigned"), "person_id", counted=("client_id",)),
    Holding("alerts", ("Meldungen", "Alerts"), "pseudonym", blanked=("note",)),
    Holding("notifications", ("Nachrichten über Meldungen", "Messages about alerts"), "alert_id:alerts.id"),
    Holding("manifests", ("Exporte", "Exports"), "pseudonym", counted=("clients", "keys")),
    Holding("subject_keys", ("Schlüssel des Protokolls", "Key of the record"), "pseudonym", deleted=True, hidden=("key",)),
)
NOT_ABOUT_PEOPLE: Mapping[str, str] = MappingProxyType(
    {
        "revisions": "how often a kind of rows has changed",
        "people_imports": "when tables of people were taken over",
        "unmapped_accounts": "names that nobody known signed in with, for 30 days",
        "gateway_views": "which gateways run",
        "ceremonies": "challenges, random, for minutes",
        "key_metadata": "models of keys, by their makers",
        "log_cursors": "how far consumers have read",
        "export_marks": "codes of marks, found by the name of an export",
        "agent_order_counters": "the last number of an order",
    }
)
"""Table -> what it holds instead."""
WORDS = frozenset({"note", "reason", "status_reason", "said"})
"""Columns and members in which somebody wrote freely."""


def rows_of(holding: Holding, person: Person) -> ColumnElement[bool]:
    """The condition that the rows of a person meet."""
    return _condition(Base.metadata.tables[holding.table], holding.by, person)


def erased_address(person: Person) -> str:
    """What stands in place of the e-mail address of somebody who was erased."""
    return f"{person.pseudonym.lower()}@{ERASED_DOMAIN}"


def is_erased(person: Person) -> bool:
    """Whether the person was erased."""
    return person.email == erased_address(person)


def _condition(table: Table, by: str, person: Person) -> ColumnElement[bool]:
    own, _, way = by.partition(":")
    if not way:
        return table.c[own] == (person.pseudonym if own == "pseudonym" else person.id)
    name, _, column = way.partition(".")
    other = Base.metadata.tables[name]
    there = next(holding.by for holding in HOLDINGS if holding.table == name)
    return table.c[own].in_(select(other.c[column]).where(_condition(other, there, person)))
