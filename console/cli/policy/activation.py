"""What activating and rolling back have in common: who does it, what is recorded, and how a widening is confirmed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from audit_store.event import EventAction, plain_event
from audit_store.pseudonyms import SecretError
from audit_store.spool import Spool, SpoolError
from audit_store.statements import StatementsError
from auth.command_line import fail, print_json, say
from auth.installation import Installation
from auth.outside import open_spool
from auth.policy_signature import PolicyKey
from console.cli.house import open_house
from console.cli.policy.output import RED, print_results, refuse, result_as_json
from console.cli.policy.second_person import approved, ask, somebody_has_a_key
from policies.problems import PolicyErrors
from policies.signing import Confirmation
from policies.store import Change, PolicyStore, RedCasesError
from policies.widening import Widening, WideningError, Widenings

By = Annotated[str | None, typer.Option("--by", help="The person who does it: CRM account, e-mail address, pseudonym or id.")]
Widen = Annotated[str | None, typer.Option("--widen", metavar="DIGEST", help="Confirm that exactly this change lets more go; needs --by.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until others have approved what is wider, then put it in force.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why: read by an address outside where one person approves alone.")]
Days = Annotated[int, typer.Option("--days", min=0, max=3_660, help="Look for what is wider in the recorded acts of so many days too.")]

type PutInForce = Callable[[PolicyStore, str, Confirmation | None], int]
"""Store, who, what was confirmed -> the number that is in force now."""


def put_in_force(
    config: Path, by: str | None, widen: str | None, as_json: bool, act: PutInForce, *, wait: bool = False, reason: str | None = None
) -> None:
    """Do it, and say what came of it; ends the command if nothing was changed.

    What is wider needs the keys of two administrators. As long as none of them has a key, whoever sets the firm up confirms its digest.
    """
    if widen is not None and by is None:
        fail("a widening is confirmed by a person: add --by PERSON")
    with open_house(config) as house:
        installation = house.installation
        who = house.person(by).pseudonym if by is not None else "command line"
        with_keys = somebody_has_a_key(house)
    confirmed = Confirmation(digest=widen, by=who) if widen is not None and not with_keys else None
    try:
        try:
            number = _done(installation, who, confirmed, act)
        except WideningError as error:
            if with_keys:
                confirmed = Confirmation(digest=error.widenings.change, by=_others(config, error.widenings, who, as_json, wait, reason))
            else:
                confirmed = _confirmed(error, by, who, as_json)
            number = _done(installation, who, confirmed, act)
    except WideningError as error:
        _not_confirmed(error.widenings, widen, as_json)
    except PolicyErrors as errors:
        refuse(errors, as_json)
    except RedCasesError as error:
        if as_json:
            print_json({"activated": None, "cases": [result_as_json(result) for result in error.red], "red": len(error.red)})
        else:
            print_results(list(error.red))
            say("Not activated: what was in force stays.")
        raise typer.Exit(RED) from None
    except (SpoolError, StatementsError, SecretError) as error:
        fail(f"it could not be recorded or signed, therefore nothing was changed: {error}")
    except OSError as error:
        fail(f"not activated: {error.strerror}: {error.filename}")
    if as_json:
        print_json({"activated": number})
    else:
        say(f"Version {number} is in force.")


def _confirmed(error: WideningError, by: str | None, who: str, as_json: bool) -> Confirmation:
    """Somebody at a terminal is asked, where nobody has a key yet. Raises WideningError again if nobody says yes."""
    if by is None or as_json or not sys.stdin.isatty():
        raise error
    _print_widenings(error.widenings)
    if not typer.confirm(f"Do you, {by}, want exactly this?"):
        raise error
    return Confirmation(digest=error.widenings.digest, by=who)


def _others(config: Path, wider: Widenings, who: str, as_json: bool, wait: bool, reason: str | None) -> str:
    """Who has approved it with their keys; ends the command where it has to wait for them."""
    if (approvers := approved(config, wider, wait=False)) is not None:
        return approvers
    asked = ask(config, wider, who, reason)
    if not as_json:
        _print_widenings(wider)
        say(f"This needs {'the one administrator and a delay' if asked.alone else "two administrators' keys"}: {asked.url}")
    if wait and (approvers := approved(config, wider, wait=True)) is not None:
        return approvers
    if as_json:
        lines = [_as_json(line) for line in wider.lines]
        print_json({"activated": None, "widen": wider.digest, "widenings": lines, "approval": asked.url})
    else:
        say("Not activated: what was in force stays. When it is approved, repeat this command (or use --wait).")
    raise typer.Exit(RED)


def _done(installation: Installation, who: str, confirmed: Confirmation | None, act: PutInForce) -> int:
    state, spool = installation.state, open_spool(installation, "cli")
    try:
        store = PolicyStore(state / "policies", PolicyKey(state / "keys"), record=lambda change: _record(spool, change))
        return act(store, who, confirmed)
    finally:
        spool.close()


def _record(spool: Spool, change: Change) -> None:
    """One event, whoever is `by`: a pseudonym or our own word, never a name."""
    action = EventAction.POLICY_ACTIVATED if change.activated else EventAction.POLICY_REFUSED
    numbers: dict[str, int | str] = {"version": change.version, "digest": change.digest[:16], "by": change.by}
    numbers |= {} if change.activated else {"errors": change.errors, "red": change.red}
    numbers |= {"widenings": change.widenings, "confirmed_by": change.confirmed_by} if change.widenings else {}
    numbers |= {"rollback_to": change.rollback_to} if change.rollback_to else {}
    outcome = "success" if change.activated else "failure"
    spool.append(plain_event(action, at=datetime.now(UTC), subject="policy", outcome=outcome, numbers=numbers))


def _not_confirmed(wider: Widenings, widen: str | None, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"activated": None, "widen": wider.digest, "widenings": [_as_json(line) for line in wider.lines]})
    else:
        _print_widenings(wider)
        say("The record will name who confirmed it. As long as no administrator has a key, no key is asked for.")
        if widen is not None:
            say(f"--widen {widen} is about another change: what is in force, or the rules, are others since then.")
        say(f"Not activated: what was in force stays. If exactly this is wanted, repeat with --widen {wider.digest} --by PERSON.")
    raise typer.Exit(RED)


def _print_widenings(wider: Widenings) -> None:
    say(f"These rules let more go than those in force, in {len(wider.lines)} way{'' if len(wider.lines) == 1 else 's'}:")
    for line in wider.lines:
        say(f"  {line}")


def _as_json(line: Widening) -> dict[str, object]:
    members = ("place", "who", "act", "situation", "before", "after", "times")
    return {name: getattr(line, name) for name in members} | {"changes": list(line.changes)}
