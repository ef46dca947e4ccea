"""What `torwart people status PERSON gone` and `freeze` show: what was cut, that each piece is refused, and which gateways know it."""

from __future__ import annotations

from typing import Any

import typer

from auth.command_line import print_json, say
from auth.console_sessions import ConsoleSessions
from auth.cut import Cut
from auth.directory import Directory
from auth.row_seal import RowSeal
from auth.stepup import StepUp, clock_id
from auth.tables import Person
from auth.tried import Trial, Withdrawal, counted
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from console.cli.house import House, print_table
from console.cli.people_cut import cut_members, print_cut

NOT_SHOWN = 1
"""Exit status: it was done, and it could not be shown that it holds everywhere."""


def try_out(house: House, person: Person, cut: list[Cut]) -> Withdrawal:
    """Try everything that was cut as its holder would, and ask every gateway."""
    state, pseudonyms = house.installation.state, house.pseudonyms
    return Trial(
        engine=house.engine,
        record=house.record,
        directory=lambda: Directory(house.engine, pseudonyms, house.credential_key),
        console_sessions=ConsoleSessions(house.engine, house.record, house.credential_key),
        stepup=StepUp(
            house.engine,
            house.record,
            house.keys,
            pseudonyms,
            clock_id(house.engine),
            seal=RowSeal.of(state),
            used=UsedActs(state / USED_ACTS),
        ),
        agents=house.agents,
    ).of(person, cut)


def tell_off(as_json: bool, text: str, document: dict[str, Any], cut: list[Cut], shown: Withdrawal) -> None:
    """Say what was cut and what the trying showed. Ends the command with 1 if something was not refused or a gateway has not answered."""
    if as_json:
        print_json(document | {"cut": cut_members(cut)} | _members(shown))
    else:
        say(text)
        print_cut(cut)
        say("Tried:")
        print_table(("what", "tried", "refused"), [(kind, str(number), str(refused)) for kind, number, refused in counted(shown.tried)])
        _say_gateways(shown)
    if not shown.holds:
        raise typer.Exit(NOT_SHOWN)


def _say_gateways(shown: Withdrawal) -> None:
    if not shown.gateways:
        say("No gateway runs: there was none to ask.")
        return
    know = sum(one.knows for one in shown.gateways)
    say(f"{know} of {len(shown.gateways)} gateways work with it.")
    for one in shown.gateways:
        if not one.knows:
            say(f"{one.producer} has not answered; it was heard last at {one.seen_at.isoformat(timespec='seconds')}. End it if it hangs.")


def _members(shown: Withdrawal) -> dict[str, Any]:
    tried = [{"kind": kind, "tried": number, "refused": refused} for kind, number, refused in counted(shown.tried)]
    gateways = [{"gateway": one.producer, "knows": one.knows, "heard": one.seen_at.isoformat(timespec="seconds")} for one in shown.gateways]
    return {"tried": tried, "gateways": gateways, "holds": shown.holds}
