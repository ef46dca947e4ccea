"""`torwart keys`: which hardware keys are registered, what they are worth, and locking or removing one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.approvals import Approvals
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.enrolment import TokenError
from auth.key_consent import TOKEN_HOURS, ConsentNeededError, KeyConsent
from auth.key_models import Standing
from auth.metadata import ROOT, SIGNER, MetadataError, Model, read_root
from auth.stepup import clock_id
from auth.tables import Key
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from console.cli.house import House, Who, named, open_house, print_table

app = typer.Typer(help="Hardware keys: which are registered, what they are worth, and locking or removing one.", no_args_is_help=True)
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Id as `torwart keys list` shows it.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the address outside of a firm with one administrator.")]
TWO = 2
"""Keys that everybody should have: one with them, one in a safe place."""


@app.command("list")
def list_all(
    who: Annotated[str | None, typer.Argument(metavar="[PERSON]", help="Only this person's.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """All keys, or those of one person: of what class each is and why, and who has fewer than two."""
    with open_house(config) as house:
        keys = house.keys.all() if who is None else house.keys.of(house.person(who).id)
        found = [_as_json(house, key) for key in keys]
        fewer = _fewer_than_two(house, who)
        house.looked_at("keys", [*(key["pseudonym"] for key in found), *(one["pseudonym"] for one in fewer)])
    if as_json:
        print_json({"keys": found, "fewer_than_two": fewer})
        return
    headings = ("key", "person", "label", "class", "model", "registered", "last used", "locked because")
    print_table(headings, [_row(key) for key in found])
    for one in fewer:
        say(f"{one['name']} ({one['pseudonym']}) has {one['keys']} usable keys of {TWO}: a lost one would lock them out.")


@app.command()
def lock(key_id: KeyId, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Lock a key for good: it is refused from now on. For a new one: `torwart people token`."""
    with open_house(config) as house:
        try:
            key = house.keys.lock(key_id, None)
        except LookupError as error:
            fail(str(error.args[0]))
    if as_json:
        print_json({"key": key.id, "state": "locked"})
        return
    say(f"Key {key.id} is locked.")


@app.command()
def remove(key_id: KeyId, reason: Reason = None, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Take a key away for good; a person's last one only when two administrators have agreed with their keys."""
    with open_house(config) as house:
        try:
            key = _consent(house).remove(key_id, None, reason)
        except ConsentNeededError as asked:
            _say_asked(asked, as_json=as_json)
            return
        except LookupError as error:
            fail(str(error.args[0]))
        except ReasonMissingError as error:
            fail(f"{error} (--reason)")
        except TooManyOpenError as error:
            fail(str(error))
    if as_json:
        print_json({"key": key.id, "state": "removed"})
        return
    say(f"Key {key.id} is removed.")


@app.command()
def token(
    who: Who,
    reason: Reason = None,
    hours: Annotated[float, typer.Option(min=0.1, max=168, help="How long the link works.")] = TOKEN_HOURS,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """A one-time link for a person's next key; while a serious alert about them is open, only when two administrators have agreed."""
    with open_house(config) as house:
        person = house.person(who)
        try:
            secret = _consent(house).token(person.id, None, hours, reason)
        except ConsentNeededError as asked:
            _say_asked(asked, as_json=as_json)
            return
        except ReasonMissingError as error:
            fail(f"{error} (--reason)")
        except (TokenError, TooManyOpenError) as error:
            fail(str(error))
        link = f"{house.installation.torwart_url}/enrol/{secret}"
    if as_json:
        print_json({"link": link})
        return
    say(f"Once, within {hours:g} hours: {link}")


@app.command()
def metadata(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=f"List of the FIDO Alliance, from {SIGNER}.")],
    root: Annotated[Path | None, typer.Option("--root", help="Certificate that signs the list, if it is not the FIDO Alliance's.")] = None,
    old: Annotated[bool, typer.Option("--out-of-date", help="Take a list that is out of date.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Load the list that says which models of keys are genuine and which were withdrawn: https://mds3.fidoalliance.org"""
    with open_house(config) as house:
        try:
            trusted, signer = (read_root(root), None) if root is not None else (read_root(ROOT), SIGNER)
            found = house.keys.models.load(file.read_bytes(), trusted, signer, old=old)
        except MetadataError as error:
            fail(str(error))
        is_old = found.is_old(datetime.now(UTC).date())
        doubtful = [_as_json(house, key) for key in house.keys.all() if house.keys.models.standing(key) is Standing.WITHDRAWN]
        house.looked_at("keys", [key["pseudonym"] for key in doubtful])
    if as_json:
        print_json(
            {
                "number": found.number,
                "models": len(found.models),
                "next_update": found.next_update.isoformat(),
                "out_of_date": is_old,
                "withdrawn_keys": doubtful,
            }
        )
        return
    say(f"List number {found.number} with {len(found.models)} models is loaded; the next one is due on {found.next_update}.")
    if is_old:
        say("It is out of date: what became known later is not in it.")
    for key in doubtful:
        say(f"Key {key['id']} of {key['name']} ({key['pseudonym']}) is of a model that was withdrawn: {key['model']}.")


@app.command()
def models(
    every: Annotated[bool, typer.Option("--all", help="All that the list knows, not only those in use or admitted.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Models of keys: which are in use, which count as verified, which were withdrawn. Admit some only: `keys.models` in torwart.yaml."""
    with open_house(config) as house:
        listed = house.keys.models
        current = listed.current()
        if current is None:
            fail("no list of models is loaded: `torwart keys metadata FILE`")
        used = Counter(key.aaguid for key in house.keys.all())
        admitted = house.installation.keys.models
        shown = [model for model in current.models if every or model.aaguid in used or model.aaguid in admitted]
        found = [_model_as_json(model, used[model.aaguid or ""], admits=listed.admits(model)) for model in shown]
        is_old = current.is_old(datetime.now(UTC).date())
    if as_json:
        print_json({"number": current.number, "next_update": current.next_update.isoformat(), "out_of_date": is_old, "models": found})
        return
    print_table(("model", "name", "keys", "state"), [tuple("–" if told is None else str(told) for told in one.values()) for one in found])
    if is_old:
        say(f"The list (number {current.number}) is out of date since {current.next_update}: load a newer one, `torwart keys metadata`.")


def _model_as_json(model: Model, keys: int, *, admits: bool) -> dict[str, object]:
    return {"aaguid": model.aaguid, "name": model.name, "keys": keys, "state": _state(model, admits=admits)}


def _state(model: Model, *, admits: bool) -> str:
    if (status := model.withdrawn(model.roots)) is not None:
        return f"withdrawn: {status}"
    return "verified" if admits else "not admitted"


def _consent(house: House) -> KeyConsent:
    used = UsedActs(house.installation.state / USED_ACTS)
    approvals = Approvals(
        house.engine, house.record, house.keys, house.pseudonyms, clock_id(house.engine), used=used, sole=house.installation.sole_reviewer
    )
    return KeyConsent(house.engine, house.keys, approvals)


def _say_asked(asked: ConsentNeededError, *, as_json: bool) -> None:
    if as_json:
        print_json({"state": "asked", "request": asked.request_id})
        return
    say(f"Nothing was done yet: {asked}")


def _fewer_than_two(house: House, who: str | None) -> list[dict[str, Any]]:
    people = house.people.all() if who is None else [house.person(who)]
    usable = Counter(key.person_id for key in house.keys.all() if key.locked_at is None)
    found = [(person, usable[person.id]) for person in people if person.status != "gone"]
    return [{"name": named(person.name), "pseudonym": person.pseudonym, "keys": number} for person, number in found if number < TWO]


def _as_json(house: House, key: Key) -> dict[str, Any]:
    person = house.people.by_id(key.person_id)
    listed = house.keys.models
    model = listed.model_of(key)
    return {
        "id": key.id,
        "name": named(person.name) if person else "",
        "pseudonym": person.pseudonym if person else "",
        "label": key.label,
        "class": listed.class_of(key).value,
        "standing": listed.standing(key).value,
        "aaguid": key.aaguid,
        "model": model.name if model else None,
        "attestation": key.attestation,
        "created_at": _time(key.created_at),
        "last_used_at": _time(key.last_used_at) if key.last_used_at else None,
        "locked": key.locked_why if key.locked_at else None,
        "lent_until": _time(key.lent_until) if key.lent_until else None,
        "demo": key.demo,
    }


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    told = key["class"] if key["standing"] in (Standing.TRUSTED, Standing.SYNCED) else f"{key['class']} ({_WHY[Standing(key['standing'])]})"
    if key["lent_until"]:
        told += f", of the emergency envelope until {key['lent_until']}"
    person = f"{key['name']} ({key['pseudonym']})"
    return (key["id"], person, key["label"], told, key["model"] or "", key["created_at"], key["last_used_at"] or "", key["locked"] or "")


_WHY = {
    Standing.UNATTESTED: "nobody vouches for it",
    Standing.NO_LIST: "no list of models is loaded",
    Standing.UNKNOWN: "its model is not in the list",
    Standing.UNTRUSTED: "not its maker vouches for it",
    Standing.WITHDRAWN: "its model was withdrawn",
    Standing.NOT_ADMITTED: "its model is not admitted here",
}
"""Why a key is not a verified one."""


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
