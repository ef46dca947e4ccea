"""`torwart policy plan`: which clients somebody may be given by an act, before any client was read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.levels import effective
from auth.standing import is_away
from auth.tables import Person
from console.cli.house import House, Who, open_house
from console.cli.policy.output import refuse, store_of
from console.cli.policy.people import people_of
from policies.load import load
from policies.plan import Plan, PlanKind, plan
from policies.problems import PolicyErrors
from policies.request import AccessRequest, Action, Channel, Context, Principal, Resource, Status
from policies.rule import Policy
from policies.tree_text import as_json, as_text

Rules = Annotated[Path | None, typer.Argument(help="Folder of rules, or one file. Left out: what is in force.")]
_NO_CLIENTS = frozenset({Action.LOGIN, Action.SYSTEM, Action.GRANT_ACCESS, Action.UPLOAD, Action.FILE_COPY})
"""Acts that are not about clients in the CRM: no filter of it could be narrowed for them."""
_SAID = {
    PlanKind.ALWAYS: "every client",
    PlanKind.NEVER: "no client: the act is denied, whoever the clients are",
    PlanKind.CONDITIONAL: "the clients for which this is true",
}


def show_plan(
    who: Who,
    action: Annotated[Action, typer.Argument(help="What the person does.")],
    path: Rules = None,
    channel: Annotated[Channel, typer.Option("--channel", help="By which road.")] = Channel.WEB,
    config: Config = DEFAULT_CONFIG,
    as_json_: Json = False,
) -> None:
    """Which clients the rules would give somebody, as a condition that the CRM's filter can be narrowed by. Nothing is read or done."""
    if action in _NO_CLIENTS:
        fail(f"{action.value} is not about clients in the CRM: ask {', '.join(one.value for one in Action if one not in _NO_CLIENTS)}")
    with open_house(config) as house:
        person = house.person(who)
        principal = _principal(house, person)
    try:
        policy = load(path) if path is not None else store_of(config).current()
    except PolicyErrors as errors:
        refuse(errors, as_json_)
    now = datetime.now(UTC)
    asked = AccessRequest("plan", principal, action, Resource("client"), Context(now, channel))
    found = plan(asked, policy)
    if as_json_:
        tree = None if found.tree is None else as_json(found.tree)
        print_json(
            {
                "pseudonym": person.pseudonym,
                "action": action.value,
                "channel": channel.value,
                "version": policy.version,
                "kind": found.kind.value,
                "tree": tree,
                "exact": found.exact,
                "later": list(found.later),
                "rules": list(found.rules),
            }
        )
        return
    _print(found, policy, people_of(config).called(person.pseudonym), action, channel)


def _print(found: Plan, policy: Policy, who: str, action: Action, channel: Channel) -> None:
    say(f"{who}, {action.value} by {channel.value}, policy {policy.version}: {_SAID[found.kind]}")
    if found.tree is not None:
        say(f"  {as_text(found.tree)}")
    if found.rules:
        say(f"By the rules {_named(found.rules)}.")
    if not found.exact:
        say(f"At most these: with the answer in hand, {_named(found.later)} may take more out.")
    say("Masks, limits and what the person is asked for are no part of a plan: torwart policy explain ID says them of an act.")


def _named(rules: Iterable[str]) -> str:
    """As they are written, without the version."""
    return ", ".join(rule.rpartition(":")[2] for rule in rules)


def _principal(house: House, person: Person) -> Principal:
    status = Status(person.status)
    return Principal(
        id=person.id,
        pseudonym=person.pseudonym,
        roles=frozenset(person.roles),
        status=status,
        frozen=person.frozen,
        team=person.team,
        territory=person.territory,
        language=person.language,
        level=effective(status, house.levels.of(person.id), datetime.now(UTC)),
        on_leave=is_away(person, datetime.now(UTC)),
    )
