"""X9, promises A and D: no part of a head is a road out, whatever it is called, and no crowd of requests is one."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Mapping

import pytest

from detectors.verdict import Unread, Verdict
from gateway.forward.heads import HEAD_BYTES
from tests.services.way_out import WayOut, email, phone, rows

SIX = [email(number) for number in range(1, 7)]
HEADS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a path of many short segments": ("/" + "/".join(SIX), {}),
    "a path with percent signs": ("/" + "/".join(SIX[:5]).replace("@", "%40"), {}),
    "many headers that look like a browser's": ("/page", {f"sec_{number}": mail for number, mail in enumerate(SIX)}),
    "the headers of a browser": (
        "/page",
        dict(zip(("accept", "accept_language", "cache_control", "if_none_match", "range", "x_requested_with"), SIX, strict=True)),
    ),
    "where it came from": ("/page", {"referer": "http://web.example/?" + ",".join(SIX)}),
    "the names of headers": ("/page", {phone(number).replace(" ", "").replace("+", "x"): "1" for number in range(1, 9)}),
    "a little in each part": (f"/{SIX[0]}/{SIX[1]}?q={SIX[2]},{SIX[3]}", {"x_a": SIX[4], "accept_language": SIX[5]}),
}


@pytest.mark.parametrize("what", HEADS)
async def test_a_list_leaves_in_no_part_of_a_head(way_out: WayOut, what: str) -> None:
    target, headers = HEADS[what]
    answer = await way_out.send("GET", "paste", target, b"", **headers)
    assert answer.status == 403
    assert way_out.far.arrivals.seen == []


async def test_ordinary_heads_are_read_once(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    scan = way_out.parts.judge.scanner.scan

    async def counted(content: bytes, **how: str | None) -> Verdict:
        read.append(len(content))
        return await scan(content, **how)

    monkeypatch.setattr(way_out.parts.judge.scanner, "scan", counted)
    browser = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "accept": "text/html,*/*;q=0.8", "accept_language": "de"}
    browser["cookie"] = "session=" + "a1b2c3" * 20
    for _ in range(5):
        assert (await way_out.send("GET", "paste", "/page", b"", **browser)).status == 200
    assert len(read) == 1
    assert read[0] >= HEAD_BYTES
    assert way_out.acts() == []


class _Busy:
    """A scanner whose queue is full."""

    def __init__(self, cause: Unread) -> None:
        self.cause = cause

    async def scan(self, content: bytes, **_: str | None) -> Verdict:
        return Verdict(unread=(self.cause,), size=len(content))


@pytest.mark.parametrize("cause", [Unread.TIMED_OUT, Unread.CRASHED])
async def test_a_head_that_nobody_has_read_does_not_go_out(way_out: WayOut, cause: Unread) -> None:
    way_out.parts.judge.heads.scanner = _Busy(cause)
    assert (await way_out.send("GET", "paste", "/page", cookie=",".join(SIX))).status == 403
    assert way_out.far.arrivals.seen == []


async def test_a_list_behind_a_bomb_in_a_cookie_does_not_go_out(way_out: WayOut) -> None:
    bomb = base64.b64encode(gzip.compress(bytes(20 << 20))).decode()
    cookie = bomb + " " + base64.b64encode(",".join(SIX).encode()).decode()
    assert (await way_out.send("GET", "paste", "/page", cookie=cookie)).status == 403
    assert way_out.far.arrivals.seen == []


async def test_uploads_side_by_side_share_one_limit(way_out: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    explain = way_out.parts.judge.manifests.explain
    together = asyncio.Event()
    loop, waiting = asyncio.get_running_loop(), 0

    def slow(*arguments: object, **more: object) -> object:
        """All of them are looked up before the first is decided."""
        nonlocal waiting
        waiting += 1
        if waiting == 4:
            loop.call_soon_threadsafe(together.set)
        asyncio.run_coroutine_threadsafe(together.wait(), loop).result(10)
        return explain(*arguments, **more)  # type: ignore[arg-type]

    for first in (1, 5, 9, 13, 17):
        assert (await way_out.send("POST", "cloud", "/collect", rows(*range(first, first + 4)))).status == 200
    monkeypatch.setattr(type(way_out.parts.judge.manifests), "explain", lambda _self, *a, **m: slow(*a, **m))
    answers = await asyncio.gather(
        *(way_out.send("POST", "cloud", "/collect", rows(*range(first, first + 4))) for first in (21, 25, 29, 33))
    )
    assert sorted(answer.status for answer in answers) == [200, 200, 403, 403]


async def test_a_list_in_short_questions_one_client_each_is_counted_and_stopped(way_out: WayOut) -> None:
    answers = [(await way_out.send("GET", "paste", f"/?q={email(number)}", b"")).status for number in range(1, 33)]
    assert answers[:29] == [200] * 29
    assert answers[29:] == [403] * 3
    assert len(way_out.far.arrivals.seen) == 29


@pytest.mark.parametrize(("old", "new"), [(" ", "-"), (" ", "%20"), (" ", ""), ("+", "%2B"), ("+49 ", "0049/")])
async def test_a_number_in_a_short_address_is_seen_however_it_is_written(way_out: WayOut, old: str, new: str) -> None:
    await way_out.send("GET", "paste", "/q/" + phone(3).replace(old, new).replace(" ", "%20"), b"")
    assert [event["torwart"]["clients"]["asked_count"] for event in way_out.acts()] == [1]
