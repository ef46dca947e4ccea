"""The console's background work: take the producers' records into the central log, run the behaviour rules, end open acts, tell somebody.

One thread watches, every quarter of a second; one more for each way out sends, so that a mail server that hangs delays no alert; one keeps
the log's own index for searching up, one ships the record to Elasticsearch, one signs statements about it and gets them outside, and one
takes out once a day what is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

from audit_store.event import Event, EventAction, plain_event
from audit_store.log import Log
from audit_store.manifests import Manifests
from audit_store.pseudonyms import secret
from audit_store.retention_run import Retention
from audit_store.search_index import IndexWriter
from audit_store.spool import FILE, SpoolError, SpoolReader
from auth.mail_server import MailSettings
from auth.order_key import signed_order
from auth.row_alarms import RowAlarms
from auth.stepup import StepUp
from console.asking import Asking
from console.checkpoints import CheckpointHealth, Checkpoints, checkpoints_for
from console.confirm import Confirmations
from console.delivery import Channel
from console.file_rules import FileRules
from console.mail import MailChannel
from console.notice import Totals
from console.notify import Notifier
from console.orders import OrderStage
from console.own_alarms import OwnAlarms
from console.recovery_mail import RecoveryMail
from console.retaining import Retaining
from console.row_watch import RowWatch
from console.services import Services
from console.settings import ElasticSettings, WebhookSettings
from console.shipping import ElasticHealth, Shipping, shipping_for
from console.trimming import Trimming
from console.webhook import WebhookChannel
from detectors.runner import Runner

PAUSE_SECONDS = 0.25
"""Between two rounds: with it an alert is there well within a second of the deed, and an idle machine stays idle."""
EXPIRE_EVERY_ROUNDS = 4
"""It takes the database's write lock for a moment, which the data path wants too."""
LEAD_EVERY_ROUNDS = 20
"""Every five seconds it is asked who watches."""
SEND_PAUSE_SECONDS = 0.5
OWN_ALARMS_PAUSE_SECONDS = 5
"""A fault of Torwart's own is told well within a minute (promises, fault 11), several at once in one mail."""
ASKING_PAUSE_SECONDS = 2
"""Whoever has to approve something is told within seconds."""
INDEX_PAUSE_SECONDS = 1.0
"""Between two looks of the search: what it has not yet, an answer reads from the log itself."""
SHIP, STATE, RETAIN, STOP_SECONDS = "ship", "state", "retain", 10
"""The threads that ship, that state and that take out what is over, and how long is waited for them at the end: what they have not done
they do next time."""
_NOTHING: Mapping[str, Callable[[], object]] = MappingProxyType({})
WEBHOOK_KEY = "webhook.key"
"""Of `state/keys`: what a receiver of the web hook is given, in hexadecimal, to check signatures."""


@dataclass(slots=True)
class Health:
    """How the background work is doing, for pages and checks."""

    last_run: datetime | None = None
    """End of the last round; older than a few seconds means that nobody watches."""
    backlog: int = 0
    """Events in the central log that no rule has seen yet."""
    waiting: int = 0
    """Notices that have not arrived yet."""
    elastic: ElasticHealth | None = None
    """How the shipping to Elasticsearch is doing; None if there is none."""
    checkpoints: CheckpointHealth | None = None
    """How the signed statements about the record are doing; None if there are none."""
    errors: dict[str, str] = field(default_factory=dict)
    """Stage -> kind of the error that it ended with last time; empty when all is well."""

    @property
    def well(self) -> bool:
        places = self.checkpoints.places if self.checkpoints else ()
        return self.last_run is not None and not self.errors and not any(place.trouble for place in places)


class Worker:
    """Everything that happens without anybody asking for it."""

    def __init__(
        self,
        *,
        spools: Path,
        log: Log,
        runner: Runner,
        stepup: StepUp,
        notifier: Notifier,
        record: Callable[[Event], object],
        search: IndexWriter | None = None,
        before_rules: Mapping[str, Callable[[], object]] = _NOTHING,
        shipping: Shipping | None = None,
        checkpoints: Checkpoints | None = None,
        trimming: Trimming | None = None,
        own_alarms: OwnAlarms | None = None,
        retaining: Retaining | None = None,
        asking: Asking | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`spools` is the folder with one folder per producer; `search` is the log's own index, which is kept up in a thread of its own;
        `before_rules` are further stages by name, between intake and rules.
        """
        self.health = Health(elastic=shipping.health if shipping else None, checkpoints=checkpoints.health if checkpoints else None)
        self._shipping = shipping
        self._checkpoints = checkpoints
        self._trimming = trimming
        self._own_alarms = own_alarms
        self._retaining = retaining
        self._asking = asking
        self._spools = spools
        self._readers: dict[Path, tuple[int, SpoolReader]] = {}
        self._log = log
        self._runner = runner
        self._stepup = stepup
        self._notifier = notifier
        self._search = search
        self._record = record
        self._before_rules = before_rules
        self._now = now
        self._ending = threading.Event()
        self._to_send = {channel: threading.Event() for channel in notifier.channels}
        self._threads: list[threading.Thread] = []
        self._leads: Callable[[], bool] = lambda: True
        self._end: Callable[[], object] = lambda: None

    def start(self, leads: Callable[[], bool] = lambda: True, end: Callable[[], object] = lambda: None) -> None:
        """Begin; may be called once.

        `leads`: whether this process watches now (`audit_store.leader`); one that does not only hands in its machine's records. `end` is
        called when that has changed: what is kept in memory is the other one's past, so the process begins anew.
        """
        self._leads, self._end = leads, end
        if not leads():
            self._threads = [threading.Thread(target=self._stand_by, name="stand by", daemon=True)]
            if self._search is not None:
                self._threads.append(threading.Thread(target=self._index, name="index", daemon=True))
            for thread in self._threads:
                thread.start()
            return
        self._threads = [threading.Thread(target=self._watch, name="watch", daemon=True)]
        self._threads += [
            threading.Thread(target=self._send, args=(channel,), name=f"send {channel}", daemon=True) for channel in self._to_send
        ]
        if self._search is not None:
            self._threads.append(threading.Thread(target=self._index, name="index", daemon=True))
        if self._own_alarms is not None:
            self._threads.append(threading.Thread(target=self._tell_own, args=(self._own_alarms,), name="own alarms", daemon=True))
        if self._asking is not None:
            self._threads.append(threading.Thread(target=self._ask, args=(self._asking,), name="approvals", daemon=True))
        if self._shipping is not None:
            words = (self._ending, self._guarded)
            self._threads.append(threading.Thread(target=self._shipping.run, args=words, name=SHIP, daemon=True))
        if self._retaining is not None:
            words = (self._ending, self._guarded)
            self._threads.append(threading.Thread(target=self._retaining.run, args=words, name=RETAIN, daemon=True))
        if self._checkpoints is not None:
            words = (self._ending, self._guarded)
            self._threads.append(threading.Thread(target=self._checkpoints.run, args=words, name=STATE, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after what is being done just now."""
        self._ending.set()
        for wake in self._to_send.values():
            wake.set()
        if self._shipping is not None:
            self._shipping.end()
        for thread in self._threads:
            thread.join(STOP_SECONDS if thread.name in (SHIP, STATE, RETAIN) else None)
        for _, reader in self._readers.values():
            reader.close()
        self._readers.clear()
        if self._search is not None:
            self._search.close()

    def step(self) -> None:
        """One round of everything, sending included."""
        self._round()
        for channel in self._notifier.channels:
            self._send_due(channel)
        self._index_due()
        if self._shipping is not None:
            self._shipping.step(self._guarded)
        if self._checkpoints is not None:
            self._checkpoints.step(self._guarded)
        self._count()

    def _watch(self) -> None:
        rounds = 0
        while not self._ending.wait(PAUSE_SECONDS):
            self._round(acts=rounds % EXPIRE_EVERY_ROUNDS == 0)
            self._count()
            rounds += 1
            if rounds % LEAD_EVERY_ROUNDS == 0:
                self._guarded("lead", lambda: self._leads() or self._end())

    def _stand_by(self) -> None:
        """Somebody else watches; this machine's records go into the log all the same."""
        rounds = 0
        while not self._ending.wait(PAUSE_SECONDS):
            self._take_and_trim()
            self.health.last_run = self._now()
            rounds += 1
            if rounds % LEAD_EVERY_ROUNDS == 0:
                self._guarded("lead", lambda: self._leads() and self._end())

    def _send(self, channel: str) -> None:
        wake = self._to_send[channel]
        while not self._ending.is_set():
            self._send_due(channel)
            wake.wait(SEND_PAUSE_SECONDS)
            wake.clear()

    def _send_due(self, channel: str) -> None:
        self._guarded(f"send {channel}", lambda: self._notifier.send_due(channel, self._now()))

    def _tell_own(self, alarms: OwnAlarms) -> None:
        while not self._ending.wait(OWN_ALARMS_PAUSE_SECONDS):
            self._guarded("own alarms", alarms.step)

    def _ask(self, asking: Asking) -> None:
        while not self._ending.wait(ASKING_PAUSE_SECONDS):
            self._guarded("approvals", asking.step)

    def _index(self) -> None:
        while not self._ending.wait(INDEX_PAUSE_SECONDS):
            self._index_due()

    def _index_due(self) -> None:
        index = self._search
        if index is not None:
            self._guarded("search", lambda: index.step(self._log))

    def _round(self, *, acts: bool = True) -> None:
        self._take_and_trim()
        for stage, work in self._before_rules.items():
            self._guarded(stage, work)
        self._guarded("rules", self._runner.step)
        if acts:
            self._guarded("acts", self._stepup.expire)
        self._guarded("queue", self._queue)
        self.health.last_run = self._now()

    def _take_and_trim(self) -> None:
        self._guarded("intake", self._take)
        if self._trimming is not None:
            self._guarded("trim", self._trimming.step)

    def _take(self) -> None:
        """Every producer has a folder below `state/spool`; one that fails keeps no other waiting."""
        failed: Exception | None = None
        found = {path.parent for path in self._spools.glob(f"*/{FILE}")}
        for folder in sorted(found | self._readers.keys()):  # one that was there and is gone fails too
            try:
                self._log.take(self._reader(folder))
            except (SpoolError, OSError) as error:
                failed = error
        if failed is not None:
            raise failed

    def _reader(self, folder: Path) -> SpoolReader:
        """The reader of a spool; another one when the file was put aside and begun anew, which an open file would never show."""
        known, inode = self._readers.get(folder), (folder / FILE).stat().st_ino
        if known is None or known[0] != inode:
            if known is not None:
                known[1].close()
            known = self._readers[folder] = (inode, SpoolReader.open(folder))
        return known[1]

    def _count(self) -> None:
        def look() -> None:
            newest = self._log.tail(1)
            self.health.backlog = newest[-1].sequence - self._runner.position if newest else 0
            self.health.waiting = self._notifier.backlog().waiting
            if self._shipping is not None:
                self._shipping.count()

        self._guarded("count", look)

    def _queue(self) -> None:
        if self._notifier.queue(self._now()):
            for wake in self._to_send.values():
                wake.set()

    def _guarded(self, stage: str, work: Callable[[], object]) -> bool:
        """The outermost guard of the background work: whatever one stage raises, the others go on, and it is seen. False if it failed."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- outermost guard: a failing stage must not end the watch
            known = self.health.errors.get(stage)
            self.health.errors[stage] = type(error).__name__
            if known is None:
                self._say(stage, "failure", {"error": type(error).__name__})
            return False
        if self.health.errors.pop(stage, None) is not None:
            self._say(stage, "success", {})
        return True

    def _say(self, stage: str, outcome: str, facts: dict[str, int | str]) -> None:
        """A stage that begins to fail, or works again, is a fact of the record; if even that fails, the page still shows it."""
        try:
            self._record(plain_event(EventAction.SELF_TEST, at=self._now(), subject=f"worker {stage}", outcome=outcome, numbers=facts))
        except SpoolError:
            self.health.errors["record"] = "SpoolError"
        else:
            self.health.errors.pop("record", None)


def worker_for(
    services: Services, mail: MailSettings | None, webhook: WebhookSettings | None, elastic: ElasticSettings | None = None
) -> Worker:
    """The background work of an installation. Raises RuleError when a behaviour rule is broken, SecretError, LogError, SpoolError,
    StatementsError, ConfigError and ElasticError when a file of the section elastic cannot be used.
    """
    installation, record = services.installation, services.spool.append
    channels: list[Channel] = []
    own_alarms = by_mail = None
    if mail is not None:
        by_mail = MailChannel(mail, installation.torwart_url)
        channels.append(by_mail)
        own_alarms = OwnAlarms(
            services.engine,
            services.log,
            by_mail.send_text,
            torwart_url=installation.torwart_url,
            language=installation.language,
            now=lambda: datetime.now(UTC),
        )
    if webhook is not None:
        channels.append(WebhookChannel(webhook.url, secret(installation.state / "keys", WEBHOOK_KEY)))
    runner = Runner(services.engine, services.log, services.alerts, record)
    notifier = Notifier(
        services.engine,
        services.alerts,
        record,
        channels,
        totals=lambda pseudonym, at: Totals.of(runner.day(pseudonym, at)),
        torwart_url=installation.torwart_url,
        language=installation.language,
    )
    confirmations = Confirmations(
        engine=services.engine,
        log=services.log,
        own=services.spool,
        record=record,
        index=services.index,
        manifests=Manifests(services.engine),
        people=services.people,
        directory=services.directory,
        rules=FileRules(installation.state, services.log, lambda: datetime.now(UTC)),
        orders=services.orders,
    )
    orders = OrderStage(
        engine=services.engine,
        log=services.log,
        own=services.spool,
        record=record,
        orders=services.orders,
        sign=partial(signed_order, installation.state),
    )
    checkpoints = checkpoints_for(services, lambda: datetime.now(UTC))
    # Of several machines only the one that watches signs what the log has: the others cannot tell what is covered.
    stated = checkpoints.stated if installation.machine is None else None
    spools = installation.state / "spool"
    recoveries = RecoveryMail(
        services.engine,
        record,
        services.codes.recoveries,
        services.codes.glasses,
        by_mail.send_text if by_mail is not None else None,
        outside=installation.recovery.tell,
        torwart_url=installation.torwart_url,
    )
    return Worker(
        spools=spools,
        log=services.log,
        runner=runner,
        stepup=services.stepup,
        notifier=notifier,
        record=record,
        before_rules={
            "rows": RowWatch(RowAlarms(services.engine, record, services.pseudonyms), lambda: datetime.now(UTC)).step,
            "plans": services.plans.carry_out,
            "confirm": confirmations.step,
            "orders": orders.step,
            "refused agents": services.agent_alarms.flush,
            "recoveries": recoveries.step,
            "pack": services.log.pack,
        },
        search=IndexWriter(installation.state / "log"),
        shipping=shipping_for(services, elastic, lambda: datetime.now(UTC)) if elastic is not None else None,
        checkpoints=checkpoints,
        trimming=Trimming(spools, services.log, installation.record.spool_days, lambda: datetime.now(UTC), stated),
        own_alarms=own_alarms,
        asking=Asking(
            services.approvals,
            services.pseudonyms,
            by_mail.send_text if by_mail is not None else None,
            torwart_url=installation.torwart_url,
            now=lambda: datetime.now(UTC),
            sole=installation.sole_reviewer,
            language=installation.language,
            reveals=services.reveals,
            officer=installation.privacy.officer,
        ),
        retaining=_retaining_of(services),
    )


def _retaining_of(services: Services) -> Retaining:
    """What takes out of the record what is over."""
    settings = services.installation.retention
    retention = Retention(
        engine=services.engine,
        log=services.log,
        own=services.spool,
        spool=services.installation.spool("console"),
        state=services.installation.state,
        days=settings.days,
        hold=frozenset(settings.hold),
        now=lambda: datetime.now(UTC),
    )
    return Retaining(retention)
