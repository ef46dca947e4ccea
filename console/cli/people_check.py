"""`torwart people check`: rows that are not as Torwart wrote them, each with the command by which it counts again."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import asdict, dataclass

import typer
from sqlalchemy import inspect

from auth.approval_tables import ApprovalRequest
from auth.belongings import missing
from auth.command_line import DEFAULT_CONFIG, Config, Json, print_json, say
from auth.deleted_people import deleted_people
from auth.people_tables import StatusPlan
from auth.row_alarms import RowAlarms, person_of
from auth.sealed_rows import DELETED, SealedRow
from auth.tables import CrmAccount, Person, RiskLevel
from console.cli.house import House, open_house, print_table
from console.row_words import CAUSES, way_back

_LOST = {"crm_accounts": "lost: account", "risk_levels": "lost: a level", "status_plans": "lost: a planned status"}
FOUND = 1
"""Exit status: there are such rows."""


def check(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Name the rows about people and approvals that give nothing, because no process of Torwart left them so."""
    with open_house(config) as house:
        rows, deleted = RowAlarms(house.engine, house.record, house.pseudonyms).doubtful(), deleted_people(house.engine)
        found = [*(_deleted(house, person_id) for person_id in deleted), *(_about(house, row, deleted) for row in rows)]
        house.looked_at("people", sorted({one.person for one in found if one.person}))
    if as_json:
        print_json({"rows": [{**asdict(one), "person": one.person or None} for one in found]})
    elif found:
        lines = [(one.table, one.person or "–", one.says, CAUSES.get(one.cause or "", "")) for one in found]
        print_table(("table", "person", "what it says", "why"), lines)
        say("They give nothing. Find out who wrote them, compare with `torwart events`, and correct what is wrong.")
        say("What was deleted is put back from a backup, or made anew as the record says it was. Then, if it is found still:")
        for command in dict.fromkeys(one.command for one in found if one.command):
            say(f"  {command}")
    else:
        say("Everything is as Torwart wrote it.")
    if found:
        raise typer.Exit(FOUND)


@dataclass(frozen=True, slots=True)
class _Row:
    table: str
    person: str
    """Pseudonym; empty where it is about nobody."""
    says: str
    cause: str | None
    command: str | None
    """By which it counts again, or is gone for good."""


def _about(house: House, row: SealedRow, deleted: Collection[str]) -> _Row:
    person, table = person_of(row), inspect(type(row)).local_table.name
    pseudonym = house.pseudonyms.of(person) if person else ""
    who, confirmed = pseudonym, pseudonym
    if isinstance(row, Person) and row.pseudonym != pseudonym:  # it is what was changed: the person is found by the id alone
        who, confirmed = row.id, shlex.quote(row.pseudonym.upper())
    account = row.account if isinstance(row, CrmAccount) else ""
    command = way_back(table, who=who, pseudonym=confirmed, account=account, deleted=person in deleted)
    return _Row(table, pseudonym, _says(row), row.doubt, command)


def _deleted(house: House, person_id: str) -> _Row:
    name = house.pseudonyms.of(person_id)
    return _Row(Person.__tablename__, name, "", DELETED, way_back(Person.__tablename__, who=name, pseudonym=name))


def _says(row: SealedRow) -> str:
    match row:
        case Person():
            lost = [
                _LOST[table] + (f" {key}" if table == "crm_accounts" else "")
                for table, _, key in (name.partition(":") for name in missing(row))
            ]
            return "; ".join([", ".join(row.roles) or "no role", row.status, *(["frozen"] if row.frozen else []), *lost])
        case CrmAccount():
            return f"account {row.account}"
        case RiskLevel():
            return f"{row.level} until {row.until:%Y-%m-%d}"
        case StatusPlan():
            return f"{row.status} on {row.day}, {row.state}"
        case ApprovalRequest():
            return f"{row.kind}, {row.state}"
    return ""
