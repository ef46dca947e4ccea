"""`torwart events reindex`: throw away what is derived from the record and build it anew, the index for searching or Elasticsearch."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit_store.elastic import Elastic
from audit_store.elastic_reindex import Done, Reindex
from audit_store.event import EventAction, plain_event
from audit_store.log import exists
from audit_store.shipping import Shipper
from audit_store.spool import Spool
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.installation import Installation, load_installation
from console.cli import events_search
from console.cli.elastic import connected, faults_said, opened, password_of, reading_elastic, settings_of
from console.settings import ElasticSettings
from console.shipping import access_of, retention_of, writer_access

PLAN = "elastic-reindex.json"
"""In the state folder: how far a run is that was cut off."""
PROGRESS_EVENTS = 10_000


def reindex(
    search: Annotated[bool, typer.Option("--search", help="The log's own index for searching.")] = False,
    to_elastic: Annotated[bool, typer.Option("--elastic", help="Elasticsearch: ship the whole log into fresh indices.")] = False,
    user: Annotated[
        str | None, typer.Option("--user", help="Who makes the indices (role torwart_installer); else the section's user.")
    ] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", help="File with the password alone; else: asked for.")] = None,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Delete the older indices when every event is in the new ones.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Forget a run that was cut off, and begin again.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Throw away what is derived from the record and build it anew. The record itself is only read; what was cut off goes on."""
    if search == to_elastic:
        fail("say what to build anew: --search, or --elastic")
    if search:
        events_search.rebuild_index(config, as_json=as_json)
        return
    done = _ship_again(user, password_file, config, drop_old=drop_old, anew=anew, quiet=as_json)
    if as_json:
        print_json(
            {
                "events": done.events,
                "resumed_after": done.resumed_after,
                "dead_letters": done.dead_letters,
                "old": done.old,
                "dropped": done.dropped,
            }
        )
        return
    say(f"{done.events} events are in fresh indices, each of them found there.")
    if done.dead_letters:
        say(f"{done.dead_letters} of them fit no template: they are in the dead-letter stream, with the reason.")
    if done.dropped:
        say(f"Deleted: {', '.join(done.dropped)}")
    if done.old:
        say(f"Still there, with the same events once more: {', '.join(done.old)}")
        say("`torwart events reindex --elastic --drop-old` deletes them; what somebody wrote into them is gone then, too.")


def _ship_again(user: str | None, password_file: Path | None, config: Path, *, drop_old: bool, anew: bool, quiet: bool) -> Done:
    with faults_said(), ExitStack() as opening:
        installation, sections = load_installation(config)
        settings = settings_of(sections)
        reader = opening.enter_context(reading_elastic(sections))
        writer = opening.enter_context(connected(Elastic(writer_access(settings))))
        installer = _installer(settings, writer, user, password_file, opening)
        if not exists(installation.log):
            fail(f"there is no record in {installation.state} yet: `torwart up` begins it")
        _record(installation, drop_old=drop_old)
        engine, log = opening.enter_context(opened(installation))
        plan = installation.state / PLAN
        if anew:
            plan.unlink(missing_ok=True)
        shipper = Shipper(engine, log, writer, reader, lambda event: None)  # its dead letters were recorded when they were new
        done = Reindex(log, shipper, reader, installer, plan, retention=retention_of(settings), progress=_Progress(quiet=quiet))
        return done.run(drop_old=drop_old)


def _installer(settings: ElasticSettings, writer: Elastic, user: str | None, file: Path | None, opening: ExitStack) -> Elastic | None:
    """Who may make and delete indices; a server that asks nobody who he is lets everybody."""
    if user is not None:
        return opening.enter_context(connected(Elastic(access_of(settings, user, password_of(user, file)))))
    return None if settings.has_writer else writer


def _record(installation: Installation, *, drop_old: bool) -> None:
    """That somebody built the copy anew is a fact of the record: what was changed in the older indices is gone with them."""
    spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
    try:
        facts: dict[str, int | str] = {"by": "command line", "drop_old": int(drop_old)}
        spool.append(plain_event(EventAction.SELF_TEST, at=datetime.now(UTC), subject="elastic reindex", numbers=facts))
    finally:
        spool.close()


class _Progress:
    """Says a line now and then."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._next = PROGRESS_EVENTS

    def __call__(self, done: int, until: int) -> None:
        if done >= self._next and not self._quiet:
            say(f"{done} of {until} events")
            self._next = done + PROGRESS_EVENTS
