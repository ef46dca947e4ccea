"""`torwart events search`, `timeline` and `reindex`: ask the record, who has seen this client, build its index anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from audit_store import elastic_search
from audit_store.event import EventAction, Phase
from audit_store.log import Log, Logged
from audit_store.looks import asked_for
from audit_store.search import LIMIT_MAX, How, Question, QuestionRefusedError
from audit_store.search_answer import Searcher, Sums
from audit_store.search_index import IndexWriter, SearchIndexError, Tally
from audit_store.search_timeline import Sighting, sightings
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.elastic import reading_elastic
from console.cli.event_lines import event_json, show
from console.cli.house import open_house, print_table
from console.cli.record import Record, open_record, printable
from policies.request import Action, Channel

_PSEUDONYM = re.compile(r"P-[0-9A-F]{8}")
_AGO = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
type Ranges = list[tuple[int, int]]

_Person = Annotated[str | None, typer.Option("--person", help="Pseudonym, CRM account, e-mail address or id.")]
_Client = Annotated[str | None, typer.Option("--client", help="A client: the CRM's own number.")]
_Act = Annotated[str | None, typer.Option("--act", help="Id of an act: all of its events.")]
_Since = Annotated[str | None, typer.Option("--since", help="2026-05-12, 2026-05-12T09:30, or ago: 90m, 2h, 3d.")]
_Until = Annotated[str | None, typer.Option("--until", help="As --since; exclusive.")]


class Via(StrEnum):
    """Who answers a question."""

    LOG = "log"
    ELASTIC = "elastic"


class Outcome(StrEnum):
    """`event.outcome`."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


def ask(
    person: _Person = None,
    client: _Client = None,
    how: Annotated[How, typer.Option("--how", help="How far it got with the client.")] = How.NAMED,
    text: Annotated[str | None, typer.Option("--text", help="Words that must all occur: routes, fields, rules, reasons, hosts …")] = None,
    act: _Act = None,
    action: Annotated[EventAction | None, typer.Option("--action", help="What the event is about.")] = None,
    deed: Annotated[Action | None, typer.Option("--deed", help="What the person did.")] = None,
    phase: Annotated[Phase | None, typer.Option("--phase", help="Where the act stands.")] = None,
    outcome: Annotated[Outcome | None, typer.Option("--outcome", help="How it ended.")] = None,
    channel: Annotated[Channel | None, typer.Option("--channel", help="By which road.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="Name of the employee's machine.")] = None,
    destination: Annotated[str | None, typer.Option("--destination", help="Host that something went to, or wanted to.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Code of a reason: export_needs_key.")] = None,
    observed: Annotated[
        str | None,
        typer.Option("--observed", help="A rule in warn-only mode that would have acted, as `torwart policy diff` names it: 4:ID."),
    ] = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="How many.")] = 100,
    after: Annotated[int, typer.Option("--after", min=0, help="Go on behind this number (with --newest: before it).")] = 0,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first.")] = False,
    config: Config = DEFAULT_CONFIG,
    via: Annotated[Via, typer.Option("--via", help="Who answers: the record, or Elasticsearch as the reader.")] = Via.LOG,
    as_json: Json = False,
) -> None:
    """Events that meet all that is given. That somebody looked is recorded."""
    pseudonym = _pseudonym(person, config)
    question = Question(
        person=pseudonym,
        act=act,
        action=action,
        phase=phase,
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        limit=limit,
        after=after,
        newest_first=newest,
        observed=observed,
        deed=deed,
        channel=channel,
        outcome=outcome,
        device=device,
        destination=destination,
        reason=reason,
        client=client,
        how=how,
        text=text,
    )
    with open_record(config, looked_at=asked_for(pseudonym, client, act)) as record, _refusals_said():
        found, unsearched = _via_elastic(record, question) if via is Via.ELASTIC else _via_log(record, question)
        record.saw(found)
    if as_json:
        print_json({"events": [event_json(row) for row in found], "limit": limit, "unsearched": unsearched})
        return
    show(found, as_json=False)
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].sequence}")
    elif not found:
        say("No event meets all of that.")
    _say_unsearched(unsearched, via)


def timeline(
    person: _Person = None,
    client: _Client = None,
    act: _Act = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option("--limit", min=0, max=LIMIT_MAX, help="How many of the newest events are listed.")] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """What a person did; who has seen, taken, exported a client, first, last and how often; all events of an act. Say one of the three.

    That somebody looked is recorded.
    """
    if [person, client, act].count(None) != 2:
        fail("say whose timeline: one of --person, --client, --act")
    pseudonym, begin, end = _pseudonym(person, config), _time(since, "--since"), _time(until, "--until")
    with open_record(config, looked_at=asked_for(pseudonym, client, act)) as record, _refusals_said():
        searcher = _searcher(record)
        question = Question(person=pseudonym, client=client, act=act, since=begin, until=end, limit=limit, newest_first=True)
        answer = searcher.ask(question)
        rows = answer.rows[::-1]
        unsearched = [answer.unsearched] if answer.unsearched else []
        again = searcher.ask(Question(came_from=act, limit=limit)).rows if act is not None else ()
        seen = sightings(searcher, client, since=begin, until=end).found if client is not None else ()
        sums = searcher.count(question) if pseudonym is not None else Sums(())
        record.saw((*rows, *again), filter(None, [*(one.person for one in seen), *(one.person for one in sums.tallies)]))
    if as_json:
        events = {"events": [event_json(row) for row in rows], "limit": limit, "unsearched": unsearched}
        more = {
            "clients": {"sightings": [_sighting_json(one) for one in seen]} if client is not None else {},
            "people": {"deeds": [_tally_json(one) for one in _ordered(sums)]} if pseudonym is not None else {},
            "acts": {"found_again": [event_json(row) for row in again]} if act is not None else {},
        }
        print_json({**more["clients"], **more["people"], **more["acts"], **events})
        return
    if seen:
        headings = ("Person", "Deed", "Named", "Shown", "Taken", "First (UTC)", "Last (UTC)")
        print_table(headings, [_sighting_row(one) for one in seen])
        say("")
    if sums.tallies:
        print_table(("Who", "Deed", "Events", "First (UTC)", "Last (UTC)"), [_tally_row(one) for one in _ordered(sums)])
        say("")
    show(list(rows), as_json=False)
    if again:
        say("\nClients of this act were found again in:")
        show(list(again), as_json=False)
    if not rows:
        say("No event meets all of that.")
    elif len(rows) == limit:
        say(f"Only the newest {limit} events are listed: --limit, --until, or `torwart events search`.")
    _say_unsearched(unsearched, Via.LOG)


def rebuild_index(config: Path, *, as_json: bool) -> None:
    """Build the index for searching anew, from the record."""
    with open_record(config) as record:
        newest = record.log.tail(1)
        total = newest[0].sequence if newest else 0
        writer = IndexWriter(_folder(record))

        def progress(done: int) -> None:
            if not as_json:
                say(f"{done} of {total} events")

        try:
            done = writer.rebuild(record.log, progress)
        except SearchIndexError as error:
            fail(str(error))
        finally:
            writer.close()
    if as_json:
        print_json({"search": done})
    else:
        say(f"The index has {done} events.")


def _via_log(record: Record, question: Question) -> tuple[list[Logged], Ranges]:
    answer = _searcher(record).ask(question)
    return list(answer.rows), [answer.unsearched] if answer.unsearched else []


def _via_elastic(record: Record, question: Question) -> tuple[list[Logged], Ranges]:
    with reading_elastic(record.sections) as elastic:
        found = elastic_search.answer(elastic, question)
        reach = elastic_search.reach(elastic)
    last = _last(record.log)
    unsearched = [reach.older] if reach.older else []
    return found, [*unsearched, (reach.position + 1, last)] if reach.position < last else unsearched


def _searcher(record: Record) -> Searcher:
    return Searcher(record.log, _folder(record))


def _folder(record: Record) -> Path:
    return record.installation.state / "log"


def _last(log: Log) -> int:
    newest = log.tail(1)
    return newest[0].sequence if newest else 0


def _say_unsearched(ranges: Ranges, via: Via) -> None:
    for first, last in ranges:
        if via is Via.ELASTIC:
            say(f"Not in this answer: events between {first} and {last} that Elasticsearch has not, or not as this release sends them.")
        else:
            say(f"Not looked at: events {first} to {last}. The index is being built; `torwart events reindex --search` builds it at once.")


@contextmanager
def _refusals_said() -> Iterator[None]:
    try:
        yield
    except QuestionRefusedError as error:
        fail(str(error))


def _pseudonym(person: str | None, config: Path) -> str | None:
    if person is None or _PSEUDONYM.fullmatch(person):
        return person
    with open_house(config) as house:
        return house.person(person).pseudonym


def _time(word: str | None, option: str) -> datetime | None:
    """A date, a time (without zone: that of this machine), or so long ago."""
    if word is None:
        return None
    try:
        if ago := _AGO.fullmatch(word):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(word).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} {word!r} is no time: write 2026-05-12, 2026-05-12T09:30, or how long ago: 90m, 2h, 3d")


def _ordered(sums: Sums) -> Sequence[Tally]:
    return sorted(sums.tallies, key=lambda one: (one.last or 0, one.count), reverse=True)


def _tally_json(one: Tally) -> dict[str, Any]:
    return {"person": one.person, "deed": one.deed, "events": one.count, "first": _stamp(one.first), "last": _stamp(one.last)}


def _tally_row(one: Tally) -> tuple[str, ...]:
    return (_who(one.person), printable(one.deed), str(one.count), _clock(one.first), _clock(one.last))


def _sighting_json(one: Sighting) -> dict[str, Any]:
    counts = {"named": one.named, "shown": one.shown, "taken": one.taken}
    return {"person": one.person, "deed": one.deed, **counts, "first": _stamp(one.first), "last": _stamp(one.last)}


def _sighting_row(one: Sighting) -> tuple[str, ...]:
    counts = (str(number) for number in (one.named, one.shown, one.taken))
    return (_who(one.person), printable(one.deed), *counts, _clock(one.first), _clock(one.last))


def _who(person: str | None) -> str:
    return printable(person) if person is not None else "–"


def _clock(milliseconds: int | None) -> str:
    stamp = _stamp(milliseconds)
    return stamp[:19].replace("T", " ") if stamp is not None else "–"


def _stamp(milliseconds: int | None) -> str | None:
    """As events write it; None for a time that no calendar has."""
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None
