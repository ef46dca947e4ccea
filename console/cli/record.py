"""Opens the record of an installation for a command that reads it. That somebody looked is recorded first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit_store.elastic import ElasticError
from audit_store.event import EventAction, plain_event
from audit_store.log import Log, LogError, exists
from audit_store.spool import Spool, SpoolError
from auth.command_line import fail
from auth.installation import ConfigError, Installation, Sections, load_installation


@dataclass(frozen=True, slots=True)
class Record:
    """The log of an installation, for reading."""

    installation: Installation
    sections: Sections
    log: Log


@contextmanager
def open_record(config: Path, *, looked_at: str | None = None) -> Iterator[Record]:
    """The record, for reading. With `looked_at` the look is recorded first; what cannot be recorded is not shown."""
    try:
        installation, sections = load_installation(config)
        if not exists(installation.log):
            fail(f"there is no record in {installation.state} yet: `torwart up` begins it")
        if looked_at is not None:
            _look(installation, looked_at)
        log = Log.open(installation.log, reading=True)
        try:
            yield Record(installation, sections, log)
        finally:
            log.close()
    except ConfigError as error:
        fail(*error.errors)
    except (LogError, SpoolError) as error:
        fail(f"the record cannot be read: {error}")
    except ElasticError as error:
        fail(str(error))


def _look(installation: Installation, what: str) -> None:
    spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
    try:
        spool.append(plain_event(EventAction.RECORD_VIEWED, at=datetime.now(UTC), subject=what, numbers={"by": "command line"}))
    finally:
        spool.close()


def printable(text: str) -> str:
    """Nothing in the record may steer a terminal (promises G92): what is not printable appears as its escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
