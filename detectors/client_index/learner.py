"""Learns clients as they pass the gateway: one created at 10:00 is known to all processes at 10:00."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from detectors.client_index import journal
from detectors.client_index.folder import desk_key, identity, index_folder, index_key, locked
from detectors.client_index.hashing import Hashing
from detectors.client_index.identifier import Identifier
from detectors.client_index.index import ClientIndex
from detectors.knowledge import KnowledgeError

MOST_SEEN = 500_000
"""Values remembered as seen, about 70 bytes each; then all are forgotten, which costs work and loses nothing."""
MOST_WAITING = 200_000
"""Values that wait for a disk that does not answer; what comes beyond them is a fault, and is taken when it passes again."""
_BATCH = 5_000
_LOOK_SECONDS = 5.0
"""How often an idle learner looks whether the index was built anew."""
_AGAIN_SECONDS = 1.0
_NONE: frozenset[int] = frozenset()


class Learner:
    """Notes identifiers without delay and without ever raising; a thread of its own hashes and appends them.

    Nothing is kept in clear but what waits for the thread: of what was seen, only `hash` values that mean nothing in another process.
    """

    def __init__(self, state: Path, regions: Sequence[str], tell: Callable[[str | None], None] = lambda _: None) -> None:
        """`regions` as in `variants.spellings`. `tell` hears from the thread that learning fails (the kind of the fault) and that it works
        again (None). Raises KnowledgeError when the keys cannot be used.
        """
        self._tell = tell
        self._failing = False
        self._folder = index_folder(state)
        self._hashing = Hashing(desk_key(state), index_key(state), regions)
        self._index = ClientIndex(state)
        self._seen: set[int] = set()
        self._known = identity(self._folder)
        self._waiting: deque[Identifier] = deque()
        self._wake = threading.Condition()
        self._busy = False
        self._closing = False
        self.faults = 0
        """What could not be noted or appended (yet)."""
        self.last_fault: str | None = None
        """Kind of the last fault, without any value."""
        self._thread = threading.Thread(target=self._run, name="client-index-learner", daemon=True)
        self._thread.start()

    def fresh(self, marks: Sequence[int]) -> frozenset[int]:
        """Those of the hashes that were not seen before: the caller notes their values now. For whole records, so that known ones cost
        nothing."""
        seen = self._seen
        if seen.issuperset(marks):
            return _NONE
        if len(seen) + len(marks) > MOST_SEEN:
            seen = self._seen = set()
        found = frozenset(marks) - seen
        seen |= found
        return found

    def note(self, identifiers: Iterable[Identifier]) -> None:
        """Learn these values, if they are not known yet. Returns at once."""
        try:
            seen = self._seen
            new = []
            for one in identifiers:
                mark = hash((one.client, one.kind, one.value))
                if mark not in seen:
                    seen.add(mark)
                    new.append(one)
            if new:
                self._put(new)
        except Exception as error:  # noqa: BLE001 # a fault here must not touch the call that it rides on
            self._fault(type(error).__name__)

    def settled(self, timeout_seconds: float) -> bool:
        """Wait until everything that was noted is appended; False if it is not in this time."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._busy, timeout_seconds)

    def close(self) -> None:
        """Append what waits, once, and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(30.0)
        self._index.close()

    def _put(self, new: list[Identifier]) -> None:
        with self._wake:
            full = len(self._waiting) + len(new) > MOST_WAITING
            if not full:
                self._waiting.extend(new)
                self._wake.notify_all()
        if full:
            self._seen = set()  # so that they are noted when they pass again
            self._fault("backlog")
        elif len(self._seen) > MOST_SEEN:
            self._seen = set()

    def _fault(self, kind: str) -> None:
        self.faults += 1
        self.last_fault = kind

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing, _LOOK_SECONDS)
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
                self._busy = bool(batch)
                if self._closing and not batch:
                    return
            done = self._taken(batch)
            if batch and done == self._failing:
                self._failing = not done
                self._tell(None if done else self.last_fault)
            with self._wake:
                self._busy = False
                if not done:
                    self._waiting.extendleft(reversed(batch))
                batch.clear()  # while it waits for more it holds no client
                if not done:
                    if self._closing:
                        return
                    self._wake.wait_for(lambda: self._closing, _AGAIN_SECONDS)
                self._wake.notify_all()

    def _taken(self, batch: list[Identifier]) -> bool:
        """Append a batch; False: it must be tried again."""
        try:
            now = identity(self._folder)
            if now != self._known:
                # A new base file may lack what the old one had: whatever passes from now on is looked at again.
                self._known, self._seen = now, set()
            self._append(batch)
        except (OSError, KnowledgeError) as error:  # a full disk, a damaged file
            self._fault(type(error).__name__)
            return False
        except Exception as error:  # noqa: BLE001 # a value that cannot be hashed must not keep the others
            self._fault(type(error).__name__)
            return len(batch) < 2 or all(self._taken([one]) for one in batch)
        return True

    def _append(self, batch: list[Identifier]) -> None:
        if not batch:
            return
        entries = self._hashing.entries(batch)
        with locked(self._folder, alone=False):
            generation, missing = self._index.lacking(entries)
            if missing:
                journal.append(self._folder, generation, b"".join(entry.line() for entry in missing))
