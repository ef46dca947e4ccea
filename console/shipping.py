"""The thread that ships the record to Elasticsearch: it tries again for as long as it takes, and says how it is doing.

It stands apart from the watch: a server that hangs delays no alert.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from audit_store.elastic import Access, Elastic, ElasticError, StoppedError
from audit_store.elastic_install import Retention
from audit_store.shipping import Shipper
from auth.config_file import ConfigError
from console.services import Services
from console.settings import ElasticSettings

PAUSE_SECONDS = 0.5
"""Between two looks for new events."""
BACK_OFF_SECONDS_MAX = 60.0
"""Between two attempts at most, with jitter; the first ones come after one second, two, four."""
LOOK_SECONDS = 60.0
"""Between two looks for what was shipped: a search then sees what was stored."""
STEP_EVENTS = 5_000
"""After so many the thread looks up: how far it is, whether it shall end."""
STAGE, LOOK_STAGE = "elastic", "elastic look"

type Guard = Callable[[str, Callable[[], object]], bool]
"""Runs a stage of the background work; False if it failed."""


@dataclass(slots=True)
class ElasticHealth:
    """How the shipping is doing, for pages."""

    reads_back: bool
    """Whether there is a reader's identity: without it nobody looks whether what was sent is there."""
    waiting: int = 0
    """Events that have not arrived yet."""
    since: datetime | None = None
    """When the log took the oldest of them."""
    last_shipped: datetime | None = None
    trouble: str | None = None
    """Kind of the last error, None when all is well."""
    advice: str = ""
    """What it said."""
    failing_since: datetime | None = None
    dead_letters: int = 0
    """Events that Elasticsearch keeps only as dead letters, since the start."""
    version: str | None = None


class Shipping:
    """Shipper and connections of an installation."""

    def __init__(self, shipper: Shipper, connections: tuple[Elastic, ...], now: Callable[[], datetime]) -> None:
        """`connections` are ended and closed with the thread."""
        self.health = ElasticHealth(reads_back=len(connections) > 1)
        self._shipper = shipper
        self._connections = connections
        self._now = now
        self._shipped_before = 0
        self._next_look = time.monotonic() + LOOK_SECONDS

    def run(self, ending: threading.Event, guarded: Guard) -> None:
        """Ship until the event is set."""
        failures = 0
        while not ending.is_set():
            moved = self.step(guarded)
            failures = 0 if moved is not None else failures + 1
            if moved != STEP_EVENTS:
                ending.wait(pause_seconds(failures))
        self.close()

    def step(self, guarded: Guard) -> int | None:
        """One attempt; how many events were shipped, None if it failed."""
        shipped = 0

        def ship() -> None:
            nonlocal shipped
            shipped = self._seen(lambda: self._shipper.step(STEP_EVENTS))

        well = guarded(STAGE, ship)
        if well and time.monotonic() >= self._next_look:
            well = guarded(LOOK_STAGE, lambda: self._seen(lambda: self._shipper.look(self._shipped_before)))
            self._shipped_before = self._shipper.position
            self._next_look = time.monotonic() + LOOK_SECONDS
        health = self.health
        health.last_shipped, health.dead_letters = self._shipper.last_shipped, self._shipper.dead_letters
        health.version = self._shipper.version
        return shipped if well else None

    def count(self) -> None:
        """What waits, asked by the watch: the number grows also while a call hangs. Raises LogError."""
        backlog = self._shipper.backlog()
        self.health.waiting, self.health.since = backlog.events, backlog.since

    def end(self) -> None:
        """End a call that is waiting; nothing more is asked."""
        for connection in self._connections:
            connection.end()

    def close(self) -> None:
        """Close the connections; by the thread that used them."""
        for connection in self._connections:
            connection.close()

    def _seen(self, work: Callable[[], int]) -> int:
        """What goes wrong stands in the health, in words."""
        health = self.health
        try:
            done = work()
        except StoppedError:
            return 0
        except Exception as error:
            health.failing_since = health.failing_since or self._now()
            health.trouble, health.advice = type(error).__name__, str(error) if isinstance(error, ElasticError) else ""
            raise
        health.trouble, health.advice, health.failing_since = None, "", None
        return done


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row: doubling up to a bound, and never the same for two installations."""
    if failures == 0:
        return PAUSE_SECONDS
    return min(BACK_OFF_SECONDS_MAX, 2.0 ** (failures - 1)) * random.uniform(0.5, 1)  # noqa: S311 -- spreads attempts, guards nothing


def shipping_for(services: Services, settings: ElasticSettings, now: Callable[[], datetime]) -> Shipping:
    """The shipping of an installation. Raises ConfigError, ElasticError when a file that is named cannot be used."""
    connections = [Elastic(writer_access(settings))]
    reading = reader_access(settings)
    if reading is not None:
        connections.append(Elastic(reading))
    shipper = Shipper(
        services.engine,
        services.log,
        connections[0],
        connections[1] if reading else None,
        services.spool.append,
        installs=None if settings.has_writer else retention_of(settings),
        now=now,
    )
    return Shipping(shipper, tuple(connections), now)


def writer_access(settings: ElasticSettings) -> Access:
    """The identity that adds events. Raises ConfigError."""
    password = _secret(settings.password_file, settings.password)
    api_key = _secret(settings.api_key_file, settings.api_key)
    return Access(settings.url, settings.user, password, api_key, settings.ca, settings.certificate, settings.key)


def reader_access(settings: ElasticSettings) -> Access | None:
    """The identity that searches; None if there is none. Where the server asks nobody who he is, neither does this. Raises ConfigError."""
    if settings.has_writer and not settings.has_reader:
        return None
    password = _secret(settings.reader_password_file, settings.reader_password)
    api_key = _secret(settings.reader_api_key_file, settings.reader_api_key)
    shown = (settings.reader_certificate or settings.certificate, settings.reader_key or settings.key)
    return Access(settings.url, settings.reader_user, password, api_key, settings.ca, *shown)


def access_of(settings: ElasticSettings, user: str, password: str) -> Access:
    """Another identity on the same servers."""
    return Access(settings.url, user, password, None, settings.ca, settings.certificate, settings.key)


def retention_of(settings: ElasticSettings) -> Retention:
    """What the templates are told."""
    return Retention(settings.retention_days, settings.dead_letter_retention_days)


def _secret(path: Path | None, given: SecretStr | None) -> str | None:
    """The secret of a file, or that of the environment."""
    if path is None:
        return None if given is None else given.get_secret_value()
    return _secret_in(path)


def _secret_in(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError([f"{path}: others may use this secret — chmod 600 {path}"])
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({type(error).__name__}) — put the secret alone into this file"]) from None
    if not text or "\n" in text:
        raise ConfigError([f"{path}: holds no secret — put it alone on one line into this file"])
    return text
