"""Promises, part 2, faults 1 and 2: kill -9 of the gateway loses no acknowledged answer and lets nothing out."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.killing import WHOLE_GATEWAY
from tests.faults.played_crm import CANARY, PlayedCrm, clients_of, email
from tests.faults.stand import Connection, Stand, shown, stand

CLIENTS = 4
PAGES = 1_500
SPOILT_EVERY = 10
"""Every so many pages one comes as HTML: it is denied."""


class Recorder:
    """A file of its own for what clients got, on disk line by line."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.path = path
        self.count = 0

    def __call__(self, page: int, status: int, body: bytes) -> None:
        with self._lock:
            os.write(self._handle, f"{page} {status} ".encode() + body.replace(b"\n", b" ") + b"\n")
            os.fsync(self._handle)
            self.count += 1

    def lines(self) -> list[tuple[int, int, str]]:
        """Page, status and body of each answer."""
        parts = (line.split(" ", 2) for line in self.path.read_text(encoding="utf-8").splitlines())
        return [(int(page), int(status), body) for page, status, body in parts]


def work(connection: Connection, pages: Iterator[int], quota: Iterator[None], recorder: Recorder) -> None:
    """A client: page after page, each once, until its quota is used up or the connection breaks."""
    for _ in quota:
        page = next(pages)
        try:
            heard = connection.page(page)
        except (OSError, http.client.HTTPException):
            return
        recorder(page, heard.status, heard.body)


def one_life(gateway: Stand, pages: Iterator[int], recorder: Recorder, chance: random.Random) -> None:
    """From the start to the kill, at a random moment of the work."""
    gateway.start()
    before, wanted = recorder.count, chance.randint(10, 28)
    quota = iter([None] * 29)  # list iterators are safe to share between threads
    connections = [gateway.connect() for _ in range(CLIENTS)]
    threads = [threading.Thread(target=work, args=(connection, pages, quota, recorder)) for connection in connections]
    for thread in threads:
        thread.start()
    while recorder.count - before < wanted and any(thread.is_alive() for thread in threads):
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.004))
    pid = gateway.pid
    gateway.kill()
    assert not Path(f"/proc/{pid}").exists()
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()
    assert recorder.count > before, "nobody was answered in this life"


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_let_nothing_out(tmp_path: Path) -> None:
    crm = PlayedCrm(spoilt=frozenset(range(0, PAGES, SPOILT_EVERY)))
    recorder = Recorder(tmp_path / "client")
    chance = random.Random()  # noqa: S311 -- moments, not secrets
    pages = itertools.count()
    with stand(tmp_path / "firm", crm.port) as gateway:
        kills = 0
        for _ in range(WHOLE_GATEWAY):
            one_life(gateway, pages, recorder, chance)
            kills += 1
        gateway.start()
        last = gateway.page(PAGES - 1)
        assert last.status == 200
        gateway.stop()
        record, problems = gateway.record(), gateway.problems()
    crm.close()

    assert kills == WHOLE_GATEWAY
    assert problems == []
    released = Counter(shown(event) for event in record if shown(event))
    lines = recorder.lines()
    acknowledged = [page for page, status, _ in lines if status == 200]
    assert len(lines) > 10 * WHOLE_GATEWAY
    assert {page: released[frozenset(clients_of(page))] for page in acknowledged} == dict.fromkeys(acknowledged, 1)
    # What was recorded and never arrived is no more than what was under way at the kills.
    assert sum(released.values()) - len(acknowledged) - 1 <= WHOLE_GATEWAY * CLIENTS

    text = recorder.path.read_text(encoding="utf-8")
    allowed = {email(clients_of(page)[0]) for page in acknowledged}
    found = {word.partition('"')[0] for word in text.split('"') if word.startswith(CANARY)}
    assert found <= allowed
    denied = [(status, body) for page, status, body in lines if page % SPOILT_EVERY == 0]
    assert denied
    assert all(status == 502 and CANARY not in body for status, body in denied)
