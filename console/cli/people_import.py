"""`torwart people import`: a table of people is compared, then taken over whole; the last one can be taken back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.people import PeopleError
from auth.people_compare import Comparison, Difference, words_of
from auth.people_csv import COLUMNS, MAX_BYTES, PeopleTableError
from auth.people_import import Imports
from console.cli.house import By, advice_on_names, named, open_house, print_table
from console.cli.people_consent import role_consent
from console.people_roles import known_roles


def import_people(
    table: Annotated[Path | None, typer.Argument(metavar="FILE", help=f"CSV with the columns {', '.join(COLUMNS)}, or fewer.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Take it over. Without it: only say what would change.")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="Who is not in the table is gone.")] = False,
    new_role: Annotated[list[str] | None, typer.Option("--new-role", help="A role that nobody has yet; may be repeated.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last import back.")] = False,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Compare a table with everybody who is there, and take it over with --apply: all of it or nothing."""
    if undo == (table is not None):
        fail("name a table, or say --undo")
    with open_house(config) as house:
        imports = Imports(
            house.engine,
            house.spool.append_all,
            house.pseudonyms,
            lambda: known_roles(house.installation, house.people),
            role_consent(house).by_hand_only,
        )
        who = house.by(by)
        if table is None:
            _take_back(imports, who, as_json=as_json)
            return
        data = _read(table)
        roles = new_role or ()
        try:
            take = imports.apply if apply else imports.preview
            found = take(data, who, complete=complete, new_roles=roles)
        except PeopleTableError as error:
            fail(*(f"{table}:{fault}" for fault in error.faults), "Nothing was changed.")
        if not apply:
            house.looked_at("people", [one.pseudonym for one in found.all if one.pseudonym is not None])
        advice = advice_on_names(house) if apply else None
        names = {person.id: named(person.email) or person.pseudonym for person in house.people.all()}
    _show(found, names, applied=apply, as_json=as_json)
    if advice is not None and not as_json:
        say(advice)


_NAMING = frozenset({"name", "email", "accounts"})
"""Of what is known, these say who somebody is."""


def _take_back(imports: Imports, who: str | None, *, as_json: bool) -> None:
    try:
        number = imports.undo(who)
    except PeopleError as error:
        fail(str(error))
    if as_json:
        print_json({"undone": number})
    else:
        say(f"The last import is taken back: {number} people. What it had cut stays cut.")


def _show(found: Comparison, names: dict[str, str], *, applied: bool, as_json: bool) -> None:
    if as_json:
        lots = {lot: [_members(one, names) for one in those] for lot, those in _lots(found)}
        print_json({**lots, "same": found.same, "applied": applied, "digest": found.digest})
        return
    rows = [row for lot, those in _lots(found) for one in those for row in _rows(lot, one, names)]
    if rows:
        print_table(("", "e-mail", "name", "what", "now", "then"), rows)
    counts = ", ".join(f"{len(those)} {lot}" for lot, those in _lots(found))
    say(f"{counts}, {found.same} as they are. {'It is taken over.' if applied else 'Nothing was changed: --apply takes it over.'}")


def _lots(found: Comparison) -> Iterable[tuple[str, tuple[Difference, ...]]]:
    return (("new", found.new), ("changed", found.changed), ("gone", found.gone))


def _members(one: Difference, names: dict[str, str]) -> dict[str, Any]:
    before, after = _words(one, names)
    name, email = _who(one)
    return {"pseudonym": one.pseudonym, "name": name, "email": email, "before": before, "after": after}


def _rows(lot: str, one: Difference, names: dict[str, str]) -> Iterable[tuple[str, ...]]:
    before, after = _words(one, names)
    for number, name in enumerate(after):
        who, email = _who(one)
        head = (lot, email or one.pseudonym or "", who or "–") if number == 0 else ("", "", "")
        yield (*head, name, before.get(name, ""), after[name])


def _who(one: Difference) -> tuple[str | None, str | None]:
    """Name and address, of somebody who is known only where names are shown."""
    if one.person_id is None:
        return one.name, one.email
    return named(one.name), named(one.email)


def _words(one: Difference, names: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    after = words_of(one.after, names) | ({"manager": one.manager_email} if one.manager_email is not None else {})
    before = {name: (named(text) or "…") if name in _NAMING and text else text for name, text in words_of(one.before, names).items()}
    return before, {name: text for name, text in after.items() if text or name in before}


def _read(table: Path) -> bytes:
    try:
        with table.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{table}: cannot be read ({error.strerror})")
