"""What the counts cost in line: a judgement over 100 clients that the person has seen, with three other producers on the machine.

Microseconds of this thread's CPU, smaller is better: the look at what the others recorded, the counts before and after the act, and the
note of it. Idle: the others record nothing meanwhile. Busy: each of them has recorded an act of 1 to 40 clients since the last judgement,
so three rows are read for each; what is above the idle figure is theirs.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from audit_store import followers as following
from audit_store.followers import Followers
from audit_store.history import History
from audit_store.spool import Spool
from audit_store.turns import Turns
from tests.audit_store.acts import NOW
from tests.bench.audit_acts import DIFFERENT, event_of, questions
from tests.bench.report import BenchError, Row, row

CLIENTS, PAST, OTHERS = 100, 2_000, 3
"""Clients of an act; clients that the person has had; producers besides the own one."""
ROUNDS, JUDGEMENTS, BUSY = 5, 5_000, 300
"""Rounds; judgements of a round, and of a round while the others record."""
_WHO = "P-00000001"
_BOOK = frozenset(str(number) for number in range(0, PAST, 2))


def run(quick: bool) -> dict[str, Row]:
    """The rows `history_idle`, `history_busy` and `history_turn`. Raises BenchError."""
    return asyncio.run(_run(1 if quick else ROUNDS, 200 if quick else JUDGEMENTS, 20 if quick else BUSY))


async def _run(rounds: int, judgements: int, busy: int) -> dict[str, Row]:
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
        folder = Path(name)
        own = Spool.open(folder / "spool" / "gateway", "gateway")
        others = [Spool.open(folder / "spool" / f"other-{number}", f"other-{number}") for number in range(OTHERS)]
        for other in others:
            other.append(event_of(questions()[0], 0))
        followers, history = Followers(folder / "spool", own.producer), History()
        history.rebuild(None, *followers.sources, now=NOW)
        followers.begin(history)
        history.note(_WHO, NOW, shown=frozenset(map(str, range(PAST))), taken=frozenset(map(str, range(0, PAST, 2))))
        turns = Turns(folder / "turns")
        try:
            idle = [await _idle(followers, history, judgements) for _ in range(rounds + 1)][1:]
            turn = [await _turns(turns, judgements) for _ in range(rounds + 1)][1:]
            full = [await _busy(followers, history, others, busy) for _ in range(rounds + 1)][1:]
        finally:
            turns.close()
            followers.close()
            for spool in (own, *others):
                spool.close()
    rows_of = f"{OTHERS} rows of other producers read for each"
    return {
        "history_idle": row(idle, floor=50.0, target=25.0, lines=[f"us for {CLIENTS} clients already seen, {OTHERS} other producers idle"]),
        "history_busy": row(full, floor=500.0, target=250.0, lines=[f"us for the same, {rows_of}"]),
        "history_turn": row(turn, floor=50.0, target=25.0, lines=["us more where an act brings clients that are new in a window"]),
    }


async def _judge(followers: Followers, history: History, number: int) -> None:
    at = NOW + timedelta(milliseconds=number)
    first = (number * 7) % (PAST - CLIENTS)
    shown = _PAGES[first]
    await followers.take_over()
    usage = history.usage(_WHO, at, own=_BOOK, shown=shown, base=3_000, book=1_000)
    if usage.before != usage.after:
        raise BenchError("clients that were seen count again")
    history.note(_WHO, at, shown=shown)


_PAGES = [frozenset(map(str, range(first, first + CLIENTS))) for first in range(PAST - CLIENTS)]


async def _idle(followers: Followers, history: History, judgements: int) -> float:
    begun = time.thread_time()
    for number in range(judgements):
        await _judge(followers, history, number)
    return (time.thread_time() - begun) / judgements * 1e6


async def _busy(followers: Followers, history: History, others: list[Spool], judgements: int) -> float:
    asked, spent = questions(), []
    whole, following.WHOLE_LOOK_SECONDS = following.WHOLE_LOOK_SECONDS, 3_600.0
    try:
        for number in range(judgements):
            for place, other in enumerate(others):
                other.append(event_of(asked[(2 + number * OTHERS + place) % DIFFERENT], number))
            begun = time.thread_time()
            await _judge(followers, history, number)
            spent.append(time.thread_time() - begun)
    finally:
        following.WHOLE_LOOK_SECONDS = whole
    return statistics.median(spent) * 1e6


async def _turns(turns: Turns, times: int) -> float:
    begun = time.thread_time()
    for _ in range(times):
        async with turns.of(_WHO):
            pass
    return (time.thread_time() - begun) / times * 1e6
