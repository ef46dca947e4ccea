"""`torwart events elastic-install` and `elastic-check`: prepare Elasticsearch, and compare it with the record."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

import auth.tables  # noqa: F401 # makes the tables known to `open_database`
from audit_store.consumer import position_of
from audit_store.database import DatabaseError, open_database
from audit_store.elastic import Elastic, ElasticError
from audit_store.elastic_compare import MISSING, Difference, compare
from audit_store.elastic_install import install as install_templates
from audit_store.log import Log, LogError, exists
from audit_store.shipping import SHIPPED, Shipper
from audit_store.spool import Spool, SpoolError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.installation import ELASTIC_URL, ConfigError, Installation, Sections, load_installation
from console.settings import ElasticSettings, elastic_settings
from console.shipping import access_of, reader_access, retention_of, writer_access

DIFFERENT = 1
"""Exit code: Elasticsearch has not what the record has."""
SHOWN = 20
SETTLE_SECONDS = 2


def install(
    user: Annotated[str | None, typer.Option("--user", help="Who installs (role torwart_installer); else the section's user.")] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", help="File with the password alone; else: asked for.")] = None,
    retention_days: Annotated[
        int | None, typer.Option("--retention-days", min=1, help="Elasticsearch deletes events that are older; else as the section says.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Install the templates of the data streams in Elasticsearch. Once for each release; may be repeated."""
    with faults_said():
        _, sections = load_installation(config)
        settings = settings_of(sections)
        access = writer_access(settings) if user is None else access_of(settings, user, password_of(user, password_file))
        with connected(Elastic(access)) as elastic:
            retention = retention_of(settings)
            if retention_days is not None:
                retention = replace(retention, events_days=retention_days)
            done = install_templates(elastic, retention=retention)
    if as_json:
        print_json({"done": done})
    else:
        for line in done:
            say(line)


def check(
    resend: Annotated[bool, typer.Option("--resend", help="Send what is missing once more.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Compare every event in Elasticsearch with the record. Exit 1 if one is missing, changed or foreign."""
    with faults_said():
        installation, sections = load_installation(config)
        if not exists(installation.log):
            fail(f"there is no record in {installation.state} yet: `torwart up` begins it")
        with opened(installation) as (engine, log), reading_elastic(sections) as elastic:
            shipped = position_of(engine, SHIPPED)
            differences = differences_of(log, elastic, shipped, settings_of(sections))
            missing = [one.sequence for one in differences if one.kind == MISSING] if resend else []
            if missing:
                _resend(installation, sections, log, engine, elastic, missing)
                differences = [one for one in differences if one.kind != MISSING]
    if as_json:
        listed = [{"sequence": one.sequence, "kind": one.kind} for one in differences]
        print_json({"shipped": shipped, "resent": len(missing), "differences": listed})
    else:
        for one in differences[:SHOWN]:
            say(f"event {one.sequence} of the record: {one.kind} in Elasticsearch")
        if missing:
            say(f"{len(missing)} events were missing and have been sent again.")
        if differences:
            say(f"{len(differences)} differences in {shipped} events. `torwart events verify` says whether the record is whole.")
        else:
            say(f"{shipped} events are in Elasticsearch as they are in the record.")
    if differences:
        raise typer.Exit(DIFFERENT)


def differences_of(log: Log, elastic: Elastic, shipped: int, settings: ElasticSettings) -> list[Difference]:
    """What is not the same in Elasticsearch, of what was shipped and is to be kept there. Raises LogError, ElasticError."""
    days = settings.retention_days
    since = 0 if days is None else int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 1000)
    differences = compare(log, elastic, shipped, kept_since=since)
    if differences:  # a search sees an event a second after it was stored
        time.sleep(SETTLE_SECONDS)
        differences = compare(log, elastic, shipped, kept_since=since)
    return differences


def _resend(installation: Installation, sections: Sections, log: Log, engine: Engine, reader: Elastic, missing: list[int]) -> None:
    spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
    try:
        with connected(Elastic(writer_access(settings_of(sections)))) as writer:
            Shipper(engine, log, writer, reader, spool.append).resend(missing)
    finally:
        spool.close()


@contextmanager
def reading_elastic(sections: Sections) -> Iterator[Elastic]:
    """Elasticsearch under the reader's identity, never the writer's. Raises ConfigError, ElasticError."""
    access = reader_access(settings_of(sections))
    if access is None:
        fail("elastic.reader_user and elastic.reader_password_file are missing: reading needs an identity of its own (role torwart_reader)")
    with connected(Elastic(access)) as elastic:
        yield elastic


def settings_of(sections: Sections) -> ElasticSettings:
    settings = elastic_settings(sections, os.environ)
    return settings if settings is not None else fail(f"Elasticsearch is not set up: write the section elastic, or set {ELASTIC_URL}")


@contextmanager
def connected(elastic: Elastic) -> Iterator[Elastic]:
    try:
        yield elastic
    finally:
        elastic.close()


@contextmanager
def faults_said() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        fail(*error.errors)
    except (ElasticError, LogError, SpoolError, DatabaseError) as error:
        fail(str(error))


def password_of(user: str, file: Path | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            fail("the password is missing: --password-file")
        return getpass.getpass(f"Password of {user}: ")
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        fail(f"{file}: cannot be read ({type(error).__name__})")


@contextmanager
def opened(installation: Installation) -> Iterator[tuple[Engine, Log]]:
    engine = open_database(installation.database)
    log = Log.open(installation.log, reading=True)
    try:
        yield engine, log
    finally:
        log.close()
        engine.dispose()
