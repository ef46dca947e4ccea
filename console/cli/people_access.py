"""`torwart people access`: everything that is stored about a person, for them to read."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audit_store.event import EventAction, plain_event
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.house import Who, open_house
from console.cli.record import open_record
from console.disclosure import disclose
from console.disclosure_page import disclosure_page
from console.language import speech


class Tongue(StrEnum):
    """Languages of the answer."""

    DE = "de"
    EN = "en"


def access(
    who: Who,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Written as FILE.html, to be read, and FILE.json; neither may exist.")],
    language: Annotated[Tongue | None, typer.Option("--language", help="Else the person's own.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Write out everything that is stored about a person, for a request of access (GDPR, article 15). That it was done is recorded.

    Other people in it are not named. While an alert about the person is open, the command says so: whether the answer must wait is the
    firm's decision and is not enforced here.
    """
    page, data = (out.with_name(f"{out.name.removesuffix('.html').removesuffix('.json')}{end}") for end in (".html", ".json"))
    if taken := [path for path in (page, data) if path.exists()]:
        fail(f"{taken[0]} exists: choose another name")
    with open_house(config) as house, open_record(config) as record:
        person = house.person(who)
        spoken = language.value if language is not None else "en" if person.language == "en" else "de"
        numbers: dict[str, int | str] = {"by": "command line"}
        house.record(plain_event(EventAction.PERSON_DISCLOSED, at=datetime.now(UTC), subject=person.pseudonym, numbers=numbers))
        found = disclose(house.engine, record.log, person, speech(spoken))
        try:
            _write(page, disclosure_page(found))
            _write(data, json.dumps(found.document(), ensure_ascii=False, indent=2))
        except OSError as error:
            fail(f"{error.filename}: cannot be written ({error.strerror})")
    rows = sum(len(rows) for _, rows in found.tables)
    if as_json:
        facts = {"pseudonym": found.person, "files": [str(page), str(data)], "rows": rows, "events": len(found.events)}
        print_json({**facts, "open_alerts": found.open_alerts})
        return
    say(f"{rows} rows and {len(found.events)} events about {found.person}: {page}, {data}")
    if found.open_alerts:
        say(f"Alerts about this person are open ({found.open_alerts}), and the answer names them. Whether it must wait is for your")
        say("data-protection officer to decide: Torwart has no act of two persons for that yet, and does not hold it back.")


def _write(path: Path, text: str) -> None:
    """Readable for nobody but who runs the command; never over another file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
