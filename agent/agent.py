"""The agent's life: the system tells of changes, one thread looks at files, one delivers, one keeps house; a queue is between them."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from agent.aside import Aside
from agent.desk import PATH as FILTER
from agent.desk import Desk
from agent.identity import Counter, Identity, own_key
from agent.journal import FILE as JOURNAL
from agent.journal import File, Journal
from agent.observe import ClosingError, Observer, Result
from agent.orders import PATH as ORDERS
from agent.orders import Orders
from agent.places import Places
from agent.seen import Seen
from agent.server import Server, UnreachableError
from agent.settings import AgentSettings
from agent.status import Status
from agent.uplink import PATH as INTAKE
from agent.uplink import Uplink
from agent.waiting import CAPACITY, Waiting
from agent.walks import Walks
from agent.watch import Watch
from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from audit_store.sqlite_file import StoreError
from detectors.verdict import Unread, Verdict

LOCK_FILE = "lock"
TICK_SECONDS = 1.0
CLOSED_REST_SECONDS = 0.15
"""Rest of a file whose writer has closed it or that was moved here: nothing more is expected of it."""
LAG_SECONDS = 60.0
"""How far the server's index may be behind the CRM: what was found clean so shortly before the last question is doubted too."""
NO_FILTER_SECONDS = 2.0
"""Between two questions for the filter as long as there is none: without it nothing can be recognised."""
LOSS_EVERY_SECONDS = 60.0
"""Between two events about what was seen late; the second one has all the numbers since the first."""
WALK_UP_TO = CAPACITY // 2
"""Files that wait, above which walks stand still: the other half of the queue is for what happens just now."""
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
        self._status = Status(state)
        self._server = Server(settings.url, settings.ca)
        self._places = Places(settings.watch)
        self._devices: dict[Path, tuple[int, ...]] | None = None
        self._spool = Spool.open(state / "spool", identity.producer)
        self._seen = Seen(state / "seen.db")
        self._desk = Desk(
            state,
            lambda tag: self._server.signed(identity.agent, key, counter, "GET", FILTER, headers={"if-none-match": tag} if tag else {}),
        )
        self._uplink = Uplink(
            self._spool,
            lambda body: self._server.signed(identity.agent, key, counter, "POST", INTAKE, body),
            lambda delivery: self._status.deliver(delivery.delivered, delivery.trouble),
            self._status.delivered,
            settings.retry_seconds,
            lambda highest: self._orders.heard(highest),
        )
        self._journal = Journal(state / JOURNAL)
        self._aside = Aside(state, self._places, self._seen, self._journal)
        self._orders = Orders(
            ask=lambda last: self._server.signed(identity.agent, key, counter, "GET", f"{ORDERS}?after={last}"),
            identity=identity,
            journal=self._journal,
            aside=self._aside,
            seen=self._seen,
            spool=self._spool,
            told=self._uplink.wake,
            moved=self._moved,
            idle_seconds=settings.order_seconds,
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
            ours=self._aside.is_writing,
        )
        self._ending = threading.Event()
        self._walk_now = threading.Event()
        self._walks = Walks(
            self._places,
            self._seen,
            lambda path, modified: self._waiting.put(path, self._rest_of(modified)),
            lambda: len(self._waiting) < WALK_UP_TO and not self._ending.is_set(),
        )
        self._overflows = self._overflows_told = self._late = 0
        self._next_loss = 0.0
        self._faults: set[str] = set()
        self._next_walk = self._next_filter = self._asked = 0.0
        self._fetched = time.time()
        works = (self._look, self._obey, self._keep_house)
        self._threads = [threading.Thread(target=work, name=work.__name__, daemon=True) for work in works]

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
        self._journal.close()
        self._server.close()

    # what the system tells

    def _changed(self, path: Path, written: bool) -> None:
        rest = self._settings.rest_seconds
        if not written:
            with suppress(OSError):  # gone again, which is found when it is looked at
                rest = self._rest_of(path.lstat().st_mtime)
        self._waiting.put(path, min(CLOSED_REST_SECONDS, rest) if written else rest)

    def _arrived(self, *folders: Path) -> None:
        self._walks.ask(*folders)
        self._walk_now.set()

    def _overflowed(self) -> None:
        self._overflows += 1  # of one thread only: watchdog reads the system's queue in one
        self._arrived(*self._places.roots())

    # the thread that looks

    def _look(self) -> None:
        recovered = False
        while not self._ending.is_set():
            path: Path | None = None
            try:
                if not recovered:
                    self._observer.recover()
                    self._uplink.wake()
                    recovered = True
                if self._desk.scanner() is None:
                    self._status.say("scan", self._desk.trouble)
                    self._ending.wait(TICK_SECONDS)
                elif (path := self._waiting.take(TICK_SECONDS)) is not None:
                    self._look_at(path)
                    self._status.say("scan", "")
                else:
                    self._seen.flush()
            except ClosingError:
                return
            except Exception as error:  # noqa: BLE001 -- outermost guard: a file or a full disk that breaks one look must not end all looking
                self._status.say("scan", f"{path.name if path else 'the record'}: {error or type(error).__name__}")
                self._say_fault(error)
                if path is not None:
                    self._waiting.put(path, AGAIN_SECONDS)  # nothing is lost, it comes later
                else:
                    self._ending.wait(TICK_SECONDS)

    def _look_at(self, path: Path) -> None:
        result = self._observer.look(path)
        match result:
            case Result.TOLD:
                self._uplink.wake()
                self._orders.soon()
            case Result.CHANGING:
                self._waiting.put(path, self._settings.rest_seconds)
            case Result.UNREADABLE:
                self._waiting.put(path, AGAIN_SECONDS)

    def _scan(self, content: bytes, *, name: str | None = None) -> Verdict:
        scanner = self._desk.scanner()
        return scanner.scan_blocking(content, name=name) if scanner is not None else Verdict(unread=(Unread.CRASHED,))

    # the thread that obeys

    def _obey(self) -> None:
        recovered = False
        while not self._ending.is_set():
            try:
                if not recovered:
                    self._orders.recover()
                    recovered = True
                self._orders.step()
                self._status.say("orders", "" if self._identity.order_key else "enrolled before orders could be given: enrol anew")
                self._orders.wait(self._ending)
            except UnreachableError as error:
                self._status.say("orders", str(error))
                self._ending.wait(min(self._settings.retry_seconds, self._settings.order_seconds))
            except Exception as error:  # noqa: BLE001 -- outermost guard: an order or a full disk that breaks one step must not end all obeying
                self._status.say("orders", str(error) or type(error).__name__)
                self._say_fault(error)
                self._ending.wait(TICK_SECONDS)

    def _moved(self, file: File) -> None:
        """What is in the file's place now is new: a second name of it, or what came in its stead."""
        self._waiting.put(file.path, 0)
        self._arrived(file.root)

    # the thread that keeps house

    def _keep_house(self) -> None:
        works = (self._cover, self._refresh, self._walks.go_on, self._say_losses)
        while not self._ending.is_set():
            for work in works:
                try:
                    work()
                except Exception as error:  # noqa: BLE001 -- outermost guard: what fails once must not end the watch
                    self._status.say(work.__name__.strip("_"), str(error) or type(error).__name__)
                else:
                    self._status.say(work.__name__.strip("_"), "")
            self._walk_now.wait(TICK_SECONDS)
            self._walk_now.clear()

    def _cover(self) -> None:
        """Watch what is there now, and walk over everything from time to time. Raises SeenError, OSError."""
        devices = self._places.devices()
        changed = {mount for mount, _ in devices.items() ^ self._devices.items()} if self._devices is not None else set()
        for mount in changed:
            self._seen.forget(mount)  # another stick may have the same numbers: what is on it now is new here
        self._devices = devices
        self._walks.ask(*self._watch.cover(self._places.roots(), anew=changed))
        if time.monotonic() >= self._next_walk:
            self._next_walk = time.monotonic() + 60 * self._settings.rescan_minutes
            self._walks.ask(*self._places.roots())

    def _refresh(self) -> None:
        """Fetch the filter; what was found clean since the last time is looked at again with the new one.

        Raises UnreachableError, OSError, SeenError.
        """
        seconds, now = self._settings.refresh_seconds, time.time()
        without = not self._desk.has_filter
        if time.monotonic() < (min(self._next_filter, self._asked + NO_FILTER_SECONDS) if without else self._next_filter):
            return
        self._asked = time.monotonic()
        self._next_filter = self._asked + min(seconds, self._settings.retry_seconds)
        if self._desk.refresh():
            for _root, path in self._seen.doubt_clean(min(self._fetched, now) - seconds - LAG_SECONDS):
                self._waiting.put(path, 0)
        self._fetched = now
        self._next_filter = time.monotonic() + seconds

    def _rest_of(self, modified: float) -> float:
        """A file that was changed just now may still be written; one that was not rests already (it was moved here, or is found late).

        A time ahead of the clock says nothing.
        """
        rest = self._settings.rest_seconds
        return rest if time.time() - modified < rest else min(CLOSED_REST_SECONDS, rest)

    def _say_losses(self) -> None:
        """What could not be seen as it happened is a fact of the record; everything is walked over, so that it is seen all the same.

        Raises SpoolError.
        """
        dropped = self._waiting.take_dropped()
        if dropped:
            self._walks.ask(*self._places.roots())
        self._late += dropped
        news = self._overflows - self._overflows_told
        if (self._late or news) and time.monotonic() >= self._next_loss:
            self._record(EventAction.AGENT_LOSS, {"overflows": news, "files_late": self._late})
            self._next_loss = time.monotonic() + LOSS_EVERY_SECONDS
            self._late, self._overflows_told = 0, self._overflows_told + news

    def _say_fault(self, error: Exception) -> None:
        """A fault of ours is told once for each kind; that there is no room to write cannot be."""
        kind = type(error).__name__
        if isinstance(error, StoreError) or kind in self._faults:
            return
        with suppress(SpoolError):
            self._record(EventAction.AGENT_LOSS, {"error": kind})
            self._faults.add(kind)

    # pieces

    def _record(self, action: EventAction, numbers: dict[str, int | str] | None = None) -> None:
        now, who, machine = datetime.now(UTC), self._identity.pseudonym, self._identity.producer
        outcome = "unknown" if action is EventAction.AGENT_LOSS else "success"
        self._spool.append(plain_event(action, at=now, pseudonym=who, subject=machine, outcome=outcome, numbers=numbers))
        self._uplink.wake()
