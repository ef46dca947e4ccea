"""Goal 7: decisions on records and fields, ours and those of cedarpy, side by side; and what a list, a load and idle rules cost.

Both get the same rules (made by chance, `tests/policies/oracle_cedar.py`), prepared: Cedar its policy set, its entities and its requests,
we our policy. Cedar is asked for each field of each client in one batch, we decide on the list. Nothing is reported unless both say the
same of every field of every client here, and of 100,000 more with other rules.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import cedarpy
from ruamel.yaml import YAML

from policies.decision import Decision
from policies.engine import decide_many
from policies.load import load
from tests.bench.report import BenchError, Row, row
from tests.policies import oracle_cedar as oracle
from tests.policies.oracle_cedar import FIELDS, Pair, People

CLIENTS, LISTS = 600, 4
ROUNDS, SECONDS = 5, 0.4
RANDOM_SETS, RANDOM_CLIENTS = 200, 42
ONE_ROLE = ("role-0",)
_CORE = 0


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    pair: Pair
    lists: list[People]
    asked_of_cedar: int
    """Clients of a list that Cedar is asked about: with many rules a whole list takes it half a minute."""

    def decide(self, number: int) -> Decision:
        """Our decision on one of the lists."""
        given = self.lists[number % LISTS].request
        resource = given.resource
        return decide_many(given, resource.ids or (), resource.own, resource.records, self.pair.ours)

    @property
    def applying(self) -> int:
        principal = self.lists[0].request.principal
        return len(self.pair.ours.applicable(self.lists[0].request.action, "client", principal.roles, principal.level))


def run(quick: bool) -> dict[str, Row]:
    """The rows `decisions`, `decisions_list_ms`, `decisions_idle_rules` and `decisions_load_s`. Raises BenchError."""
    rounds, seconds = (1, 0.05) if quick else (ROUNDS, SECONDS)
    checked = _agree_by_chance(10 if quick else RANDOM_SETS)
    with _pinned():
        cases = [_case(count, spread) for count in (10, 100, 1_000) for spread in (False, True) if count > 10 or not spread]
        return {
            "decisions": _against_cedar(cases, checked, rounds, seconds),
            "decisions_list_ms": _list_ms(cases, rounds, seconds),
            "decisions_idle_rules": _idle(rounds, seconds),
            "decisions_load_s": _load(rounds),
        }


def _case(count: int, spread: bool) -> _Case:
    """All rules for one role, or spread over so many roles that some dozens are for the person who asks."""
    random = Random(count)  # noqa: S311 # the same rules in every run
    roles = tuple(f"role-{number}" for number in range(count // 25)) if spread else ONE_ROLE
    policies = oracle.pair(oracle.rules(random, count, roles))
    lists = [oracle.people(random, CLIENTS, roles) for _ in range(LISTS)]
    return _Case(f"{count:,} rules, {len(roles)} {'roles' if spread else 'role'}", policies, lists, CLIENTS if count < 1_000 else 30)


def _agree_by_chance(sets: int) -> int:
    asked = 0
    for seed in range(sets):
        random = Random(seed)  # noqa: S311 # the same rules in every run
        policies, them = oracle.pair(oracle.rules(random, random.choice((3, 8, 20, 60)))), oracle.people(random, RANDOM_CLIENTS)
        asked += _agree(policies, them, f"rules of seed {seed}")
    return asked


def _agree(policies: Pair, them: People, name: str) -> int:
    """The number of questions that both answered alike. Raises BenchError."""
    ours, theirs = oracle.ours(policies, them), oracle.theirs(policies, them)
    if ours != theirs:
        different = sum(one != other for one, other in zip(ours, theirs, strict=True))
        raise BenchError(f"{name}: Cedar and we differ in {different} of {len(ours)} answers")
    return len(ours)


def _against_cedar(cases: list[_Case], checked: int, rounds: int, seconds: float) -> Row:
    ratios: dict[str, list[float]] = {}
    lines: list[str] = []
    for case in cases:
        asked = [_first(them, case.asked_of_cedar) for them in case.lists]
        agreed = sum(_agree(case.pair, them, case.name) for them in asked)
        prepared = [(oracle.requests(them), oracle.entities(them)) for them in asked]
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            ours.append(_rate(case.decide, CLIENTS * len(FIELDS), seconds))
            theirs.append(_rate(lambda n: _batch(case, prepared[n % LISTS]), case.asked_of_cedar * len(FIELDS), seconds))  # noqa: B023
        ratios[case.name] = [a / b for a, b in zip(ours, theirs, strict=True)]
        lines.append(
            f"{case.name:22} {statistics.median(ratios[case.name]):8.0f} x   {statistics.median(ours) / 1e6:6.2f} M/s, "
            f"cedarpy {statistics.median(theirs) / 1e3:6.1f} k/s; {case.applying} rules apply; {agreed:,} answers the same"
        )
    together = [math.prod(ratios[case.name][n] for case in cases) ** (1 / len(cases)) for n in range(rounds)]
    lines.append(f"{checked:,} more answers to rules made by chance: all the same. Rates are per second of CPU time")
    return row(together, floor=10.0, target=50.0, cases=ratios, lines=lines)


def _batch(case: _Case, prepared: tuple[list[dict[str, Any]], Any]) -> object:
    return cedarpy.is_authorized_batch(prepared[0], case.pair.theirs, prepared[1])


def _first(them: People, count: int) -> People:
    """The same person with the first clients of the list."""
    resource = them.request.resource
    ids = them.ids[:count]
    columns = {name: column[:count] for name, column in resource.records.items()}
    return People(oracle.on_records(them.request, ids, resource.own & frozenset(ids), columns), them.owners[:count])


def _list_ms(cases: list[_Case], rounds: int, seconds: float) -> Row:
    """One decision on a list, in milliseconds of CPU time; the row is the case with 1,000 rules in many roles, as a company has them."""
    taken = {case.name: [1e3 / _rate(case.decide, 1, seconds) for _ in range(rounds)] for case in cases}
    lines = [f"{name:22} {statistics.median(found):6.2f} ms" for name, found in taken.items()]
    lines.append(f"{CLIENTS} clients x {len(FIELDS)} fields; milliseconds, smaller is better")
    return row(taken[cases[-1].name], floor=0.0, target=2.0, cases=taken, lines=lines)


def _idle(rounds: int, seconds: float) -> Row:
    """The same ten rules, alone and beside 990 of other roles."""
    random = Random(7)  # noqa: S311 # the same rules in every run
    few = oracle.rules(random, 10, ONE_ROLE)
    others = oracle.rules(random, 990, tuple(f"role-{number}" for number in range(1, 40)), anybody=0.0)
    lists = [oracle.people(random, CLIENTS, ONE_ROLE) for _ in range(LISTS)]
    cases = [_Case("10 rules", oracle.pair(few), lists, 0), _Case("1,000 rules", oracle.pair(few + others), lists, 0)]
    ratios = []
    for _ in range(rounds):
        one, other = (_rate(case.decide, 1, seconds) for case in cases)
        ratios.append(one / other)
    line = f"{cases[0].applying} rules apply, alone and beside 990 that cannot: time with them over time without"
    return row(ratios, floor=0.0, target=1.1, lines=[line, "smaller is better"])


def _load(rounds: int) -> Row:
    """1,000 rules with conditions, from their file to a policy."""
    count = 1_000
    texts = oracle.texts(oracle.rules(Random(3), count, tuple(f"role-{number}" for number in range(40))))  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as folder:
        file = Path(folder) / "rules.yaml"
        with file.open("w", encoding="utf-8") as handle:
            YAML(typ="safe", pure=True).dump(texts, handle)
        size = file.stat().st_size
        taken = [_seconds(lambda: load(file, "1", record=oracle.SCHEMA)) for _ in range(rounds)]
        if len(load(file, "1", record=oracle.SCHEMA).rules) != count:
            raise BenchError("rules were lost on the way")
    return row(taken, floor=0.0, target=1.0, lines=[f"{count:,} rules, {size / 1e3:.0f} KB; seconds of CPU time, smaller is better"])


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _rate(work: Callable[[int], object], units: int, seconds: float) -> float:
    """Units per second of CPU time, over at least so many seconds: other load on the machine does not move it much."""
    passes = 0
    started, wall = time.process_time(), time.perf_counter()
    while passes == 0 or time.perf_counter() - wall < seconds:
        work(passes)
        passes += 1
    return units * passes / (time.process_time() - started)


@contextmanager
def _pinned() -> Iterator[None]:
    """On one core, as far as the platform can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORE} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
