"""`torwart people`: who works here, which CRM accounts and clients are theirs, how they stand, and the freeze."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from auth.agents import TOKEN_HOURS
from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.assignments import TableError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.cut import Cut
from auth.enrolment import TokenError
from auth.key_consent import ConsentNeededError
from auth.levels import effective
from auth.people import PeopleError
from auth.person_values import PersonChange
from auth.sessions import PROXY, SessionError
from auth.standing import local_day
from auth.tables import Person
from console.cli import people_codes
from console.cli.house import By, House, Who, advice_on_names, called, named, open_house, print_table
from console.cli.people_accept import accept
from console.cli.people_access import access
from console.cli.people_accounts import accounts
from console.cli.people_change import change, leave, plans, unbind
from console.cli.people_check import check
from console.cli.people_consent import role_consent, say_asked
from console.cli.people_cut import cut_members, print_cut
from console.cli.people_erase import erase
from console.cli.people_import import import_people
from console.cli.people_level import level
from console.cli.people_off import tell_off, try_out
from console.cli.people_sessions import sessions
from policies.request import Level, Status

app = typer.Typer(help="People: who they are, which accounts and clients are theirs, how they stand to the firm.", no_args_is_help=True)
_MAX_SECRET_BYTES = 4096
_PROXY_BYTES = 32
"""Random bytes of a log-in for the proxy."""


@app.command("list")
def list_all(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Everybody, with the pseudonym that log and mails use."""
    with open_house(config) as house:
        people = [_as_json(house, person) for person in house.people.all()]
        house.looked_at("people", [person["pseudonym"] for person in people])
    if as_json:
        print_json({"people": people})
        return
    rows = [
        (
            p["pseudonym"],
            p["name"] or "–",
            p["email"] or "–",
            ", ".join(p["roles"]),
            _standing(p["status"], p["level"], p["frozen"]),
            ", ".join(p["accounts"]),
            str(p["keys"]),
        )
        for p in people
    ]
    print_table(("pseudonym", "name", "e-mail", "roles", "status", "CRM accounts", "keys"), rows)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Full name.")],
    email: Annotated[str, typer.Argument(help="Address at the firm.")],
    role: Annotated[list[str], typer.Option("--role", help="Role as the rules name it; may be repeated.")],
    account: Annotated[list[str] | None, typer.Option("--account", help="CRM account; may be repeated.")] = None,
    team: Annotated[str | None, typer.Option("--team")] = None,
    manager: Annotated[str | None, typer.Option("--manager", help="The person that this one reports to.")] = None,
    territory: Annotated[str | None, typer.Option("--territory")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Of a role that others have to agree to: for them.")] = None,
    language: Annotated[str, typer.Option("--language", help="de, en or ru.")] = "de",
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Add a person. The first key needs a token: `torwart people token`."""
    with open_house(config) as house:
        try:
            above = house.person(manager).id if manager is not None else None
            values = PersonChange(name=name, email=email, roles=role, language=language, team=team, territory=territory, manager_id=above)
            person = role_consent(house).add(values, account or (), None, reason)
        except ConsentNeededError as asked:
            say_asked(asked, as_json=as_json)
            return
        except (PeopleError, TooManyOpenError, ReasonMissingError) as error:
            fail(str(error))
        added, advice = _as_json(house, person), advice_on_names(house)
    if as_json:
        print_json(added)
    else:
        say(f"{_named(person)} is added. Next: torwart people token {named(person.email) or person.pseudonym}")
        if advice is not None:
            say(advice)


@app.command()
def status(
    who: Who,
    status: Annotated[Status, typer.Argument(help="How the person stands to the firm from now on.")],
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="From the beginning of this day on, not now.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="For the people page; in the record only under encryption.")] = None,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Change how a person stands to the firm: it holds at the next request, or from a day on (`--on`). A last day ends by itself."""
    with open_house(config) as house:
        person = house.person(who)
        try:
            if on is not None:
                day = house.plans.plan(person.id, status, on.date(), house.by(by), reason).day
                _tell(as_json, f"{_named(person)}: {status.value} from {day} on.", _status(person, status, day), [])
                return
            cut = role_consent(house).set_status(person.id, status, house.by(by), reason)
        except ConsentNeededError as asked:
            say_asked(asked, as_json=as_json)
            return
        except (PeopleError, TooManyOpenError, ReasonMissingError) as error:
            fail(str(error))
        shown = try_out(house, person, cut) if status is Status.GONE else None
    if shown is not None:
        tell_off(as_json, f"{_named(person)}: {status.value}.", _status(person, status, None), cut, shown)
        return
    _tell(as_json, f"{_named(person)}: {status.value}.", _status(person, status, None), cut)


app.command()(change)
app.command()(unbind)
app.command()(leave)
app.command()(plans)
app.command()(accounts)
app.command("import")(import_people)
app.command()(level)
app.command()(erase)
app.command()(access)
app.command()(people_codes.totp)
app.command()(people_codes.codes)
app.command()(people_codes.recover)
app.command("break-glass")(people_codes.break_glass)
app.command("drill")(people_codes.drill_report)
app.command()(sessions)
app.command()(check)
app.command()(accept)


@app.command()
def freeze(who: Who, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Refuse a person everything, at once, and say what was cut."""
    with open_house(config) as house:
        person = house.person(who)
        cut = house.people.freeze(person.id, None)
        shown = try_out(house, person, cut)
    tell_off(as_json, f"{_named(person)} is frozen.", {"pseudonym": person.pseudonym, "frozen": True}, cut, shown)


@app.command()
def unfreeze(who: Who, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Lift a freeze: sessions of the CRM that it cut work again."""
    with open_house(config) as house:
        person = house.person(who)
        house.people.unfreeze(person.id, None)
    _tell(as_json, f"{_named(person)} may work again.", {"pseudonym": person.pseudonym, "frozen": False}, [])


@app.command()
def bind(
    who: Who,
    account: Annotated[str | None, typer.Argument(help="CRM account, spelled as the CRM spells it.")] = None,
    api_key_file: Annotated[Path | None, typer.Option("--api-key-file", help="File with a key of the CRM's REST interface.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Say that a CRM account, or a key of the REST interface, is this person's. Of a key only a keyed hash is kept."""
    if account is None and api_key_file is None:
        fail("name a CRM account, or a file with --api-key-file")
    bound: dict[str, Any] = {}
    with open_house(config) as house:
        person = house.person(who)
        try:
            if account is not None:
                house.people.bind(person.id, account)
                bound["account"] = account
            if api_key_file is not None:
                known = house.people.accounts(person.id)
                session = house.sessions.bind(_secret(api_key_file), "api_key", person.id, account or (known[0] if known else ""))
                bound["session"] = session.id
        except (PeopleError, SessionError) as error:
            fail(str(error))
    what = " and ".join(word for word, there in ((f"account {account}", account), ("the REST key", api_key_file)) if there)
    _tell(as_json, f"{what} belongs to {_named(person)}.", {"pseudonym": person.pseudonym, **bound}, [])


@app.command()
def assign(
    table: Annotated[Path, typer.Argument(help="CSV with the columns client_id,person.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Import whose each client is. It should name every client: limits are shares of this table. All or nothing."""
    with open_house(config) as house:
        try:
            done = house.assignments.import_csv(table)
        except TableError as error:
            fail(*error.errors, "Nothing was imported.")
    numbers = {"rows": done.rows, "changed": done.changed, "people": done.people}
    _tell(as_json, f"{done.rows} clients of {done.people} people read, {done.changed} changed.", numbers, [])


@app.command()
def token(
    who: Who,
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=168, help="How long it may be used.")] = 24,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """A link with which this person registers one key, once. Hand it over yourself: who has it can become this person."""
    with open_house(config) as house:
        person = house.person(who)
        try:
            secret = house.keys.issue_token(person.id, None, hours)
        except TokenError as error:
            fail(str(error))
        link = f"{house.installation.torwart_url}/enrol/{secret}"
    _tell(as_json, f"For {_named(person)}, {hours:g} hours, once:\n{link}", {"pseudonym": person.pseudonym, "link": link}, [])


@app.command()
def device(
    who: Who,
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=168, help="How long the token may be used.")] = TOKEN_HOURS,
    revoke: Annotated[str | None, typer.Option("--revoke", metavar="ID", help="Take nothing more from this agent.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """A token with which `torwart-agent enrol` on this person's machine registers itself, once. With --revoke, end an agent."""
    with open_house(config) as house:
        person = house.person(who)
        if revoke is not None:
            agent = revoke.removeprefix("agent-")
            if not house.agents.remove(person.id, agent, None):
                fail(f"{_named(person)} has no such agent, or it was revoked before: `torwart people devices` names all")
            _tell(as_json, f"Nothing more is taken from agent {agent}.", {"pseudonym": person.pseudonym, "revoked": agent}, [])
            return
        try:
            token = house.agents.issue(person.id, None, hours)
        except TokenError as error:
            fail(str(error))
        url = house.installation.torwart_url
    said = f"For the machine of {_named(person)}, {hours:g} hours, once:\ntorwart-agent enrol --url {url} --token {token}"
    _tell(as_json, said, {"pseudonym": person.pseudonym, "url": url, "token": token}, [])


@app.command()
def devices(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """The agents on people's machines, and when each was heard last."""
    with open_house(config) as house:
        found = house.agents.all()
        house.looked_at("machines", [person.pseudonym for _, person in found])
    rows = [
        {
            "agent": agent.id,
            "pseudonym": person.pseudonym,
            "name": named(person.name),
            "label": named(agent.label),
            "enrolled_at": _time(agent.enrolled_at),
            "last_seen_at": _time(agent.last_seen_at) if agent.last_seen_at else None,
            "revoked_at": _time(agent.removed_at) if agent.removed_at else None,
        }
        for agent, person in found
    ]
    if as_json:
        print_json({"devices": rows})
        return
    print_table(
        ("agent", "pseudonym", "name", "machine", "enrolled", "heard last", "revoked"),
        [tuple(v or "–" for v in row.values()) for row in rows],
    )


@app.command()
def proxy(who: Who, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """A log-in for the proxy on the way out, shown once; it ends the one that the person had. Of it only a keyed hash is kept."""
    with open_house(config) as house:
        person = house.person(who)
        earlier = [session for session in house.sessions.of(person.id) if session.kind == PROXY]
        secret = secrets.token_urlsafe(_PROXY_BYTES)
        try:
            house.sessions.bind(secret, PROXY, person.id, person.pseudonym)
        except SessionError as error:
            fail(str(error))
        for session in earlier:
            house.sessions.end(session.id, "renewed")
    if as_json:
        print_json({"pseudonym": person.pseudonym, "user": person.pseudonym, "password": secret, "ended": len(earlier)})
        return
    say(f"For {_named(person)}, shown this once:\nuser      {person.pseudonym}\npassword  {secret}")
    if earlier:
        say("The log-in that was given before has ended.")


def _secret(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path}: cannot be read ({error.strerror})")
    text = data[: _MAX_SECRET_BYTES + 1].decode("utf-8", "replace").strip()
    if not text or len(data) > _MAX_SECRET_BYTES or "\ufffd" in text or len(text.split()) != 1:
        fail(f"{path}: must hold the key alone, on one line")
    return text


def _tell(as_json: bool, text: str, document: dict[str, Any], cut: list[Cut]) -> None:
    if as_json:
        print_json(document | {"cut": cut_members(cut)})
        return
    say(text)
    print_cut(cut)


def _status(person: Person, status: Status, day: str | None) -> dict[str, Any]:
    return {"pseudonym": person.pseudonym, "status": status.value, **({"on": day} if day is not None else {})}


def _as_json(house: House, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "pseudonym": person.pseudonym,
        "name": named(person.name),
        "email": named(person.email),
        "roles": person.roles,
        "language": person.language,
        "team": person.team,
        "manager": _manager(house, person),
        "territory": person.territory,
        "status": person.status,
        "since": _time(person.status_since) if person.status_since else None,
        "planned": [{"status": plan.status, "on": plan.day} for plan in house.plans.of(person.id)],
        "leave": _leave(person),
        "level": _level(house, person),
        "frozen": person.frozen,
        "accounts": house.people.accounts(person.id) if named("") is not None else [],
        "keys": sum(key.locked_at is None for key in house.keys.of(person.id)),
    }


def _manager(house: House, person: Person) -> str | None:
    above = house.people.by_id(person.manager_id) if person.manager_id is not None else None
    return above.pseudonym if above is not None else None


def _leave(person: Person) -> dict[str, str] | None:
    if person.leave_from is None or person.leave_until is None:
        return None
    return {"from": local_day(person.leave_from).isoformat(), "until": (local_day(person.leave_until) - timedelta(days=1)).isoformat()}


def _named(person: Person) -> str:
    return called(person)


def _level(house: House, person: Person) -> str:
    return effective(Status(person.status), house.levels.of(person.id), datetime.now(UTC)).value


def _standing(status: str, level: str, frozen: bool) -> str:
    watched = [level] if level == Level.WATCHED else []
    return ", ".join([status, *watched, *(["frozen"] if frozen else [])])


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
