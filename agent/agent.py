"""The agent's life: the system tells of changes, one thread looks at files, one delivers, one keeps house; a queue is between them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from agent.desk import PATH as FILTER
from agent.desk import Desk
from agent.identity import Counter, Identity, own_key, write_private
from agent.observe import ClosingError, Observer, Result
from agent.places import Places, walk
from agent.seen import Seen, SeenError, Stamp
from agent.server import Server, UnreachableError
from agent.settings import AgentSettings
from agent.uplink import PATH as INTAKE
from agent.uplink import Delivery, Uplink
from agent.waiting import Waiting
from agent.watch import Watch
from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from detectors.verdict import Unread, Verdict

STATUS_FILE = "status.json"
LOCK_FILE = "lock"
TICK_SECONDS = 1.0
CLOSED_REST_SECONDS = 0.15
"""Rest of a file whose writer has closed it or that was moved here: nothing more is expected of it."""
AGAIN_SECONDS = 20.0
"""After which a file is looked at again that could not be read, or told of, just now."""


class Agent:
    """One machine's agent. `start`, then `stop`; what it cannot do now it does later."""

    def __init__(self, settings: AgentSettings, identity: Identity) -> None:
        """Raises IdentityError, SpoolError, SeenError, OSError: what cannot be used is said at once."""
        state = settings.state
        key, counter = own_key(state), Counter(state)
        self._settings = settings
        self._identity = identity
        self._server = Server(settings.url, settings.ca)
        self._places = Places(settings.watch)
        self._spool = Spool.open(state / "spool", identity.producer)
        self._seen = Seen(state / "seen.db")
        self._desk = Desk(
            state,
            lambda tag: self._server.signed(identity.agent, key, counter, "GET", FILTER, headers={"if-none-match": tag} if tag else {}),
        )
        self._uplink = Uplink(
            self._spool,
            lambda body: self._server.signed(identity.agent, key, counter, "POST", INTAKE, body),
            lambda delivery: self._tell(delivery),
            _delivered(state),
            settings.retry_seconds,
        )
        self._waiting = Waiting()
        self._watch = Watch(self._changed, self._arrived, lambda path: self._waiting.put(path, 0), self._overflowed)
        self._observer = Observer(
            places=self._places,
            seen=self._seen,
            spool=self._spool,
            device=identity.producer,
            pseudonym=identity.pseudonym,
            scan=self._scan,
            closing=lambda: self._ending.is_set(),
        )
        self._ending = threading.Event()
        self._walk_now = threading.Event()
        self._folders: set[Path] = set()
        """Folders to walk over next; guarded by the lock."""
        self._lock = threading.Lock()
        self._overflows = 0
        self._threads = [threading.Thread(target=work, name=work.__name__, daemon=True) for work in (self._look, self._keep_house)]

    def start(self) -> None:
        """Begin. Raises SpoolError, OSError."""
        self._record(EventAction.AGENT_STARTED)
        self._watch.start()
        self._uplink.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End: what was found is in the record, what was only begun is done again at the next start."""
        self._ending.set()
        self._watch.stop()
        self._waiting.close()
        self._walk_now.set()
        self._desk.close()
        for thread in self._threads:
            thread.join(10)
        with suppress(SpoolError):
            self._record(EventAction.AGENT_STOPPED)
        self._uplink.stop()
        self._spool.close()
        self._seen.close()
        self._server.close()

    # what the system tells

    def _changed(self, path: Path, written: bool) -> None:
        rest = self._settings.rest_seconds
        if not written:
            with suppress(OSError):  # gone again, which is found when it is looked at
                rest = self._rest_of(path.lstat().st_mtime)
        self._waiting.put(path, min(CLOSED_REST_SECONDS, rest) if written else rest)

    def _arrived(self, folder: Path) -> None:
        with self._lock:
            self._folders.add(folder)
        self._walk_now.set()

    def _overflowed(self) -> None:
        with self._lock:
            self._overflows += 1
        self._arrived_all()

    def _arrived_all(self) -> None:
        for root in self._places.roots():
            self._arrived(root)

    # the thread that looks

    def _look(self) -> None:
        again: Callable[[], object] = self._observer.recover
        while not self._ending.is_set():
            try:
                again()
                break
            except (SeenError, SpoolError):
                self._ending.wait(AGAIN_SECONDS)
        self._uplink.wake()
        while not self._ending.is_set():
            if self._desk.scanner() is None:
                self._ending.wait(TICK_SECONDS)
                continue
            path = self._waiting.take(TICK_SECONDS)
            if path is not None:
                self._look_at(path)

    def _look_at(self, path: Path) -> None:
        try:
            result = self._observer.look(path)
        except ClosingError:
            return
        except (SeenError, SpoolError):
            self._waiting.put(path, AGAIN_SECONDS)  # a full disk: nothing is lost, it comes later
            return
        match result:
            case Result.TOLD:
                self._uplink.wake()
            case Result.CHANGING:
                self._waiting.put(path, self._settings.rest_seconds)
            case Result.UNREADABLE:
                self._waiting.put(path, AGAIN_SECONDS)

    def _scan(self, content: bytes, *, name: str | None = None) -> Verdict:
        scanner = self._desk.scanner()
        return scanner.scan_blocking(content, name=name) if scanner is not None else Verdict(unread=(Unread.CRASHED,))

    # the thread that keeps house

    def _keep_house(self) -> None:
        next_walk = next_filter = 0.0
        fetched = time.time()
        while not self._ending.is_set():
            now = time.monotonic()
            fresh = self._watch.cover(self._places.roots())
            if now >= next_walk:
                next_walk = now + 60 * self._settings.rescan_minutes
                self._arrived_all()
            for root in fresh:
                self._arrived(root)
            if now >= next_filter:
                seconds, before = self._settings.refresh_seconds, fetched
                fetched = self._refresh(before)
                next_filter = now + (seconds if fetched != before else min(seconds, self._settings.retry_seconds))
            self._walk_folders()
            self._say_losses()
            self._walk_now.wait(TICK_SECONDS)
            self._walk_now.clear()

    def _refresh(self, fetched: float) -> float:
        """Fetch the filter; what was found clean since the last time is looked at again with the new one."""
        now = time.time()
        try:
            if self._desk.refresh():
                for _root, path in self._seen.doubt_clean(min(fetched, now) - self._settings.refresh_seconds):
                    self._waiting.put(path, 0)
        except (UnreachableError, OSError, SeenError):
            return fetched
        return now

    def _walk_folders(self) -> None:
        with self._lock:
            folders, self._folders = self._folders, set()
        for folder in sorted(folders):
            if self._ending.is_set() or any(folder != other and folder.is_relative_to(other) for other in folders):
                continue
            try:
                self._walk_over(folder)
            except (OSError, SeenError):
                continue  # gone, or nothing can be read now: the next walk comes

    def _walk_over(self, folder: Path) -> None:
        """Whatever is not known as it is waits to be looked at. After a walk over a whole place what was not found counts as gone."""
        there: set[tuple[int, int]] = set()
        for path, facts in walk(folder):
            if self._ending.is_set():
                return
            place, stamp = self._places.of(path), Stamp.of(facts)
            if place is None:
                continue
            there.add((stamp.device, stamp.inode))
            if not self._seen.same(place.path, stamp):
                self._waiting.put(path, self._rest_of(facts.st_mtime))
        if any(place.path == folder for place in self._places):
            self._seen.sweep(folder, there)

    def _rest_of(self, modified: float) -> float:
        """A file that was changed just now may still be written; one that was not rests already (it was moved here, or is found late).

        A time ahead of the clock says nothing.
        """
        rest = self._settings.rest_seconds
        return rest if time.time() - modified < rest else min(CLOSED_REST_SECONDS, rest)

    def _say_losses(self) -> None:
        """What could not be seen as it happened is a fact of the record; everything is walked over, so that it is seen all the same."""
        dropped = self._waiting.take_dropped()
        with self._lock:
            overflows, self._overflows = self._overflows, 0
        if dropped and not len(self._waiting):
            self._arrived_all()
        if not (dropped or overflows):
            return
        try:
            self._record(EventAction.AGENT_LOSS, {"overflows": overflows, "files_late": dropped})
        except SpoolError:
            with self._lock:
                self._overflows += overflows

    # pieces

    def _record(self, action: EventAction, numbers: dict[str, int | str] | None = None) -> None:
        now, name = datetime.now(UTC), self._identity.producer
        self._spool.append(plain_event(action, at=now, pseudonym=self._identity.pseudonym, subject=name, numbers=numbers))
        self._uplink.wake()

    def _tell(self, delivery: Delivery) -> None:
        with suppress(OSError):
            write_private(self._settings.state / STATUS_FILE, json.dumps(asdict(delivery)).encode())


def _delivered(state: Path) -> int:
    try:
        return int(json.loads((state / STATUS_FILE).read_text(encoding="utf-8"))["delivered"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
