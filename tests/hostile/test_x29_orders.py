"""X29: the response channel must not be remote code on every desk. What is forged, repeated, expired or another's is refused and told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.journal import LEFT
from agent.observe import Result
from agent.server import UnreachableError
from auth.agent_order import ORDER_BYTES_MAX, Order, Verb, order_of
from tests.services.ordered import CONTENT, Machine

ELSEWHERE = "1" * 16


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def untouched(machine: Machine, path: Path) -> bool:
    return path.read_bytes() == CONTENT and machine.held() == [] and machine.told("file-quarantined") == []


def test_an_order_that_another_key_has_signed_is_forged(machine: Machine) -> None:
    path, event = machine.arrives()
    order = machine.order(event)
    other = Ed25519PrivateKey.generate()
    machine.offered = [(order.signed_bytes(), other.sign(order.signed_bytes()))]
    machine.orders.step()
    assert (machine.refusals(), untouched(machine, path)) == (["forged"], True)
    assert machine.journal.last() == 0


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_one_changed_byte_is_a_forgery(machine: Machine, place: int) -> None:
    path, event = machine.arrives()
    signed = machine.order(event).signed_bytes()
    changed = bytearray(signed)
    changed[place % len(changed)] ^= 1
    machine.offered = [(bytes(changed), machine.key.sign(signed))]
    machine.orders.step()
    assert (machine.refusals(), untouched(machine, path)) == (["forged"], True)


def test_an_order_is_good_once(machine: Machine) -> None:
    path, event = machine.arrives()
    order = machine.order(event)
    machine.obeys(order)
    machine.obeys(machine.order(event, Verb.RELEASE))
    machine.obeys(order)
    assert machine.refusals() == ["repeated"]
    assert path.read_bytes() == CONTENT


def test_orders_out_of_their_order_are_refused_also_after_a_new_start(machine: Machine) -> None:
    first, one = machine.arrives("one.csv")
    second, two = machine.arrives("two.csv")
    machine.obeys(machine.order(two, counter=9))
    machine.close()
    machine.open()
    machine.obeys(machine.order(one, counter=8))
    assert (machine.refusals(), first.exists(), second.exists()) == (["repeated"], True, False)
    assert machine.asked == [0, 9]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "expired"),
        ({"agent": ELSEWHERE}, "other_machine"),
        ({"event": "e" * 32}, "never_told"),
        ({"digest": "0" * 64}, "other_content"),
        ({"verb": Verb.RELEASE}, "not_aside"),
    ],
)
def test_a_genuine_order_that_is_not_for_this_file_now_is_refused(machine: Machine, changes: dict[str, object], cause: str) -> None:
    path, event = machine.arrives()
    machine.obeys(replace(machine.order(event), **changes))  # type: ignore[arg-type]
    assert (machine.refusals(), untouched(machine, path)) == ([cause], True)
    (told,) = machine.told("order-refused")
    assert (told["event"]["kind"], told["event"]["severity"], told["user"]["id"]) == ("alert", 73, "P-00000001")
    assert machine.orders.step() == 0
    assert machine.refusals() == [cause]


def test_an_order_for_another_machine_does_not_use_up_this_ones_counter(machine: Machine) -> None:
    path, event = machine.arrives()
    machine.obeys(replace(machine.order(event, counter=1 << 50), agent=ELSEWHERE))
    machine.obeys(machine.order(event))
    assert not path.exists()


def _lines(order: Order) -> list[bytes]:
    return order.signed_bytes().splitlines()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda order: b"",
        lambda order: order.signed_bytes() + b"\n",
        lambda order: order.signed_bytes()[:-1],
        lambda order: order.signed_bytes().replace(b"\n", b"\r\n"),
        lambda order: order.signed_bytes().replace(b"quarantine", b"execute"),
        lambda order: order.signed_bytes().replace(b"quarantine", b"quarantine\n/etc/passwd"),
        lambda order: order.signed_bytes().replace(b"torwart-order-1", b"torwart-order-2"),
        lambda order: b"\n".join((*_lines(order)[:5], b"../" * 10, *_lines(order)[6:])) + b"\n",
        lambda order: b"\n".join((*_lines(order)[:2], b"+1", *_lines(order)[3:])) + b"\n",
        lambda order: b"\n".join((*_lines(order)[:2], b"9" * 40, *_lines(order)[3:])) + b"\n",
        lambda order: order.signed_bytes() + b"x" * ORDER_BYTES_MAX,
        lambda order: "٣".encode().join((order.signed_bytes(), b"")),
        lambda order: json.dumps({"verb": "quarantine"}).encode(),
    ],
)
def test_what_is_signed_and_no_order_byte_for_byte_is_not_read(machine: Machine, spoil: Callable[[Order], bytes]) -> None:
    """Even who has the key can say nothing else."""
    path, event = machine.arrives()
    signed = spoil(machine.order(event))
    machine.offered = [(signed, machine.key.sign(signed))]
    machine.orders.step()
    assert machine.refusals() in (["unreadable"], ["too_large"])
    assert untouched(machine, path)
    assert machine.journal.last() == 0


def test_an_order_has_no_room_for_a_path_or_a_command() -> None:
    order = Order(ELSEWHERE, 1, datetime(2026, 5, 12, tzinfo=UTC), Verb.QUARANTINE, "e" * 32, None, "7F3A19C2")
    assert order_of(order.signed_bytes()) == order
    assert set(Order.__dataclass_fields__) == {"agent", "counter", "expires", "verb", "event", "digest", "handle"}
    assert set(Verb) == {"quarantine", "release"}
    for changes in ({"event": "/etc/passwd"}, {"handle": "../../.."}, {"digest": "x"}, {"agent": "a\nb"}):
        with pytest.raises(ValueError, match="no order"):
            order_of(replace(order, **changes).signed_bytes())  # type: ignore[arg-type]


def test_a_file_of_a_place_that_is_no_longer_watched_is_left(machine: Machine, tmp_path: Path) -> None:
    path, event = machine.arrives()
    machine.places._watch = []
    machine.obeys(machine.order(event))
    assert machine.outcomes() == [("failure", "not_watched")]
    assert path.read_bytes() == CONTENT
    assert machine.journal.all()[0].state == LEFT


def test_a_file_that_was_found_clean_was_never_told_and_cannot_be_ordered_away(machine: Machine) -> None:
    path = machine.docs / "private.txt"
    path.write_bytes(b"nobody's business")
    machine.seen.keep(machine.docs, path, _stamp(path), b"\0" * 32, clean=True)
    assert machine.observer.look(path) is Result.KNOWN
    machine.obeys(machine.order("0" * 32, digest=None))
    assert (machine.refusals(), path.exists()) == (["never_told"], True)


def test_an_agent_without_a_pinned_key_asks_for_nothing_and_obeys_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    path, event = machine.arrives()
    machine.orders._key = b""
    machine.obeys(machine.order(event))
    assert (machine.asked, path.exists()) == ([], True)
    machine.close()


def test_a_flood_of_forgeries_is_told_at_once_and_then_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("agent.orders.time.monotonic", lambda: clock[0])
    machine.offered = [(b"x", b"y")] * 50
    machine.orders.step()
    machine.orders.step()
    assert len(machine.refusals()) == 1
    clock[0] = 61.0
    machine.orders.step()
    assert [one["torwart"]["numbers"]["count"] for one in machine.told("order-refused")] == [1, 100]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"x" * 70_000),
        httpx.Response(200, content=b"[" * 60_000),
        httpx.Response(200, json={"orders": "no list"}),
        httpx.Response(200, json={"orders": [{"order": "x", "signature": "no base64!"}]}),
        httpx.Response(200, json=[]),
        httpx.Response(500),
        httpx.Response(302, headers={"location": "http://elsewhere.example/"}),
    ],
)
def test_an_answer_that_is_not_torwarts_changes_nothing(machine: Machine, answer: httpx.Response) -> None:
    path, _ = machine.arrives()
    machine.orders._ask = lambda _last: answer
    with pytest.raises(UnreachableError):
        machine.orders.step()
    assert untouched(machine, path)


def test_a_clock_that_was_set_back_makes_no_old_order_new(machine: Machine) -> None:
    path, event = machine.arrives()
    order = machine.order(event)
    machine.obeys(order)
    machine.obeys(machine.order(event, Verb.RELEASE))
    machine.now = lambda: datetime.now(UTC) - timedelta(days=400)
    machine.obeys(order)
    assert (machine.refusals(), path.exists()) == (["repeated"], True)


def _stamp(path: Path) -> object:
    from agent.seen import Stamp

    return Stamp.of(path.stat())


def test_base64_of_a_signature_is_read_strictly(machine: Machine) -> None:
    path, event = machine.arrives()
    order = machine.order(event).signed_bytes()
    signature = base64.b64encode(machine.key.sign(order)).decode()
    machine.orders._ask = lambda _last: httpx.Response(200, json={"orders": [{"order": order.decode(), "signature": signature + "\n"}]})
    with pytest.raises(UnreachableError):
        machine.orders.step()
    assert untouched(machine, path)
