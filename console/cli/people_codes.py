"""`torwart people totp|codes|recover|break-glass|drill`: the roads beside the key, and back to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from auth.approvals import Approvals
from auth.codes import Codes, open_codes
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.drill import drill
from auth.installation import load_installation
from auth.mail_server import MailSettings
from auth.recovery import RecoveryError
from auth.row_seal import RowSeal
from auth.stepup import StepUp, clock_id
from auth.tables import Person
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from console.cli.house import House, Who, called, open_house, print_table


def totp(
    who: Who,
    remove: Annotated[bool, typer.Option("--remove", help="Take the app away; a locked one too.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Whether a person's authenticator app is enrolled. It is enrolled on the page `/codes`, with the key; here it can be taken away."""
    with _codes(config) as (house, codes):
        person = house.person(who)
        removed = codes.totp.remove(person.id, None) if remove else False
        state = codes.totp.state(person.id).value
        if not remove:
            house.looked_at(person.pseudonym)
    if as_json:
        print_json({"pseudonym": person.pseudonym, "app": state, "removed": removed})
        return
    say(f"{_named(person)}: {'the app is removed' if removed else f'app {state}'}.")


def codes(who: Who, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Ten new recovery codes for a person, shown this once; the earlier ones are void. Alone they give nobody a key."""
    with _codes(config) as (house, found):
        person = house.person(who)
        try:
            made = found.recovery_codes.issue(person.id, None)
        except PermissionError as error:
            fail(str(error))
    if as_json:
        print_json({"pseudonym": person.pseudonym, "codes": made})
        return
    say("\n".join([f"For {_named(person)}, shown this once:", *made]))


def recover(
    who: Who,
    lost: Annotated[list[str] | None, typer.Option("--lost", metavar="KEY", help="A key that is lost; may be repeated.")] = None,
    here: Annotated[bool, typer.Option("--in-person", help="The person stands here: the shorter delay.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the recovery that is under way.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Begin the recovery of a person who has lost the key; others have to say yes, each with the own key, and the delay passes."""
    with _codes(config) as (house, found):
        person = house.person(who)
        waiting = found.recoveries.open_ones(person.id)
        if cancel:
            stopped = sum(found.recoveries.cancel(recovery.id, None) for recovery in waiting)
            _tell(as_json, {"pseudonym": person.pseudonym, "stopped": stopped}, f"{_named(person)}: {stopped} stopped.")
            return
        try:
            word = found.recoveries.open_for(person.id, None, tuple(lost or ()), in_person=here)
            (recovery,) = found.recoveries.open_ones(person.id)
            standing = found.recoveries.standing(recovery.id)
        except RecoveryError as error:
            fail(str(error))
        link = f"{house.installation.torwart_url}/recover/{word}"
    ready = recovery.ready_at.isoformat(timespec="minutes")
    facts = {"pseudonym": person.pseudonym, "link": link, "ready_at": ready, "people": standing.people, "nobody": standing.nobody}
    said = [f"For {_named(person)}, not before {ready}, with {standing.people} other's yes (page Approvals):", link]
    if standing.nobody:
        said.append("There are not so many administrators with a key: `torwart people drill` says who is missing.")
    _tell(as_json, facts, "\n".join(said))


def break_glass(
    end: Annotated[bool, typer.Option("--end", help="End the access that an envelope has given.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Seal a new emergency envelope: its code is printed this once, the earlier one is void. Used on the page `/emergency`."""
    with _codes(config) as (house, found):
        if end:
            ended = found.glasses.end(all_of_them=True)
            _tell(as_json, {"ended": ended}, f"{ended} ended. Seal a new one: torwart people break-glass")
            return
        code = found.glasses.seal(None)
        page = f"{house.installation.torwart_url}/emergency"
        hours = house.installation.recovery.break_glass_hours
    said = [f"Code for the envelope, shown this once:\n{code}", f"It makes one person an administrator for {hours:g} hours, once: {page}"]
    said.append("Print it, seal it, sign over the seal, and keep it where two people have to go together.")
    _tell(as_json, {"code": code, "page": page, "hours": hours}, "\n".join(said))


def drill_report(
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
    mail: Annotated[bool, typer.Option("--mail/--no-mail", help="Whether the mail server is asked.")] = True,
) -> None:
    """Who could recover what today: keys, codes, second persons, the envelope, the mail road. Exit code 1 if something is missing."""
    with _codes(config) as (house, found):
        sections = load_installation(config)[1]
        settings = sections.parse("mail", MailSettings) if mail and "mail" in sections else None
        report = drill(house.engine, found, settings, asked=mail, host=house.installation.rp_id)
        house.looked_at("people", [row.pseudonym for row in report.people])
    if as_json:
        print_json(report.document())
    else:
        rows = [(r.pseudonym, ", ".join(r.roles), str(r.keys), str(r.codes), r.app, str(r.others)) for r in report.people]
        print_table(("pseudonym", "roles", "keys", "codes", "app", "others who can say yes"), rows)
        say("\n".join(f"- {finding}" for finding in report.findings) or "Nothing is missing.")
    if report.findings:
        raise typer.Exit(1)


@contextmanager
def _codes(config: Config) -> Iterator[tuple[House, Codes]]:
    """The installation with what these commands need."""
    with open_house(config) as house:
        used, clock = UsedActs(house.installation.state / USED_ACTS), clock_id(house.engine)
        seal = RowSeal.of(house.installation.state)
        stepup = StepUp(house.engine, house.record, house.keys, house.pseudonyms, clock, seal=seal, used=used)
        approvals = Approvals(
            house.engine, house.record, house.keys, house.pseudonyms, clock, used=used, sole=house.installation.sole_reviewer
        )
        yield house, open_codes(house.installation, house.engine, house.record, house.keys, stepup, approvals)


def _named(person: Person) -> str:
    return called(person)


def _tell(as_json: bool, facts: dict[str, object], text: str) -> None:
    if as_json:
        print_json(facts)
    else:
        say(text)
