"""An installation's record, watch and ways out, all real, for the tests of notifier and worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from audit_store.alerts import Alerts
from audit_store.event import Event, EventAction
from audit_store.log import Log
from audit_store.pseudonyms import Pseudonyms
from audit_store.search import search
from audit_store.search_index import IndexWriter
from audit_store.spool import Spool
from auth.keys import Keys
from auth.mail_server import MailSettings
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.stepup import StepUp
from auth.used_acts import UsedActs
from console.delivery import Channel
from console.mail import MailChannel
from console.notice import Totals
from console.notify import Notifier
from console.shipping import Shipping
from console.webhook import WebhookChannel
from console.worker import Worker
from detectors.cases import START, Step, events
from detectors.runner import Runner
from tests.services.post import Hook, Mailbox

URL = "http://torwart.localhost:8401"
KEY = bytes(range(32))


@dataclass
class House:
    """`now` is the clock of runner, notifier and worker."""

    state: Path
    engine: Engine
    gateway: Spool
    console: Spool
    log: Log
    now: datetime = START + timedelta(hours=1)

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def happens(self, *steps: Step) -> list[Event]:
        story = events(steps)
        for event in story:
            self.gateway.append(event)
        return story

    def alerts(self) -> Alerts:
        return Alerts(self.engine, self.console.append)

    def runner(self) -> Runner:
        return Runner(self.engine, self.log, self.alerts(), self.console.append, now=self.clock)

    def notifier(self, *channels: Channel, runner: Runner, language: str = "de") -> Notifier:
        return Notifier(
            self.engine,
            self.alerts(),
            self.console.append,
            channels,
            totals=lambda person, at: Totals.of(runner.day(person, at)),
            torwart_url=URL,
            language=language,
        )

    def worker(self, *channels: Channel, runner: Runner | None = None, shipping: Shipping | None = None) -> Worker:
        runner = runner or self.runner()
        keys = Keys(self.engine, self.console.append, "torwart.localhost", URL, RowSeal.of(self.state))
        return Worker(
            spools=self.state / "spool",
            log=self.log,
            runner=runner,
            stepup=StepUp(
                self.engine,
                self.console.append,
                keys,
                Pseudonyms(KEY),
                "boot",
                seal=RowSeal(KEY),
                used=UsedActs(self.state / "used-acts"),
            ),
            notifier=self.notifier(*channels, runner=runner),
            record=self.console.append,
            shipping=shipping,
            search=IndexWriter(self.state / "log"),
            now=self.clock,
        )

    def recorded(self, action: EventAction) -> list[dict]:
        self.log.take(self.console)
        return [logged.document for logged in search(self.log, action=action)]


def mail_way(mailbox: Mailbox) -> MailChannel:
    settings = MailSettings(
        host="127.0.0.1", port=mailbox.port, sender="torwart@firma.example", recipients=("leitung@firma.example",), starttls=False
    )
    return MailChannel(settings, URL)


def hook_way(hook: Hook) -> WebhookChannel:
    return WebhookChannel(hook.url, KEY)


@contextmanager
def open_house(state: Path) -> Iterator[House]:
    engine = open_sealed(state / "torwart.db", state)
    gateway, console = (Spool.open(state / "spool" / name, name) for name in ("gateway", "console"))
    log = Log.open(state / "log", clock=lambda: datetime.now(UTC))
    try:
        yield House(state, engine, gateway, console, log)
    finally:
        for part in (gateway, console, log):
            part.close()
        engine.dispose()
