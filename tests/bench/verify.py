"""What evidence costs: verifying a million events against signed statements, and the statement that an export waits for.

`verify_million`: seconds for a million events (the log, its chains, its order, statements every thousand) over ten; smaller is better.
`stated_act`: how long an event waits that a folder outside must have, over one that only has to be durable.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from audit_store.chain import epoch_start, link
from audit_store.event import Event, EventAction, Phase, access_event, plain_event
from audit_store.log import Log
from audit_store.outside import Outside
from audit_store.outside_folder import FolderPlace
from audit_store.spool import Spool
from audit_store.spool_file import Stored
from audit_store.statement import KEYS, NewKey, StatementError, find, fingerprint
from audit_store.statement_verify import Comparison, Kept, collect
from audit_store.statements import Statements
from audit_store.trees import Trees
from audit_store.witnessed import witnessed
from policies.decision import Allow
from policies.reasons import ALLOWED, Because
from policies.request import AccessRequest, Action, Context, Principal, Resource, Status
from tests.bench.report import BenchError, Row, row

EVENTS, ROUNDS, ACTS = 1_000_000, 3, 300
GOAL_SECONDS = 10.0
BEGIN = datetime(2026, 5, 12, tzinfo=UTC)
A_SECOND = 12
"""Events a second: the million is spread over a day."""


def run(quick: bool) -> dict[str, Row]:
    """The rows `verify_million` and `stated_act`. Raises BenchError."""
    events, rounds, acts = (5_000, 1, 20) if quick else (EVENTS, ROUNDS, ACTS)
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        return {"verify_million": _verify(folder / "million", events, rounds), "stated_act": _stated(folder / "acts", acts, rounds)}


class _Producer:
    """A producer's events, made while they are read."""

    producer = "gateway"

    def __init__(self, count: int) -> None:
        self.count = count
        self._rows = self._made()
        self._last: list[Stored] = []

    def read(self, after: int, limit: int) -> list[Stored]:
        if self._last and self._last[-1].sequence > after:
            return [one for one in self._last if one.sequence > after][:limit]
        found = list(islice(self._rows, limit))
        self._last = found or self._last
        return found

    def epoch_after(self, epoch: int) -> int | None:
        return None

    def _made(self) -> Iterator[Stored]:
        before = epoch_start(self.producer, 1)
        for number in range(1, self.count + 1):
            canonical = act(number, BEGIN + timedelta(seconds=number / A_SECOND)).canonical()
            before = link(before, producer=self.producer, epoch=1, sequence=number, canonical=canonical)
            yield Stored(self.producer, 1, number, canonical, before)


def act(number: int, at: datetime, *, action: Action = Action.LIST, phase: Phase = Phase.RELEASED) -> Event:
    """An ordinary list of up to twenty clients, or another act on them."""
    ids = tuple(str(number % 1_000 + client) for client in range(number % 20 + 1))
    principal = Principal("person-1", f"P-{number % 40:08X}", frozenset({"manager"}), Status.ACTIVE)
    resource = Resource("client", "party.party", ids, fields=frozenset({"name", "phone"}))
    request = AccessRequest(act_id=f"act-{number}", principal=principal, action=action, resource=resource, context=Context(at))
    clients = frozenset(ids)
    return access_event(
        request=request,
        decision=Allow((Because(ALLOWED),), rules=("v1:own",)),
        phase=phase,
        shown=clients,
        taken=clients,
        rows=len(ids),
        fields=("name", "phone"),
        route="rpc model.party.party.read",
    )


def _verify(folder: Path, events: int, rounds: int) -> Row:
    now = BEGIN
    statements = Statements.open(folder, clock=lambda: now)
    log = Log.open(folder / "log", clock=lambda: now)
    log.take(_Producer(events))
    Trees(log, statements, lambda cause: None, lambda: now).step()
    while log.pack():
        pass
    key = statements.newest(KEYS)
    trusted = [fingerprint(key.body.public)] if key is not None and isinstance(key.body, NewKey) else []
    notes, seconds = statements.notes(), []
    for _ in range(rounds):
        begun = time.perf_counter()
        kept: list[StatementError | object] = [one for note in notes for one in find(note)]
        collected = collect([Kept("here", kept, whole=True, own=True)], trusted)  # type: ignore[arg-type] # what `find` gives
        comparison = Comparison(collected.statements)
        problems = [*collected.problems, *log.verify(watch=comparison)]
        problems += comparison.finish(problems)
        seconds.append(time.perf_counter() - begun)
        if problems or comparison.entries != events:
            raise BenchError(f"the record is not as it was made: {problems[:1]}, {comparison.entries} entries")
    log.close()
    statements.close()
    per_event = statistics.median(seconds) / events
    took = f"{statistics.median(seconds):.2f} s, {per_event * 1e6:.1f} us each"
    lines = [f"{events:,} events, packed as the console does, {len(notes)} statements: {took}"]
    return row([one * EVENTS / events / GOAL_SECONDS for one in seconds], floor=1.0, target=0.7, lines=lines)


def _stated(folder: Path, acts: int, rounds: int) -> Row:
    place = folder / "outside"
    place.mkdir(parents=True)
    folder.chmod(0o700)
    statements = Statements.open(folder)
    stated = witnessed(folder / "spool" / "stated", "stated", statements, Outside(statements, [FolderPlace(place)]))
    plain = Spool.open(folder / "spool" / "plain", "plain")
    medians: list[tuple[float, float]] = []
    exports = [act(number, BEGIN, action=Action.EXPORT) for number in range(acts)]
    for _ in range(rounds):
        medians.append((_p50(stated, exports), _p50(plain, exports)))
    stated.append(plain_event(EventAction.SELF_TEST, at=BEGIN))
    if len(statements.after("stated", 0, 1_000_000)) != acts * rounds:
        raise BenchError("not every act was stated")
    stated.close()
    plain.close()
    ours, bare = (statistics.median(values) for values in zip(*medians, strict=True))
    lines = [f"recorded {bare * 1e6:.0f} us, recorded and stated in a folder outside {ours * 1e6:.0f} us; smaller is better"]
    return row([one / other for one, other in medians], floor=10.0, target=5.0, lines=lines)


def _p50(spool: Spool, events: list[Event]) -> float:
    seconds = []
    for event in events:
        begun = time.perf_counter()
        spool.append(event)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)
