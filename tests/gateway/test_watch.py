"""Time and size limits of one connection, with a clock of the test's own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from gateway.watch import BODY_BYTES, MAX_HEAD_BYTES, MAX_PIPELINED_BYTES, Limits, Watch, Watched
from tests.services.front import until

LIMITS = Limits(idle_seconds=75, head_seconds=20, body_seconds=30, body_bytes_per_second=1_000, unread_seconds=60)


@dataclass
class Connection:
    """A watched connection whose bytes, clock and send buffer the test sets."""

    pieces: list[bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    """How many bytes were asked for at most."""
    time: float = 0.0
    unsent: int = 0
    closed: int = 0
    broken: int = 0
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watched = Watched(self, self._close, self._abort, lambda: self.unsent, self.refused.append, LIMITS, lambda: self.time)

    async def read(self, n: int) -> bytes:
        self.asked.append(n)
        return self.pieces.pop(0) if self.pieces else b""

    def _close(self) -> None:
        self.closed += 1

    def _abort(self) -> None:
        self.broken += 1
        self.unsent = 0

    async def receive(self, *pieces: bytes) -> list[bytes]:
        self.pieces = list(pieces)
        return [await self.watched.read(65_536) for _ in pieces]

    def after(self, seconds: float) -> Connection:
        self.time += seconds
        self.watched.check()
        return self


async def test_an_idle_connection_ends_without_a_record() -> None:
    connection = Connection().after(74)
    assert connection.closed == 0
    assert connection.after(2).closed == 1
    assert connection.refused == []


async def test_a_head_has_its_time_from_its_first_byte() -> None:
    connection = Connection().after(70)
    await connection.receive(b"GET")
    connection.after(19)
    await connection.receive(b" /")
    assert connection.closed == 0
    assert connection.after(2).refused == ["slow head"]
    assert connection.closed == 1


async def test_a_body_has_more_time_the_more_of_it_came() -> None:
    connection = Connection()
    await connection.receive(b"POST / HTTP/1.1")
    connection.watched.enter("body")
    await connection.receive(b"x" * 60_000)
    assert connection.after(89).closed == 0
    assert connection.after(2).refused == ["slow body"]


async def test_an_announced_body_is_read_in_large_pieces_and_what_follows_it_is_not() -> None:
    watch, connection = Watch(LIMITS), Connection()
    watch.add("one", connection.watched)
    watch.body("one", 2 * BODY_BYTES + 100_000)
    await connection.receive(b"x" * BODY_BYTES, b"x" * BODY_BYTES, b"x" * 90_000, b"x" * 10_000)
    assert connection.asked == [BODY_BYTES, BODY_BYTES, 100_000, 65_536]
    watch.busy("one")
    await connection.receive(b"GET / HT")
    assert connection.asked[-1] == 65_536


async def test_a_body_of_unknown_length_is_read_as_ever() -> None:
    watch, connection = Watch(LIMITS), Connection()
    watch.add("one", connection.watched)
    watch.body("one", 2 * BODY_BYTES)
    watch.answered("one")
    watch.body("one")
    await connection.receive(b"x" * 60_000, b"x" * 60_000)
    assert connection.asked == [65_536, 65_536]


async def test_a_request_that_is_judged_has_no_limit_here() -> None:
    connection = Connection()
    connection.watched.enter("busy")
    assert connection.after(100_000).closed == 0


async def test_an_endless_head_is_cut_off_and_the_parser_sees_the_end() -> None:
    connection = Connection()
    pieces = await connection.receive(b"x" * MAX_HEAD_BYTES, b"y")
    assert pieces[1] == b""
    assert connection.refused == ["head too large"]
    assert not connection.watched.here


async def test_what_is_pipelined_counts_for_the_next_head() -> None:
    connection = Connection()
    connection.watched.enter("busy")
    await connection.receive(b"GET / HT")
    connection.watched.enter("head")
    assert connection.watched.pending == 8
    assert connection.after(21).refused == ["slow head"]


async def test_too_much_pipelined_is_cut_off() -> None:
    connection = Connection()
    connection.watched.enter("busy")
    await connection.receive(b"x" * MAX_PIPELINED_BYTES, b"y")
    assert connection.refused == ["too much pipelined"]


async def test_an_answer_may_be_read_slowly_but_not_never() -> None:
    connection = Connection(unsent=1_000_000)
    for _ in range(10):
        connection.unsent -= 1
        connection.after(50)
    assert connection.closed == 0
    connection.after(61)
    assert connection.closed == 1
    assert connection.refused == []


async def test_a_head_that_the_library_refused_is_recorded_at_the_end() -> None:
    connection = Connection()
    await connection.receive(b"nonsense")
    connection.watched.log("127.0.0.1: bad request line")
    connection.watched.ended()
    assert connection.refused == ["malformed head"]


async def test_a_head_that_the_client_broke_off_is_recorded_at_the_end() -> None:
    connection = Connection()
    await connection.receive(b"GET /", b"")
    connection.watched.log("client closed the connection too early")
    connection.watched.ended()
    assert connection.refused == ["incomplete head"]


async def test_an_ordinary_end_is_not_recorded() -> None:
    connection = Connection()
    for message in ("client connect", "client disconnect", "closing transports...", "transports closed!"):
        connection.watched.log(message)
    await connection.receive(b"TLS close notify", b"")
    connection.watched.ended()
    assert connection.refused == []


async def test_an_error_of_the_library_closes_the_connection_and_is_recorded_once() -> None:
    connection = Connection()
    for _ in range(2):
        connection.watched.log("the library has crashed", logging.ERROR)
    connection.watched.ended()
    assert connection.refused == ["protocol error"]
    assert connection.closed == 1


async def test_the_sweep_looks_at_every_connection() -> None:
    watch = Watch(Limits(idle_seconds=0.01, head_seconds=0.01, body_seconds=0.01, unread_seconds=0.01))
    connections = [Connection(time=0.0) for _ in range(3)]
    for number, connection in enumerate(connections):
        watch.add(str(number), connection.watched)
        connection.time = 1_000
    sweep = asyncio.create_task(watch.sweep())
    await until(lambda: all(connection.closed for connection in connections))
    sweep.cancel()
    watch.remove("0")
    assert not watch.connected("0")
    assert not watch.connected("1"), "closed by us: nobody is there"


async def test_what_comes_after_an_early_answer_is_thrown_away_for_a_moment() -> None:
    connection = Connection()
    connection.watched.enter("drain")
    assert await connection.receive(b"x" * 1_000_000) == [b""]  # nothing of it reaches the parser; the end does
    connection.watched.enter("head")
    assert connection.watched.phase == "drain"
    assert connection.after(4).closed == 0
    assert connection.after(2).closed == 1
    assert connection.refused == []


async def test_an_answer_that_goes_through_must_be_read() -> None:
    connection = Connection(unsent=1_000_000)
    connection.watched.enter("stream")
    for _ in range(10):
        connection.unsent += 1
        connection.after(50)
    assert connection.closed == 0
    assert connection.after(61).closed == 1


async def test_a_stream_without_a_word_is_left_alone() -> None:
    connection = Connection()
    connection.watched.enter("stream")
    assert connection.after(100_000).closed == 0


async def test_a_message_in_a_tunnel_has_its_limit_and_the_next_one_again() -> None:
    connection = Connection()
    watch = Watch(LIMITS)
    watch.add("one", connection.watched)
    for _ in range(3):
        watch.tunnel("one", 1_000)
        await connection.receive(b"x" * 900)
        assert connection.refused == []
    assert await connection.receive(b"x" * 200) == [b""]
    assert connection.refused == ["message too large"]


async def test_a_tunnel_that_is_not_read_has_no_limit() -> None:
    connection = Connection()
    watch = Watch(LIMITS)
    watch.add("one", connection.watched)
    watch.tunnel("one", None)
    await connection.receive(*[b"x" * 1_000_000] * 5)
    assert connection.after(100_000).closed == 0


async def test_bodies_count_together_while_they_are_read_and_judged() -> None:
    watch = Watch(Limits(held_bytes=1_000))
    connections = {name: Connection() for name in ("one", "two")}
    for name, connection in connections.items():
        watch.add(name, connection.watched)
        watch.body(name)
        await connection.receive(b"x" * 600)
    assert watch.crowded()
    watch.busy("one")
    assert watch.crowded()
    watch.stream("one")
    assert not watch.crowded()
    watch.close("two")
    assert connections["two"].closed == 1


def watched(*names: str) -> tuple[Watch, list[Connection]]:
    watch, connections = Watch(LIMITS), [Connection() for _ in names]
    for name, connection in zip(names, connections, strict=True):
        watch.add(name, connection.watched)
    return watch, connections


def test_an_answer_under_way_is_broken_off_for_whom_it_is_withdrawn_and_for_nobody_else() -> None:
    watch, (hers, his) = watched("hers", "his")
    for name, credential, connection in (("hers", "anna", hers), ("his", "boris", his)):
        watch.body(name)
        watch.busy(name)
        watch.given(name, credential)
        watch.answered(name)
        connection.unsent = 1_000
    watch.cut(lambda credential: credential == "anna")
    assert (hers.broken, hers.closed, hers.refused) == (1, 1, [])
    assert (his.broken, his.closed) == (0, 0)


def test_a_request_that_is_judged_with_nothing_under_way_hears_why() -> None:
    watch, (connection,) = watched("one")
    watch.given("one", "anna")
    watch.answered("one")
    watch.body("one")  # all of the answer before was written
    watch.busy("one")
    watch.cut(lambda _: True)
    assert connection.broken == 0


def test_a_request_sent_behind_a_download_does_not_protect_it() -> None:
    watch, (connection,) = watched("one")
    watch.given("one", "anna")
    watch.answered("one")
    connection.unsent = 1_000
    watch.body("one")
    watch.busy("one")
    watch.cut(lambda _: True)
    assert connection.broken == 1


def test_a_download_whose_connection_was_closed_behind_it_is_broken_off() -> None:
    watch, (connection,) = watched("one")
    watch.given("one", "anna")
    watch.answered("one")
    connection.unsent = 1_000
    watch.remove("one")
    watch.cut(lambda _: True)
    assert connection.broken == 2, "there is no other way to close it"
    assert connection.refused == []


def test_what_nobody_takes_from_a_closed_connection_is_thrown_away() -> None:
    watch, (connection,) = watched("one")
    connection.unsent = 1_000
    watch.remove("one")
    connection.after(1).after(LIMITS.unread_seconds + 1)
    assert connection.broken == 1


def test_a_stream_is_broken_off_and_what_rests_is_closed() -> None:
    watch, (stream, rests) = watched("stream", "rests")
    watch.stream("stream")
    for name in ("stream", "rests"):
        watch.close(name)
    assert (stream.broken, stream.closed) == (1, 1)
    assert (rests.broken, rests.closed) == (0, 1)
