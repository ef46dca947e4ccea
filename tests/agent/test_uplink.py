"""Delivery: in order, each event once, whatever the other side answers; the other side is the real intake."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.server import UnreachableError
from agent.uplink import Uplink
from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolReader, Stored
from auth.agent_alarms import AgentAlarms
from auth.agents import KnownAgent
from console.guard import INTAKE_LIMIT_BYTES
from console.intake import Intake, IntakeRefusedError
from tests.audit_store.acts import NOW
from tests.services.forger import seen

AGENT = KnownAgent("00000000000000ff", "P-00000001")


class Wire:
    """Takes bodies to a real intake; can lose requests and answers."""

    def __init__(self, state: Path) -> None:
        self.spools = state / "server"
        self.alarms: list[str] = []
        self.intake = Intake(self.spools, AgentAlarms(lambda event: self.alarms.append(event.document["torwart"]["words"]["cause"])))
        self.bodies: list[bytes] = []
        self.faults: list[str] = []
        """What happens to the next requests: `lost`, `answer lost`, or a raw answer."""

    def __call__(self, body: bytes) -> httpx.Response:
        self.bodies.append(body)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "lost":
            raise UnreachableError("lost")
        if fault not in ("", "answer lost"):
            return httpx.Response(200, content=fault.encode())
        rows = [
            Stored(AGENT.producer, row["epoch"], row["sequence"], row["event"].encode(), bytes.fromhex(row["hash"]))
            for row in json.loads(body)["rows"]
        ]
        try:
            head, status, more = self.intake.deliver(AGENT, rows), 200, {}
        except IntakeRefusedError as error:
            head, status, more = error.head, 409, {"cause": error.cause}
        if fault == "answer lost":
            raise UnreachableError("lost")
        said = {"epoch": head.epoch, "sequence": head.sequence, "hash": head.hash.hex()}
        return httpx.Response(status, json={"head": said, **more})

    def kept(self) -> list[dict[str, Any]]:
        reader = SpoolReader.open(self.spools / AGENT.producer)
        try:
            return [json.loads(row.canonical) for row in reader.read(0, 100_000)]
        finally:
            reader.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(tmp_path)
    yield made
    made.intake.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path / "desk", AGENT.producer)
    yield made
    made.close()


def tell(spool: Spool, count: int, **how: Any) -> list[str]:
    events = [seen(AGENT.producer, AGENT.pseudonym, **how) for _ in range(count)]
    for event in events:
        spool.append(event)
    return [event.id for event in events]


def drain(uplink: Uplink) -> None:
    for _ in range(200):
        try:
            if not uplink.step():
                return
        except UnreachableError:
            uplink._head = None
    raise AssertionError("never done")


def ids(wire: Wire) -> list[str]:
    return [event["event"]["id"] for event in wire.kept() if event["event"]["action"] == "file-seen"]


def test_everything_arrives_in_order_and_once(wire: Wire, spool: Spool) -> None:
    told = tell(spool, 1_100)
    uplink = Uplink(spool, wire)
    drain(uplink)
    told += tell(spool, 3)
    drain(uplink)
    assert ids(wire) == told
    assert wire.alarms == []


@pytest.mark.parametrize("faults", [["lost"] * 5, ["answer lost"] * 5, ["lost", "answer lost", "", "answer lost", "lost", "answer lost"]])
def test_lost_requests_and_lost_answers_change_nothing(wire: Wire, spool: Spool, faults: list[str]) -> None:
    told = tell(spool, 1_300)
    wire.faults = list(faults)
    drain(Uplink(spool, wire))
    assert ids(wire) == told
    assert wire.alarms == []


def test_a_batch_is_bounded_by_its_bytes_and_one_event_always_fits(wire: Wire, spool: Spool) -> None:
    large = {secrets.randbits(64) for _ in range(30_000)}
    told = tell(spool, 12, suspected=large)
    drain(Uplink(spool, wire))
    assert ids(wire) == told
    assert max(map(len, wire.bodies)) < INTAKE_LIMIT_BYTES
    assert len(wire.bodies) > 6


@pytest.mark.parametrize(
    "answer", ["", "<html>sign in to the hotel</html>", "[]", "{}", '{"head":{}}', '{"head":{"epoch":1,"sequence":"x","hash":""}}']
)
def test_an_answer_of_somebody_else_is_no_receipt(wire: Wire, spool: Spool, answer: str) -> None:
    told = tell(spool, 3)
    uplink = Uplink(spool, wire)
    wire.faults = [answer or " "]
    with pytest.raises(UnreachableError):
        uplink.step()
    drain(uplink)
    assert ids(wire) == told


def test_a_record_that_was_restored_from_a_backup_goes_on_in_the_open_and_loses_nothing_new(tmp_path: Path, wire: Wire) -> None:
    spool = Spool.open(tmp_path / "desk", AGENT.producer)
    told = tell(spool, 2)
    drain(Uplink(spool, wire))
    spool.close()
    backup = {path.name: path.read_bytes() for path in (tmp_path / "desk").iterdir()}
    spool = Spool.open(tmp_path / "desk", AGENT.producer)
    told += tell(spool, 3)
    drain(Uplink(spool, wire))
    spool.close()
    for path in (tmp_path / "desk").iterdir():
        path.unlink()
    for name, data in backup.items():
        (tmp_path / "desk" / name).write_bytes(data)
    spool = Spool.open(tmp_path / "desk", AGENT.producer)
    told += tell(spool, 4)
    drain(Uplink(spool, wire, delivered=2))
    assert ids(wire) == told
    drain(Uplink(spool, wire, delivered=2))
    told += tell(spool, 1)
    drain(Uplink(spool, wire, delivered=2))
    assert ids(wire) == told
    alarms = [event for event in wire.kept() if event["event"]["action"] == "store-alarm"]
    assert [alarm["torwart"]["words"]["cause"] for alarm in alarms] == ["the record here is not the one that was delivered"]
    spool.close()


def test_a_record_that_was_removed_begins_anew_behind_what_was_delivered(tmp_path: Path, wire: Wire, spool: Spool) -> None:
    told = tell(spool, 5)
    drain(Uplink(spool, wire))
    fresh = Spool.open(tmp_path / "desk-2", AGENT.producer)
    told += tell(fresh, 2)
    drain(Uplink(fresh, wire))
    assert ids(wire) == told
    fresh.close()


def test_a_record_with_an_edited_row_says_so(tmp_path: Path, wire: Wire, spool: Spool) -> None:
    tell(spool, 2)
    drain(Uplink(spool, wire))
    tell(spool, 3)
    spool._connection.execute("UPDATE event SET canonical = CAST(replace(canonical, 'csv', 'txt') AS BLOB) WHERE sequence = 4")  # type: ignore[union-attr]
    drain(Uplink(spool, wire, delivered=2))
    alarms = [event for event in wire.kept() if event["event"]["action"] == "store-alarm"]
    assert [alarm["torwart"]["words"]["cause"] for alarm in alarms] == ["chain"]
    assert wire.alarms == ["chain"]
    assert len(set(ids(wire))) == 5


def test_an_event_that_the_server_refuses_stays_and_what_came_before_is_kept(wire: Wire, spool: Spool) -> None:
    told = tell(spool, 2)
    spool.append(plain_event(EventAction.SELF_TEST, at=NOW))
    tell(spool, 2)
    uplink = Uplink(spool, wire)
    for _ in range(3):
        with pytest.raises(UnreachableError, match="event_kind"):
            uplink.step()
        uplink._head = None
    assert ids(wire) == told
    assert wire.alarms == ["event_kind"]  # and the rest in the count of the next minute


def test_the_thread_delivers_what_wakes_it_and_says_how_it_stands(wire: Wire, spool: Spool) -> None:
    arrived = threading.Event()
    heard: list[tuple[int, str]] = []

    def told(state: Any) -> None:
        heard.append((state.delivered, state.trouble))
        if state.delivered == 3 and not state.trouble:
            arrived.set()

    wire.faults = ["lost"]
    uplink = Uplink(spool, wire, told, longest_wait_seconds=0.1)
    uplink.start()
    tell(spool, 3)
    uplink.wake()
    assert arrived.wait(20)
    uplink.stop()
    assert heard[0] == (0, "lost")
    assert heard[-1] == (3, "")
