"""`torwart policy diff`: try rules on the recorded traffic before they are in force: who would be hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from audit_store.differences import Differences, Effect, Example, Line
from audit_store.log import Log
from audit_store.replay import NOBODY_ASKED, Recorded, recorded
from audit_store.request_record import OF_THE_DIRECTORY
from auth.command_line import DEFAULT_CONFIG, Config, Json, err, fail, print_json, say
from console.cli.house import print_table
from console.cli.policy.output import refuse, store_of
from console.cli.policy.people import People, people_of
from console.cli.record import open_record
from policies.load import load
from policies.names import names_of
from policies.problems import PolicyErrors
from policies.request import Action
from policies.rule import Policy

DIFFERENT = 1
"""Exit code: something would be decided differently."""
NEW = "new"
"""What the tried rules are called, in place of a version."""
_TITLES: dict[Effect, str] = {
    Effect.DENIED: "Newly denied",
    Effect.CHALLENGED: "Newly challenged: something is asked for first",
    Effect.FEWER: "Fewer clients go out",
    Effect.MASKED: "Newly masked",
    Effect.ALLOWED: "Newly allowed",
    Effect.EASED: "No longer denied, but something is asked for first",
    Effect.MORE: "More clients go out",
    Effect.CLEAR: "No longer masked",
    Effect.OTHER: "Same outcome, other reason or duty",
}
_CAUSES = {
    NOBODY_ASKED: "were seen on a machine, where nothing decides",
    "older_release": "were recorded by an older release of Torwart, without what rules look at",
    "unreadable": "cannot be read",
    "cut": "hold a name that was not recorded as it was",
}
_VERDICTS = ("allow", "challenge", "deny")


def diff(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder of rules, or one file, to be tried.")],
    days: Annotated[int, typer.Option("--days", min=1, max=3_660, help="So many days back from now.")] = 30,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Judge the recorded acts by the rules in force and by NEW, and name who would be hit. Exit 1 if anything differs, 2 if it failed.

    Each act is judged as it was, with what the person had had by then. Nothing is changed; that somebody looked is recorded.
    """
    try:
        tried, in_force = load(new, NEW), store_of(config).current()
    except PolicyErrors as errors:
        refuse(errors, as_json)
    people = people_of(config)
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    passed_over: Counter[str] = Counter()
    found = Differences(in_force, tried)
    with open_record(config, looked_at=f"the acts of {days} days, judged by other rules") as record:
        acts = recorded(record.log, since, until, seats=people.seats, passed_over=passed_over)
        for act in acts if as_json else _with_progress(acts, record.log, since):
            found.add(act)
        record.saw(people=found.people)
    left_out = found.not_comparable.total() + passed_over.total() - passed_over[NOBODY_ASKED]
    if as_json:
        print_json(_as_json(found, passed_over, since, until, people))
    else:
        _print(found, passed_over, since, until, people)
    if left_out and not found.acts:
        fail(f"none of the {left_out:,} recorded acts can be judged again")
    if found.different:
        raise typer.Exit(DIFFERENT)


def _with_progress(acts: Iterable[Recorded], log: Log, since: datetime) -> Iterator[Recorded]:
    """The acts; on a terminal with a bar that says how far it is."""
    newest = log.tail(1)
    if not err.is_terminal or not newest:
        yield from acts
        return
    columns = (TextColumn("{task.fields[acts]:,} acts"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task, first = progress.add_task("", total=None, acts=0), None
        for number, act in enumerate(acts, 1):
            first = act.sequence if first is None else first
            if number % 500 == 0:
                progress.update(task, total=newest[0].sequence - first, completed=act.sequence - first, acts=number)
            yield act


def _print(found: Differences, passed_over: Counter[str], since: datetime, until: datetime, people: People) -> None:
    span = f"{since.astimezone():%Y-%m-%d} to {until.astimezone():%Y-%m-%d}"
    say(f"{_many(found.acts, 'act')} of {_many(len(found.people), 'person', 'people')}, {span}: {found.different:,} would be different.")
    if found.acts:
        rows = (
            (f"as it was{'' if not found.otherwise_then else ' then'}", found.said),
            (f"in force ({found.old.version})", found.in_force),
        )
        print_table(
            ("", "allowed", "asked for something", "denied"),
            ((name, *(f"{counted[verdict]:,}" for verdict in _VERDICTS)) for name, counted in (*rows, (NEW, found.by_new))),
        )
    if found.otherwise_then:
        say(f"{_many(found.otherwise_then, 'act')} ended otherwise then: other rules were in force, or it failed for another reason.")
    for effect in Effect:
        lines = {place[1:]: line for place, line in found.lines.items() if place[0] is effect}
        if lines:
            _print_effect(effect, lines, people)
    _print_observed(found)
    _print_left_out(found, passed_over)


def _print_effect(effect: Effect, lines: dict[tuple[str, Action], Line], people: People) -> None:
    acts, hit = sum(line.count for line in lines.values()), len({pseudonym for pseudonym, _ in lines})
    say(f"\n{_TITLES[effect]}: {_many(acts, 'act')} of {_many(hit, 'person', 'people')}")
    most_first = sorted(lines.items(), key=lambda item: (-item[1].count, item[0]))
    rows = (
        (people.called(pseudonym), action.value, f"{line.count:,}", "\n".join(map(_example, line.examples)))
        for (pseudonym, action), line in most_first
    )
    print_table(("person", "act", "times", "for example"), rows)


def _example(example: Example) -> str:
    return f"{example.at.astimezone():%Y-%m-%d %H:%M}  {example.act_id}  {_numbers(example)}"


def _numbers(example: Example) -> str:
    asked = f"{_many(example.asked, 'client')}" + (f", {example.own:,} own" if example.asked else "")
    gone = "" if example.before == example.after else f": {_count(example.before)} → {_count(example.after)}"
    return f"{asked}{gone} ({example.reason})"


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _print_observed(found: Differences) -> None:
    if found.observed_then:
        say("\nRules in warn-only mode would have stopped, or asked something of, acts of these days:")
        for rule, count in found.observed_then.most_common():
            say(f"  {rule}: {_many(count, 'act')}   torwart events search --observed {rule}")
    if found.observed_by_new:
        say("\nRules in warn-only mode among the new ones would have acted on:")
        for rule, count in found.observed_by_new.most_common():
            say(f"  {rule.rpartition(':')[2]}: {_many(count, 'act')}")


def _print_left_out(found: Differences, passed_over: Counter[str]) -> None:
    lines = [
        f"  {_many(count, 'act')}: a rule looks at {name}, which is not recorded" for name, count in found.not_comparable.most_common()
    ]
    lines += [f"  {_many(count, 'act')} {_CAUSES.get(cause, cause)}" for cause, count in passed_over.most_common()]
    if lines:
        say("\nNot judged again:")
        for line in lines:
            say(line)
    if today := _of_today(found.old, found.new):
        say(f"\nRules look at {', '.join(today)}: taken as it is today, the record does not hold it.")


def _of_today(*policies: Policy) -> list[str]:
    return sorted({name for policy in policies for rule in policy.rules for name in names_of(rule.text)} & OF_THE_DIRECTORY)


def _many(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _as_json(found: Differences, passed_over: Counter[str], since: datetime, until: datetime, people: People) -> dict[str, Any]:
    return {
        "since": since.isoformat(timespec="seconds"),
        "until": until.isoformat(timespec="seconds"),
        "in_force": found.old.version,
        "acts": found.acts,
        "people": len(found.people),
        "different": found.different,
        "verdicts": {
            name: {verdict: counted[verdict] for verdict in _VERDICTS}
            for name, counted in (("then", found.said), ("in_force", found.in_force), (NEW, found.by_new))
        },
        "ended_otherwise_then": found.otherwise_then,
        "lines": [
            {
                "effect": effect.value,
                "person": pseudonym,
                **({"name": people.names[pseudonym]} if pseudonym in people.names else {}),
                "act": action.value,
                "count": line.count,
                "examples": [_example_json(example) for example in line.examples],
            }
            for (effect, pseudonym, action), line in sorted(found.lines.items(), key=lambda item: (list(Effect).index(item[0][0]), item[0]))
        ],
        "observed": {"then": dict(found.observed_then), NEW: dict(found.observed_by_new)},
        "not_comparable": dict(found.not_comparable),
        "passed_over": dict(passed_over),
        "of_today": _of_today(found.old, found.new),
    }


def _example_json(example: Example) -> dict[str, Any]:
    members = ("act_id", "asked", "own", "before", "after", "reason", "said")
    return {"at": example.at.isoformat(timespec="milliseconds")} | {name: getattr(example, name) for name in members}
