"""`torwart people check` and `accept`: rows that are not as Torwart wrote them, and how one of them counts again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from sqlalchemy import inspect

from auth.approval_tables import ApprovalRequest
from auth.belongings import missing
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.people_tables import StatusPlan
from auth.person_values import PeopleError
from auth.row_alarms import RowAlarms, person_of
from auth.row_repair import accept_person
from auth.sealed_rows import MISSING, OLDER, SEAL, UNLISTED, SealedRow
from auth.tables import CrmAccount, Person, RiskLevel
from console.cli.house import House, Who, called, open_house, print_table
from console.cli.people_consent import role_consent

_LOST = {"crm_accounts": "lost: account", "risk_levels": "lost: a level", "status_plans": "lost: a planned status"}
FOUND = 1
"""Exit status: there are such rows."""


def check(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Name the rows about people and approvals that give nothing, because no process of Torwart left them so."""
    with open_house(config) as house:
        rows = RowAlarms(house.engine, house.record, house.pseudonyms).doubtful()
        found = [_about(house, row) for row in rows]
        house.looked_at("people", sorted({one.person for one in found if one.person}))
    if as_json:
        print_json({"rows": [{**asdict(one), "person": one.person or None} for one in found]})
    elif found:
        causes = {
            SEAL: "written or changed by something else",
            OLDER: "an older copy of the row",
            UNLISTED: "an older copy, or not the person's",
            MISSING: "a row of theirs was deleted",
        }
        lines = [(one.table, one.person or "–", one.says, causes.get(one.cause or "", "")) for one in found]
        print_table(("table", "person", "what it says", "why"), lines)
        say("They give nothing. Find out who wrote them, compare with `torwart events`, correct, then: torwart people accept PERSON")
        say("An account counts only if it is named: --account LOGIN. A level is set anew: torwart people level PERSON ...")
        say("A planned status is dropped and planned anew: torwart people plans --drop PERSON")
        say("What was deleted is made anew, as the record says it was. Then, if it is missed still: torwart people accept PERSON")
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


def _about(house: House, row: SealedRow) -> _Row:
    person = person_of(row)
    return _Row(inspect(type(row)).local_table.name, house.pseudonyms.of(person) if person else "", _says(row), row.doubt)


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


def accept(
    who: Who,
    confirm: Annotated[str, typer.Option("--confirm", help="The person's pseudonym, once more.")],
    account: Annotated[list[str] | None, typer.Option("--account", help="A doubtful account of the CRM that is right.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Let what stands about a person count again, after you have looked at it. Roles that need a second person are taken out."""
    with open_house(config) as house:
        person = house.person(who)
        if confirm.upper() != person.pseudonym:
            fail(f"this is {called(person)}: to accept what stands there, add --confirm {person.pseudonym}")
        withheld = role_consent(house).by_hand_only()
        try:
            done = accept_person(house.engine, house.record, house.pseudonyms, person.id, withheld, account or [])
        except PeopleError as error:
            fail(str(error))
    if as_json:
        print_json({"pseudonym": person.pseudonym, "withheld": list(done.withheld), "ended": done.ended, "left": list(done.left)})
        return
    say(f"What stands about {called(person)} counts from the next request on.")
    if done.withheld:
        say(f"Not given: {', '.join(done.withheld)}. Give such a role by `torwart people change`: it needs a second person's yes.")
    if done.ended:
        say(f"Sign-ins that ended: {done.ended}.")
    if done.left:
        say(f"Accounts that stay nobody's: {', '.join(done.left)}. Add those that are right with --account.")
