"""The guard around the hooks, and the seal: a fault anywhere lets nothing pass."""

from __future__ import annotations

import asyncio

import pytest
from mitmproxy import http
from mitmproxy.hooks import all_hooks

from gateway.addon import Addon
from gateway.exchange import Forward, Reply, Request, Response, Step
from gateway.guard import IDLE_HOOKS, denies
from tests.services.front import Front, until

FAULTS: list[type[BaseException]] = [
    Exception,
    RuntimeError,
    ValueError,
    KeyError,
    AttributeError,
    OSError,
    MemoryError,
    RecursionError,
    asyncio.CancelledError,
    TimeoutError,
    StopIteration,
    GeneratorExit,
    AssertionError,
]
LIVE = ["client_connected", "next_layer", "requestheaders", "request", "responseheaders", "response"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", sorted(set(all_hooks) - IDLE_HOOKS))
async def test_every_fault_in_every_hook_denies_and_is_recorded(hook: str, fault: type[BaseException]) -> None:
    assert await denies(Addon, hook, fault)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit])
async def test_an_order_to_stop_denies_and_stops(fault: type[BaseException]) -> None:
    with pytest.raises(fault):
        await denies(Addon, "request", fault)


@pytest.mark.parametrize("fault", [RuntimeError, MemoryError, asyncio.CancelledError, RecursionError])
@pytest.mark.parametrize("hook", LIVE)
async def test_a_fault_on_the_wire_gives_no_byte_of_the_answer(
    front: Front, monkeypatch: pytest.MonkeyPatch, hook: str, fault: type[BaseException]
) -> None:
    def plant(name: str) -> None:
        if name == hook:
            raise fault

    monkeypatch.setattr(Addon, "fault", staticmethod(plant))
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert b"hello" not in answer
    assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
    assert f"fault in {hook}: {fault.__name__}" in front.refused
    if hook not in ("responseheaders", "response"):
        assert front.upstream.requests == []


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_fault_of_the_judge_denies(front: Front, where: str) -> None:
    async def fail(_: object) -> Step:
        raise RecursionError

    if where == "before":
        front.judge.first = fail
    else:
        front.judge.then = fail  # type: ignore[assignment]
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"hello" not in answer
    assert front.refused == ["fault in request: RecursionError"]


async def test_a_fault_that_cannot_be_recorded_is_denied_all_the_same(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def plant(name: str) -> None:
        if name == "request":
            raise RuntimeError

    monkeypatch.setattr(Addon, "fault", staticmethod(plant))
    front.record_fails = True
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert front.upstream.requests == []


async def test_a_refusal_that_cannot_be_recorded_is_a_denial(front: Front) -> None:
    front.record_fails = True
    answer = await front.ask(b"GET //x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert front.upstream.requests == []


async def test_only_the_sealed_answer_leaves(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever swaps the answer between judging and sending gets a denial out."""

    kept = Addon._check_seal

    def swap(self: Addon, flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(200, b"a list of clients")
        kept(self, flow)

    monkeypatch.setattr(Addon, "_check_seal", swap)
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"clients" not in answer
    assert front.refused == ["fault in responseheaders: DeniedError", "fault in response: DeniedError"]


async def test_an_answer_goes_out_byte_for_byte_with_our_framing(front: Front) -> None:
    body = bytes(range(256))

    async def released(_: Response) -> Response:
        return Response(200, (("content-type", "text/csv"), ("content-encoding", "gzip"), ("x-a", "b"), ("alt-svc", "h3")), body)

    front.judge.then = released
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer == b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\nx-a: b\r\ncontent-length: 256\r\n\r\n" + body


async def test_a_head_has_the_length_and_no_body(front: Front) -> None:
    async def released(_: Response) -> Response:
        return Response(200, (), b"0123456789")

    front.upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    front.judge.then = released
    assert await front.ask(b"HEAD /x HTTP/1.1") == b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize(
    "response",
    [
        Response(200, (("x-a", "b\r\nset-cookie: evil=1"),)),
        Response(200, (("x a", "b"),)),
        Response(200, (("x-a", "\u20ac"),)),
        Response(101, ()),
        Response(200, (("", "b"),)),
    ],
)
async def test_an_answer_that_could_be_split_is_denied(front: Front, response: Response) -> None:
    async def released(_: Request) -> Step:
        return Reply(response)

    front.judge.first = released
    answer = await front.ask(b"GET /x HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"evil" not in answer
    assert front.refused == ["fault in request: ValueError"]


async def test_a_reply_may_close_the_connection(front: Front) -> None:
    async def closing(_: Request) -> Step:
        return Reply(Response(403, (), b"no"), close=True)

    front.judge.first = closing
    answer = await front.talk(front.head(b"GET /x HTTP/1.1"))
    assert answer == b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"


async def test_a_client_that_leaves_a_held_request_ends_it_at_once_and_nothing_is_sent(front: Front) -> None:
    async def hold(request: Request) -> Step:
        await until(lambda: request.connection_id in front.judge.gone)
        return Forward(request, "state")

    front.judge.first = hold
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(front.head(b"POST /delete HTTP/1.1", b"Content-Length: 0"))
    await until(lambda: front.judge.seen)
    assert front.judge.gone == []
    writer.close()
    await until(lambda: front.judge.failures)
    assert front.judge.gone == [front.judge.seen[0].connection_id]
    assert front.judge.failures == ["client gone"]
    assert front.upstream.requests == []


async def test_a_client_that_leaves_while_its_answer_is_held_gets_nothing(front: Front) -> None:
    released = asyncio.Event()

    async def hold(response: Response) -> Response:
        await until(lambda: front.judge.gone)
        released.set()
        return response

    front.judge.then = hold
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(front.head(b"GET /x HTTP/1.1"))
    await until(lambda: front.upstream.requests)
    writer.write_eof()  # the reading half stays open: what came would be seen
    await released.wait()
    assert await reader.read() == b""
    assert front.refused == []
    writer.close()


async def test_a_held_request_does_not_hold_up_the_others(front: Front) -> None:
    free = asyncio.Event()

    async def hold(request: Request) -> Step:
        if request.path == "/held":
            await free.wait()
        return Forward(request, None)

    front.judge.first = hold
    held = asyncio.create_task(front.ask(b"GET /held HTTP/1.1"))
    await until(lambda: front.judge.seen)
    assert b"hello" in await front.ask(b"GET /other HTTP/1.1")
    free.set()
    assert b"hello" in await held
