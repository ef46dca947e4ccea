"""Opens the record of an installation for a command that reads it. That somebody looked is recorded first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from audit_store.elastic import ElasticError
from audit_store.log import Log, LogError, Logged, exists
from audit_store.looks import looks, people_in
from audit_store.spool import Spool, SpoolError
from auth.command_line import fail
from auth.installation import ConfigError, Installation, Sections, load_installation


@dataclass(frozen=True, slots=True)
class Record:
    """The log of an installation, for reading."""

    installation: Installation
    sections: Sections
    log: Log
    looked_at: str = ""

    def saw(self, rows: Iterable[Logged] = (), people: Iterable[str] = ()) -> None:
        """Record whom the answer names, before it is shown. Raises SpoolError."""
        about = {*people, *people_in(orjson.dumps(row.document) for row in rows)} - {self.looked_at}
        if about:
            look(self.installation, self.looked_at, about)


@contextmanager
def open_record(config: Path, *, looked_at: str | None = None) -> Iterator[Record]:
    """The record, for reading. With `looked_at` the look is recorded first; what cannot be recorded is not shown."""
    try:
        installation, sections = load_installation(config)
        if not exists(installation.log):
            fail(f"there is no record in {installation.state} yet: `torwart up` begins it")
        if looked_at is not None:
            look(installation, looked_at)
        log = Log.open(installation.log, reading=True)
        try:
            yield Record(installation, sections, log, looked_at or "")
        finally:
            log.close()
    except ConfigError as error:
        fail(*error.errors)
    except (LogError, SpoolError) as error:
        fail(f"the record cannot be read: {error}")
    except ElasticError as error:
        fail(str(error))


def look(installation: Installation, what: str, about: Iterable[str] = ()) -> None:
    """Record a look from the command line. Raises SpoolError: then nothing is shown."""
    spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
    try:
        for event in looks(datetime.now(UTC), None, what, about):
            spool.append(event)
    finally:
        spool.close()


def printable(text: str) -> str:
    """Nothing in the record may steer a terminal (promises G92): what is not printable appears as its escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
