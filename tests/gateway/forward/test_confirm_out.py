"""On the way out: stopped, confirmed with the key, sent again, let out once. Real proxy, scanner and server, a key of software."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import wsproto.events as ws

from audit_store.spool import Spool, SpoolError
from auth.act import StepUpRefused
from auth.stepup import MAX_OPEN, StepUp
from auth.tables import Act
from deploy.demo.outside import Outside
from deploy.demo.software_key import SoftwareKey
from gateway.forward.confirm import MAX_PARTS, act_of, may_ask
from gateway.forward.framing import Asked
from policies.request import AccessRequest, Action, Context, Principal, Resource, Status
from tests.gateway.forward.test_messages import Talk
from tests.scenarios.disguises import with_password
from tests.services.way_out import SECRET, Firm, Heard, WayOut, basic, clients_of, email, heard, multipart, phone, rows, running

RULES = """
rules:
  - {id: goes, roles: any, actions: [upload], resource: content, effect: allow}
  - {id: list, roles: any, actions: [upload], resource: content, when: resource.asked >= 5, effect: deny, reason: clients_leave}
  - {id: day, roles: any, actions: [upload], resource: content, reaches: {counter: sent_day, count: 10}, effect: deny,
     reason: clients_leave_piecemeal}
  - {id: warned, roles: any, actions: [upload], resource: content, channels: [cloud], when: resource.asked >= 1, effect: require,
     require: {all: [acknowledge, key]}, reason: send_warned}
  - {id: reasoned, roles: any, actions: [upload], resource: content, channels: [messenger, website], when: resource.asked >= 1,
     effect: require, require: justify, reason: send_justified}
  - {id: unread, roles: any, actions: [upload], resource: content, when: 'findings.exists(found, found.kind == "uninspectable")',
     effect: require, require: acknowledge, reason: send_warned}
  - {id: paste, roles: any, actions: [upload], resource: content,
     when: has(context.destination) && context.destination.startsWith("paste."), effect: require, require: key, reason: limit_needs_key}
"""
PAGE = {"accept": "text/html", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
BORIS = "a-log-in-secret-of-boris"
HELD = "Angehalten, nichts gesendet: Bestätigen Sie, dann senden Sie noch einmal."


@dataclass(slots=True)
class Desk:
    """Anna at a desk whose way out asks, and the key in her hand."""

    way_out: WayOut
    key: SoftwareKey
    sent: int = 0

    @property
    def stepup(self) -> StepUp:
        return self.way_out.parts.judge.confirmations.stepup

    async def upload(self, content: bytes = rows(1, 3), name: str = "cloud", **about: str) -> Heard:
        """As a browser sends a form: each time with another line between its parts."""
        self.sent += 1
        body, kind = multipart("liste.csv", content, boundary=f"----WebKitFormBoundary{self.sent}")
        return await self.way_out.send("POST", name, "/upload", body, content_type=kind, **about)

    def act(self, answer: Heard) -> Act:
        """The act that an answer leads to."""
        assert answer.status == 403
        assert answer.problem["link"] == f"{self.way_out.firm.origin}/act/{answer.problem['act']}"
        act = self.stepup.get(answer.problem["act"])
        assert act is not None
        return act

    def confirm(self, act: Act, said: str | None = None, *, read: bool = True) -> None:
        """On the act's page."""
        self.stepup.complete(act.id, self.key.get(self.stepup.begin(act.id, said, read=read), self.way_out.firm.origin))

    def told(self, phase: str) -> list[Mapping[str, Any]]:
        """What was recorded of acts that came so far."""
        return [one for one in self.way_out.acts() if one["torwart"].get("act", {}).get("phase") == phase]

    @property
    def arrived(self) -> int:
        return len(self.way_out.far.arrivals.seen)


@pytest.fixture
async def desk(firm_outside: Firm, far: Outside) -> AsyncIterator[Desk]:
    far.arrivals.seen.clear()
    far.arrivals.messages.clear()
    firm_outside.activate(RULES)
    key = firm_outside.enrol()
    async with running(firm_outside, far) as one:
        yield Desk(one, key)


# stopped, confirmed, sent again


async def test_an_upload_is_stopped_confirmed_and_let_out_once(desk: Desk) -> None:
    first = await desk.upload()
    act = desk.act(first)
    assert first.problem["detail"] == HELD
    assert (act.needs, act.state) == ("key read", "open")
    assert desk.arrived == 0
    (held,) = desk.told("held")
    assert held["torwart"]["act"] == {"id": act.id, "phase": "held", "action": "upload", "digest": act.digest}
    assert held["event"]["reason"] == "send_warned"
    assert sorted(held["torwart"]["needs"]) == ["acknowledge", "key"]

    desk.confirm(act)
    assert (await desk.upload()).status == 201
    (arrival,) = desk.way_out.far.arrivals.seen
    assert rows(1, 3) in arrival.body
    (allowed,) = desk.told("allowed")
    assert allowed["torwart"]["act"] == {"id": act.id, "phase": "allowed", "action": "upload", "digest": act.digest}
    assert allowed["event"]["reason"] == "key_confirmed"
    assert clients_of(allowed) == {"1", "3"}
    (proof,) = allowed["torwart"]["question"]["proofs"]
    assert (proof["kind"], proof["verified"], allowed["torwart"]["question"]["acknowledged"]) == ("key", True, True)
    assert allowed["torwart"]["usage"]["sent_day"] == 2

    third = await desk.upload()
    assert desk.act(third).id != act.id
    assert desk.arrived == 1


async def test_what_was_let_out_counts(desk: Desk) -> None:
    for count, numbers in enumerate(((1, 2, 3), (4, 5, 6), (7, 8, 9)), 1):
        desk.confirm(desk.act(await desk.upload(rows(*numbers))))
        assert (await desk.upload(rows(*numbers))).status == 201
        assert desk.told("allowed")[-1]["torwart"]["usage"]["sent_day"] == 3 * count
    act = await desk.upload(rows(10))
    assert "link" in act.problem
    assert desk.told("denied")[-1]["event"]["reason"] == "clients_leave_piecemeal"


async def test_a_limit_that_was_reached_meanwhile_holds_whatever_was_confirmed(desk: Desk) -> None:
    desk.confirm(desk.act(await desk.upload(rows(1, 2, 3))))
    for numbers in ((4, 5, 6, 7), (8, 9, 11, 12)):
        desk.confirm(desk.act(await desk.upload(rows(*numbers))))
        assert (await desk.upload(rows(*numbers))).status == 201
    assert (await desk.upload(rows(1, 2, 3))).status == 403
    assert desk.told("denied")[-1]["event"]["reason"] == "clients_leave_piecemeal"
    assert desk.arrived == 2


async def test_a_reason_is_asked_for_and_kept_with_the_act(desk: Desk) -> None:
    act = desk.act(await desk.upload(rows(1), "messenger"))
    assert act.needs == "key why"
    with pytest.raises(StepUpRefused):
        desk.confirm(act, " ")
    desk.confirm(act, "Frau Weber wartet darauf")
    assert (await desk.upload(rows(1), "messenger")).status == 201
    used = desk.stepup.get(act.id)
    assert used is not None
    assert (used.state, used.summary["said"]) == ("used", "Frau Weber wartet darauf")
    assert b"Weber" not in json.dumps(desk.way_out.record()).encode()


async def test_a_warning_that_was_not_read_confirms_nothing(desk: Desk) -> None:
    act = desk.act(await desk.upload())
    with pytest.raises(StepUpRefused):
        desk.confirm(act, read=False)
    assert (await desk.upload()).problem["act"] == act.id
    assert desk.arrived == 0


async def test_what_was_confirmed_is_recorded_however_small_it_is(desk: Desk) -> None:
    kind = "application/x-www-form-urlencoded"
    desk.confirm(desk.act(await desk.way_out.send("POST", "paste", "/new", b"text=hallo", content_type=kind)))
    assert desk.arrived == 0
    assert (await desk.way_out.send("POST", "paste", "/new", b"text=hallo", content_type=kind)).status == 200
    assert [act["event"]["reason"] for act in desk.told("allowed")] == ["key_confirmed"]


# anything else is stopped again


@pytest.mark.parametrize(
    "other",
    [
        {"content": rows(1, 3) + b"\r\n"},
        {"content": rows(3, 1)},
        {"content": rows(1, 3, 5)},
        {"content": rows(1)},
        {"name": "chat"},
        {"x_note": f"{email(5)} and what was said to them on the telephone yesterday, with all the rest of it"},
    ],
)
async def test_other_bytes_clients_or_places_are_stopped(desk: Desk, other: dict[str, Any]) -> None:
    act = desk.act(await desk.upload())
    desk.confirm(act)
    assert (await desk.upload(**other)).status == 403
    assert desk.arrived == 0
    assert (await desk.upload()).status == 201  # it was for this, and is still there


async def test_another_person_is_stopped(desk: Desk) -> None:
    with desk.way_out.firm.people() as (people, sessions, _):
        boris = people.find("boris")
        assert boris is not None
        sessions.bind(BORIS, "proxy", boris.id, "boris")
    act = desk.act(await desk.upload())
    desk.confirm(act)
    other = desk.act(await desk.upload(log_in=BORIS))
    assert (other.id != act.id, other.person_id) == (True, boris.id)
    assert desk.arrived == 0


async def test_a_new_log_in_ends_what_waits(desk: Desk) -> None:
    act = desk.act(await desk.upload())
    desk.confirm(act)
    with desk.way_out.firm.people() as (_, sessions, _):
        for session in sessions.of(desk.way_out.firm.anna):
            sessions.end(session.id, "new log-in")
        sessions.bind("another-secret-of-anna", "proxy", desk.way_out.firm.anna, "anna")
    assert desk.act(await desk.upload(log_in="another-secret-of-anna")).id != act.id
    assert desk.arrived == 0


async def test_a_freeze_ends_what_waits_for_good(desk: Desk) -> None:
    desk.confirm(desk.act(await desk.upload()))
    with desk.way_out.firm.people() as (people, _, _):
        people.freeze(desk.way_out.firm.anna, None)
    assert (await desk.upload()).status == 403
    with desk.way_out.firm.people() as (people, _, _):
        people.unfreeze(desk.way_out.firm.anna, None)
    assert "link" in (await desk.upload()).problem
    assert desk.arrived == 0


# how many wait


async def test_ten_repeats_open_one_act(desk: Desk) -> None:
    answers = await asyncio.gather(*[desk.upload() for _ in range(10)])
    assert len({desk.act(answer).id for answer in answers}) == 1
    assert len(desk.told("held")) == 1


async def test_of_ten_repeats_at_once_one_goes_out(desk: Desk) -> None:
    desk.confirm(desk.act(await desk.upload()))
    answers = await asyncio.gather(*[desk.upload() for _ in range(10)])
    assert sorted(answer.status for answer in answers) == [201, *[403] * 9]
    assert desk.arrived == 1


async def test_a_fourth_act_is_not_opened(desk: Desk) -> None:
    for number in range(1, MAX_OPEN + 1):
        desk.act(await desk.upload(rows(number)))
    answer = await desk.upload(rows(MAX_OPEN + 1))
    assert answer.status == 403
    assert "/why/" in answer.problem["link"]
    assert desk.told("denied")[-1]["event"]["reason"] == "too_many_open"
    assert len(desk.stepup.open_of(desk.way_out.firm.anna, desk.act(await desk.upload(rows(1))).session_id)) == MAX_OPEN


# who is not asked


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_dest": "image", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_dest": "empty", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate", "accept": "text/plain"},
        {"sec_purpose": "prefetch"},
        {"purpose": "prefetch"},
        {"x_note": "x" * 100 + "\x80" * 10, "sec_fetch_dest": "serviceworker"},
    ],
)
async def test_what_no_person_sent_opens_nothing(desk: Desk, headers: dict[str, str]) -> None:
    answer = await desk.upload(**headers)
    assert answer.status == 403
    assert b"/act/" not in answer.body
    assert desk.told("held") == []
    assert desk.told("denied")[-1]["event"]["reason"] == "not_asked_for"


async def test_a_list_in_a_head_is_denied(desk: Desk) -> None:
    answer = await desk.way_out.send("GET", "cloud", "/page", x_note=f"{email(1)} {phone(3)}")
    assert "/why/" in answer.problem["link"]
    assert desk.told("held") == []
    assert desk.arrived == 0


async def test_what_is_in_an_address_can_be_confirmed(desk: Desk) -> None:
    target = f"/collect?to={email(1)}&text=" + "x" * 100
    desk.confirm(desk.act(await desk.way_out.send("GET", "cloud", target)))
    assert desk.act(await desk.way_out.send("GET", "cloud", target + "y")).state == "open"
    assert (await desk.way_out.send("GET", "cloud", target)).status == 200
    assert desk.arrived == 1


async def test_what_nobody_could_read_can_be_confirmed_by_its_bytes(desk: Desk) -> None:
    sealed = with_password(rows(1))
    desk.confirm(desk.act(await desk.upload(sealed)))
    assert (await desk.upload(sealed + b"x")).status == 403
    assert (await desk.upload(sealed)).status == 201


async def test_what_is_too_large_to_be_read_is_denied(desk: Desk) -> None:
    place = desk.way_out.at()
    head = f"POST http://{place}/upload HTTP/1.1\r\nHost: {place}\r\nContent-Length: {1 << 30}\r\n"
    answer = heard(await desk.way_out.talk(f"{head}Proxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode()))
    assert "/why/" in answer.problem["link"]
    assert desk.told("denied")[-1]["event"]["reason"] == "not_asked_for"


async def test_nothing_waits_that_was_not_recorded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: object, event: object) -> None:
        raise SpoolError

    session_id = desk.act(await desk.upload(rows(1))).session_id
    with monkeypatch.context() as broken:
        broken.setattr(Spool, "append_soon", full)
        assert (await desk.upload(rows(2))).status == 503
    assert len(desk.stepup.open_of(desk.way_out.firm.anna, session_id)) == 1
    assert desk.arrived == 0


async def test_nothing_goes_out_of_which_only_a_part_may(firm_outside: Firm, far: Outside) -> None:
    far.arrivals.seen.clear()
    firm_outside.activate(
        "rules:\n  - {id: own, roles: any, actions: [upload], resource: content, effect: allow, keep: own}\n"
        "  - {id: warned, roles: any, actions: [upload], resource: content, when: resource.asked >= 3, effect: require, require: key,\n"
        "     reason: send_warned}\n"
    )
    async with running(firm_outside, far) as way_out:
        for content in (rows(1, 2), rows(1, 2, 3)):  # Anna's are 1 and 3
            answer = await way_out.send("POST", "cloud", "/collect", content)
            assert (answer.status, b"/act/" in answer.body) == (403, False)
            assert way_out.acts()[-1]["event"]["reason"] == "not_for_you"
        assert (await way_out.send("POST", "cloud", "/collect", rows(1))).status == 200
    assert len(far.arrivals.seen) == 1


async def test_a_message_ends_its_connection(desk: Desk) -> None:
    talk = Talk(desk.way_out)
    await talk.open()
    talk.send(ws.TextMessage(rows(1).decode()))
    end = await talk.next()
    assert isinstance(end, ws.CloseConnection)
    assert end.code == 1008
    assert desk.told("held") == []
    assert desk.way_out.far.arrivals.messages == []
    talk.close()


# what is told


@pytest.mark.parametrize(("language", "words"), [("de", "Mit Schlüssel bestätigen"), ("en", "Confirm with your key")])
async def test_the_page_leads_to_the_act_and_says_what_to_do(desk: Desk, language: str, words: str) -> None:
    with desk.way_out.firm.people() as (people, sessions, _):
        carla = people.add("Carla Christ", "carla@firma.example", ["manager"], language, ["carla"])
        sessions.bind("a-log-in-secret-of-carla", "proxy", carla.id, "carla")
    page = (await desk.upload(log_in="a-log-in-secret-of-carla", **PAGE)).body.decode()
    (held,) = desk.told("held")
    link = f"{desk.way_out.firm.origin}/act/{held['torwart']['act']['id']}"
    assert f'<a class="button first" href="{link}" target="_blank" rel="noopener noreferrer">{words}</a>' in page
    assert ("Angehalten, nichts gesendet" if language == "de" else "Held, nothing was sent") in page


@pytest.mark.parametrize("headers", [{}, PAGE])
async def test_few_many_own_and_others_clients_are_told_alike(desk: Desk, headers: dict[str, str]) -> None:
    told = set()
    for content in (rows(1), rows(1, 2, 3, 4), rows(2, 4)):
        answer = await desk.upload(content, **headers)
        act_id = desk.told("held")[-1]["torwart"]["act"]["id"]
        assert act_id.encode() in answer.body
        told.add((answer.status, tuple(sorted(answer.headers.items())), answer.body.replace(act_id.encode(), b"ACT")))
        desk.confirm(desk.stepup.get(act_id))  # type: ignore[arg-type]
    assert len(told) == 1


async def test_no_number_of_clients_stands_in_what_is_shown_for_the_touch(desk: Desk) -> None:
    summary = desk.act(await desk.upload()).summary
    assert summary["reason_values"] == {}
    assert (summary["destination"], summary["action"]) == ("cloud:cloud.localhost", "upload")


# what is the same

ASKED = Asked("POST", "http", "web.example", 80, "/upload?a=b", "HTTP/1.1", (), "192.168.0.7", "one")
FORM = b"--%b\r\nContent-Disposition: form-data; name=a\r\n\r\n%b\r\n--%b\r\nX: y\r\n\r\n\r\n--%b--\r\n"


def form(mark: bytes, text: bytes = b"text") -> tuple[Asked, bytes]:
    asked = replace(ASKED, headers=(("content-type", f"multipart/form-data; boundary={mark.decode()}"),))
    return asked, FORM % (mark, text, mark, mark)


async def digest(asked: Asked, body: bytes, *clients: str) -> str:
    person = Principal("p", "P-1", frozenset(), Status.ACTIVE)
    question = AccessRequest("a", person, Action.UPLOAD, Resource("content", ids=clients), Context(None))  # type: ignore[arg-type]
    return await act_of(question, asked, body)


async def test_a_form_is_the_same_with_another_line_between_its_parts() -> None:
    assert await digest(*form(b"one")) == await digest(*form(b"another-one"))


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        form(b"one", b"Text"),
        form(b"one", b"text\r\n--one\r\n\r\n"),
        (form(b"one")[0], b"x" + form(b"one")[1]),
        (form(b"one")[0], b"\r\n" + form(b"one")[1]),
        (form(b"one")[0], form(b"one")[1][:-1]),
        (form(b"other")[0], form(b"one")[1]),
        (ASKED, form(b"one")[1]),
        (form(b"one")[0], b""),
        (replace(form(b"one")[0], host="web2.example"), form(b"one")[1]),
        (replace(form(b"one")[0], port=81), form(b"one")[1]),
        (replace(form(b"one")[0], scheme="https"), form(b"one")[1]),
    ],
)
async def test_another_content_or_server_is_another_act(asked: Asked, body: bytes) -> None:
    assert await digest(asked, body) != await digest(*form(b"one"))


async def test_a_line_that_is_content_is_not_left_out() -> None:
    assert await digest(*form(b"one", b"a--one b")) != await digest(*form(b"two", b"a--two b"))
    assert await digest(*form(b"one", b"a--two b")) == await digest(*form(b"six", b"a--two b"))


async def test_of_a_form_with_too_many_parts_all_bytes_count() -> None:
    many = b"\r\n--%b\r\n\r\nx"
    one, two = [(form(mark)[0], many % mark * (MAX_PARTS + 1)) for mark in (b"one", b"two")]
    assert await digest(*one) != await digest(*two)
    assert await digest(*one) == await digest(*one)


async def test_other_clients_are_another_act() -> None:
    assert len({await digest(ASKED, b"x", *clients) for clients in ((), ("1",), ("2",), ("1", "2"))}) == 4
    assert await digest(ASKED, b"x", "1", "2") == await digest(ASKED, b"x", "2", "1")


async def test_without_a_body_the_address_is_the_content() -> None:
    assert await digest(ASKED, b"") != await digest(replace(ASKED, target="/upload?a=c"), b"")
    assert await digest(ASKED, b"x") == await digest(replace(ASKED, target="/upload?a=c"), b"x")


def test_a_handshake_of_a_websocket_is_no_upload_of_a_person() -> None:
    assert may_ask(ASKED)
    assert not may_ask(replace(ASKED, upgrade=True))
