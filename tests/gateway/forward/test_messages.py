"""WebSockets by the proxy: every message of a client is judged before it goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

import pytest
import wsproto
import wsproto.events as ws

from gateway.forward.layers import ENDED
from tests.services.way_out import SECRET, WayOut, basic, clients_of, rows


class Talk:
    """A client's end of a WebSocket through the proxy."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self.events: list[ws.Event] = []

    async def open(self, *, tunnel: bool = True) -> None:
        """By CONNECT, as browsers do."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._way_out.port)
        place, log_in = self._way_out.at("messenger"), f"Proxy-Authorization: Basic {basic(SECRET)}\r\n"
        if tunnel:
            self._writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{log_in}\r\n".encode())
            assert b" 200 " in await self._reader.readuntil(b"\r\n\r\n")
        request = self._ws.send(ws.Request(host=place, target="/ws", extensions=[wsproto.extensions.PerMessageDeflate()]))
        if not tunnel:
            request = request.replace(b"GET /ws", f"GET http://{place}/ws".encode()).replace(b"\r\n\r\n", f"\r\n{log_in}\r\n".encode())
        self._writer.write(request)
        accepted = await self.next()
        assert isinstance(accepted, ws.AcceptConnection), accepted
        assert accepted.extensions == []

    async def next(self) -> ws.Event:
        """The next event from the other end."""
        while not self.events:
            data = await asyncio.wait_for(self._reader.read(65_536), 5)
            self._ws.receive_data(data or None)
            self.events += list(self._ws.events())
        return self.events.pop(0)

    def send(self, *events: ws.Event) -> None:
        self._writer.write(b"".join(self._ws.send(event) for event in events))

    def close(self) -> None:
        self._writer.close()


def pieces(data: bytes, count: int) -> Iterable[ws.Event]:
    """A message in fragments."""
    size = len(data) // count + 1
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return [ws.BytesMessage(part, message_finished=part is parts[-1]) for part in parts]


async def test_ordinary_messages_go_both_ways_and_leave_no_record(way_out: WayOut) -> None:
    for tunnel in (True, False):
        talk = Talk(way_out)
        await talk.open(tunnel=tunnel)
        talk.send(ws.TextMessage("Guten Tag"))
        answer = await talk.next()
        assert isinstance(answer, ws.TextMessage)
        assert answer.data == "heard Guten Tag"
        talk.close()
    assert way_out.acts() == []


async def test_a_list_in_a_message_is_stopped_and_the_connection_closed(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    talk.send(ws.TextMessage(rows(*range(1, 9)).decode()), ws.TextMessage("noch etwas"))
    end = await talk.next()
    assert isinstance(end, ws.CloseConnection)
    assert end.code == 1008
    assert len((end.reason or "").encode()) <= 123
    assert way_out.far.arrivals.messages == []
    (act,) = way_out.acts()
    assert act["torwart"]["channel"] == "messenger"
    assert act["torwart"]["route"] == "proxy message"
    assert len(clients_of(act)) == 8
    talk.close()


async def test_a_list_in_many_fragments_is_stopped(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    talk.send(*pieces(rows(*range(1, 9)), 40))
    end = await talk.next()
    assert isinstance(end, ws.CloseConnection)
    assert way_out.far.arrivals.messages == []
    talk.close()


async def test_one_client_a_message_adds_up_over_the_day(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    for number in range(1, 30):
        talk.send(ws.TextMessage(rows(number).decode()))
        assert isinstance(await talk.next(), ws.TextMessage), number
    talk.send(ws.TextMessage(rows(30).decode()))
    assert isinstance(await talk.next(), ws.CloseConnection)
    assert len(way_out.far.arrivals.messages) == 29
    assert way_out.acts()[-1]["event"]["reason"] == "clients_leave_piecemeal"
    talk.close()


async def test_words_in_pings_do_not_go_on(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    talk.send(ws.Ping(os.urandom(100)), ws.Ping(b"12345678"))
    first, second = await talk.next(), await talk.next()
    assert isinstance(first, ws.Pong)
    assert isinstance(second, ws.Pong)
    assert (bytes(first.payload), bytes(second.payload)) == (b"", b"12345678")
    talk.close()


@pytest.mark.parametrize("tunnel", [True, False])
async def test_a_freeze_closes_a_connection_that_says_nothing_and_says_why(way_out: WayOut, tunnel: bool) -> None:
    talk = Talk(way_out)
    await talk.open(tunnel=tunnel)
    with way_out.firm.people() as (people, _, _):
        people.freeze(way_out.firm.anna, None)
    end = await talk.next()
    assert isinstance(end, ws.CloseConnection)
    assert (end.code, end.reason) == (1008, ENDED)
    assert way_out.far.arrivals.messages == []
    talk.close()


async def test_after_a_freeze_no_message_goes_on_in_a_conversation(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    talk.send(ws.TextMessage("vorher"))
    assert isinstance(await talk.next(), ws.TextMessage)
    with way_out.firm.people() as (people, _, _):
        people.freeze(way_out.firm.anna, None)
    talk.send(ws.TextMessage("nachher"), ws.Ping(b"nachher"), ws.TextMessage("noch später"))
    seen = [await talk.next()]
    while not isinstance(seen[-1], ws.CloseConnection):
        seen.append(await talk.next())
    assert seen[-1].code == 1008
    assert not any(isinstance(one, ws.TextMessage) for one in seen)
    assert way_out.far.arrivals.messages == [b"vorher"]
    talk.close()


async def test_a_log_in_that_ended_closes_its_connection(way_out: WayOut) -> None:
    talk = Talk(way_out)
    await talk.open()
    with way_out.firm.people() as (_, sessions, _):
        for session in sessions.of(way_out.firm.anna):
            sessions.end(session.id, "new log-in")
    end = await talk.next()
    assert isinstance(end, ws.CloseConnection)
    assert (end.code, end.reason) == (1008, ENDED)
    talk.close()
