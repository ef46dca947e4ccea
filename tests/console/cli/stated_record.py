"""A record with statements about it at a place outside, for tests of what verification finds."""

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from audit_store.event import Event, EventAction, Phase, plain_event
from audit_store.log import FILE, Log
from audit_store.outside import Outside
from audit_store.spool import FILE as SPOOL_FILE
from audit_store.statements import Statements
from audit_store.trees import Trees
from audit_store.witnessed import witnessed
from auth.installation import load_installation, template
from console.cli.events import app
from policies.request import Action
from tests.audit_store.acts import access

MIDNIGHT = datetime(2026, 5, 13, tzinfo=UTC)
VERIFIER = Path(__file__).parents[3] / "deploy" / "verify_record.py"
EVERY = 10
"""Events between two statements about the log."""
EXPORT = 35
"""The log's number of the export that is stated before it is released."""
LAST = 60


def acts() -> list[Event]:
    """Sixty events of two days; the thirty-fifth is an export that goes out."""
    found = [access((str(number),), at=MIDNIGHT + timedelta(seconds=number - 30)) for number in range(1, LAST + 1)]
    found[EXPORT - 1] = access(("1", "2", "3"), action=Action.EXPORT, phase=Phase.RELEASED, at=MIDNIGHT)
    return found


class StatedRecord:
    """An installation in a folder, its place outside beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.outside = folder, folder / "state", folder / "outside"
        self.config = folder / "torwart.yaml"
        self.now = MIDNIGHT
        folder.mkdir(parents=True, exist_ok=True)
        self.outside.mkdir(exist_ok=True)
        self.config.write_text(template() + "\noutside:\n  folders: [outside]\n", encoding="utf-8")

    @property
    def log(self) -> Path:
        return self.state / "log" / FILE

    @property
    def spool(self) -> Path:
        return self.state / "spool" / "gateway" / SPOOL_FILE

    @property
    def daily(self) -> Path:
        """What the place has about the second day's log."""
        return self.outside / "torwart-log-2026-05-13.txt"

    def write(self, events: Sequence[Event]) -> None:
        """Record events one second after the other, and state them as the worker does: every `EVERY` events and at the end of a day."""
        installation, _ = load_installation(self.config)
        statements = Statements.open(self.state, clock=lambda: self.now)
        outside = Outside(statements, installation.outside.places(installation.torwart_url), lambda: self.now + timedelta(minutes=1))
        spool = witnessed(self.state / "spool" / "gateway", "gateway", statements, outside)
        log = Log.open(self.state / "log", clock=lambda: self.now)
        trees = Trees(log, statements, lambda cause: None, lambda: self.now, every=timedelta())
        for number, event in enumerate(events, 1):
            self.now = event.at
            spool.append(event)
            log.take(spool)
            if number % EVERY == 0:
                trees.step()
                outside.deliver()
        log.close()
        spool.close()

    def key(self) -> str:
        """The fingerprint, as it was written down before anything happened."""
        return str(json.loads(self("key", "--json").stdout)["fingerprint"])

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def verify(self, *words: str) -> tuple[int, list[str]]:
        """Exit code and problems of `torwart events verify`."""
        result = self("verify", "--json", *words)
        assert result.exit_code in (0, 1), result.output
        return result.exit_code, [_line(problem) for problem in json.loads(result.stdout)["problems"]]

    def verify_apart(self, key: str, *places: Path) -> tuple[int, list[str]]:
        """Exit code and lines of the separate verifier, which has an exported file and what is outside."""
        out = self.folder / "record.ndjson.gz"
        out.unlink(missing_ok=True)
        exported = self("export", "--out", str(out))
        assert exported.exit_code == 0, exported.output
        return apart(out, *(word for place in places or (self.outside,) for word in ("--checkpoints", str(place))), "--key", key)

    def sql(self, path: Path, *statements: str) -> None:
        """What somebody with the file and SQLite's own tools can do."""
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def copy_to(self, folder: Path) -> None:
        """Keep the state as it is now."""
        shutil.copytree(self.state, folder)


def apart(*words: object) -> tuple[int, list[str]]:
    """Run the separate verifier as anybody would: without the packages of this environment."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def lines_of(bundle: Path) -> list[dict[str, Any]]:
    """What an exported file holds."""
    with gzip.open(bundle, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def forged() -> Event:
    """An event that never was."""
    return plain_event(EventAction.PERSON_UNFROZEN, at=MIDNIGHT, subject="P-00000001")


def _line(problem: dict[str, Any]) -> str:
    place = "" if problem["sequence"] is None else f"log {problem['sequence']}: "
    return place + str(problem["text"])


type Harm = Callable[[StatedRecord], None]
