"""On the way out: stopped, asked for with the own key, approved with another's, sent again, let out once. Real proxy and scanner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from audit_store.event import EventAction
from auth.approval_request import Shown
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.tables import Act
from deploy.demo.outside import Outside
from deploy.demo.software_key import SoftwareKey
from gateway.forward.consents import place_of
from tests.gateway.forward.test_confirm_out import ASKED, BORIS, PAGE, Desk
from tests.scenarios.disguises import with_password
from tests.services.way_out import Firm, Heard, clients_of, email, rows, running

RULES = """
rules:
  - {id: goes, roles: any, actions: [upload], resource: content, effect: allow}
  - {id: day, roles: any, actions: [upload], resource: content, reaches: {counter: sent_day, count: 10}, effect: deny,
     reason: clients_leave_piecemeal}
  - {id: consented, roles: any, actions: [upload], resource: content, channels: [cloud, webmail], when: resource.asked >= 1,
     effect: require, require: {approval: {role: owner}}, reason: send_needs_consent}
  - {id: both, roles: any, actions: [upload], resource: content, channels: [messenger], when: resource.asked >= 1, effect: require,
     require: {all: [key, {approval: {role: owner}}]}, reason: send_needs_consent}
  - {id: brief, roles: any, actions: [upload], resource: content, channels: [website], when: resource.asked >= 1, effect: require,
     require: {approval: {role: owner, expires: 1}}, reason: send_needs_consent}
  - {id: unread, roles: any, actions: [upload], resource: content, when: 'findings.exists(found, found.kind == "uninspectable")',
     effect: require, require: {approval: {role: owner}}, reason: send_needs_consent}
"""
ASK = "Angehalten, nichts gesendet: Andere müssen zustimmen. Bitten Sie darum, und senden Sie noch einmal, sobald sie es getan haben."
WAITS = "Angehalten, nichts gesendet: Sie haben um Zustimmung dazu gebeten, die Antwort steht noch aus."


class House:
    """Anna at her desk, and Olga, an owner with a key of her own, at another."""

    def __init__(self, desk: Desk, olga: str, olgas: SoftwareKey) -> None:
        self.desk, self.olga, self.olgas = desk, olga, olgas

    @property
    def approvals(self) -> Approvals:
        return self.desk.way_out.parts.judge.consents.approvals

    @property
    def arrived(self) -> int:
        return self.desk.arrived

    async def upload(self, content: bytes = rows(1, 3), name: str = "cloud", **about: str) -> Heard:
        return await self.desk.upload(content, name, **about)

    def ask(self, answer: Heard, why: str | None = "für die Messe") -> Act:
        """On the page that an answer leads to, as the console does it."""
        assert answer.problem["detail"] == ASK
        act = self.desk.act(answer)
        assert act.needs == "key approval"
        self.desk.confirm(act, why)
        assert self.request(act.id).state == "open"
        return act

    def request(self, act_id: str) -> ApprovalRequest:
        """What was asked, as it stands; asked now if its person has just touched the key."""
        asked = self.desk.stepup.get(act_id)
        if asked is not None and asked.state == "asked":
            self.approvals.open(act_id, asked.summary.get("said"))
        found = self.approvals.get(act_id)
        assert found is not None
        return found

    def answer(self, act_id: str, *, yes: bool = True) -> None:
        """Olga, on her page."""
        options = self.approvals.begin(act_id, self.olga, yes=yes)
        self.approvals.complete(act_id, self.olga, self.olgas.get(options, self.desk.way_out.firm.origin))

    async def approved(self, content: bytes = rows(1, 3), name: str = "cloud", **about: str) -> Act:
        act = self.ask(await self.upload(content, name, **about))
        self.answer(act.id)
        return act

    def reason(self, phase: str = "denied") -> str:
        return str(self.desk.told(phase)[-1]["event"]["reason"])


@pytest.fixture
async def house(firm_outside: Firm, far: Outside) -> AsyncIterator[House]:
    far.arrivals.seen.clear()
    far.arrivals.messages.clear()
    firm_outside.activate(RULES)
    key = firm_outside.enrol()
    with firm_outside.people() as (people, _, _):
        olga = people.add("Olga Brandt", "olga@firma.example", ["owner"], accounts=["olga"]).id
    olgas = firm_outside.enrol(olga)
    async with running(firm_outside, far) as one:
        yield House(Desk(one, key), olga, olgas)


# stopped, asked for, approved, sent again


async def test_an_upload_is_stopped_asked_for_approved_and_let_out_once(house: House) -> None:
    act = house.ask(await house.upload())
    (held,) = house.desk.told("held")
    assert held["torwart"]["act"] == {"id": act.id, "phase": "held", "action": "upload", "digest": act.digest}
    assert (held["event"]["reason"], held["torwart"]["needs"]) == ("approval_needed", ["approval"])

    waiting = await house.upload()
    assert (waiting.status, waiting.problem["detail"]) == (403, WAITS)
    assert waiting.problem["link"] == f"{house.desk.way_out.firm.origin}/act/{act.id}"
    (denied,) = house.desk.told("denied")
    assert (denied["torwart"]["act"]["id"], denied["event"]["reason"]) == (act.id, "approval_waits")
    assert house.arrived == 0

    house.answer(act.id)
    assert (await house.upload()).status == 201
    (arrival,) = house.desk.way_out.far.arrivals.seen
    assert rows(1, 3) in arrival.body
    (allowed,) = house.desk.told("allowed")
    assert allowed["torwart"]["act"] == {"id": act.id, "phase": "allowed", "action": "upload", "digest": act.digest}
    assert clients_of(allowed) == {"1", "3"}
    (proof,) = allowed["torwart"]["question"]["proofs"]
    assert proof["kind"] == "approval"
    assert allowed["torwart"]["usage"]["sent_day"] == 2

    again = await house.upload()
    assert again.problem["detail"] == ASK
    assert house.desk.act(again).id != act.id
    assert house.arrived == 1
    steps = [one["event"]["action"] for one in house.desk.way_out.record() if one["event"]["action"].startswith("approval-")]
    assert steps == [EventAction.APPROVAL_ASKED, EventAction.APPROVAL_GIVEN, EventAction.APPROVAL_TAKEN]


async def test_who_approves_sees_what_leaves_and_no_value_of_a_client(house: House) -> None:
    act = house.ask(await house.upload())
    request = house.request(act.id)
    shown = Shown.of(request)
    assert (shown.action, shown.asked, shown.allowed) == ("upload", 2, 2)
    assert shown.destination == f"cloud:http://{house.desk.way_out.at()}"
    assert shown.reason_code == "send_needs_consent"
    assert request.samples is not None
    assert request.samples["rows"] == [["liste.csv"]]
    assert request.reason == "für die Messe"
    house.answer(act.id)
    assert (await house.upload()).status == 201
    assert house.request(act.id).samples is None, "the name of a file could be a client's: it goes when the request ends"
    recorded = str(house.desk.way_out.record())
    assert "liste.csv" not in recorded
    assert email(1) not in recorded


async def test_what_could_not_be_read_is_said_to_who_approves(house: House) -> None:
    sealed = with_password(rows(1))
    act = house.ask(await house.upload(sealed, "chat"))
    assert Shown.of(house.request(act.id)).unread == ("encrypted",)
    house.answer(act.id)
    assert (await house.upload(sealed + b"x", "chat")).status == 403
    assert (await house.upload(sealed, "chat")).status == 201


async def test_where_the_own_key_is_needed_too_it_is_asked_for_after_the_approval(house: House) -> None:
    act = await house.approved(name="messenger")
    mine = house.desk.act(await house.upload(name="messenger"))
    assert (mine.id != act.id, mine.needs) == (True, "key")
    assert house.request(act.id).state == "given", "not used up while the key is missing"
    house.desk.confirm(mine)
    assert (await house.upload(name="messenger")).status == 201
    assert house.request(act.id).state == "taken"
    assert house.desk.told("allowed")[-1]["torwart"]["act"]["id"] == mine.id
    assert (await house.upload(name="messenger")).status == 403
    assert house.arrived == 1


# anything else is stopped


@pytest.mark.parametrize(
    "other",
    [
        {"content": rows(1, 3) + b"\r\n"},
        {"content": rows(1)},
        {"content": rows(1, 3, 5)},
        {"name": "webmail"},
        {"x_note": f"{email(5)} and what was said to them on the telephone yesterday, with all the rest of it"},
    ],
)
async def test_other_bytes_clients_or_places_are_stopped(house: House, other: dict[str, str]) -> None:
    await house.approved()
    assert (await house.upload(**other)).problem["detail"] == ASK  # type: ignore[arg-type]
    assert house.arrived == 0
    assert (await house.upload()).status == 201  # it was for this, and is still there


async def test_another_person_is_stopped(house: House) -> None:
    with house.desk.way_out.firm.people() as (people, sessions, _):
        boris = people.find("boris")
        assert boris is not None
        sessions.bind(BORIS, "proxy", boris.id, "boris")
    await house.approved()
    assert (await house.upload(log_in=BORIS)).problem["detail"] == ASK
    assert house.arrived == 0


async def test_of_ten_repeats_at_once_one_goes_out(house: House) -> None:
    await house.approved()
    answers = await asyncio.gather(*[house.upload() for _ in range(10)])
    assert sorted(answer.status for answer in answers) == [201, *[403] * 9]
    assert house.arrived == 1


async def test_what_was_turned_down_does_not_go_and_may_be_asked_again(house: House) -> None:
    act = house.ask(await house.upload())
    house.answer(act.id, yes=False)
    again = await house.upload()
    assert again.problem["detail"] == ASK
    assert house.desk.act(again).id != act.id
    assert house.arrived == 0


async def test_an_approval_ends_with_its_time(house: House) -> None:
    act = await house.approved(name="paste")
    deadline = time.monotonic() + 20
    while house.request(act.id).state != "expired":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert (await house.upload(name="paste")).problem["detail"] == ASK
    assert house.arrived == 0


async def test_other_rules_ask_again(house: House) -> None:
    await house.approved()
    house.desk.way_out.firm.activate(RULES.replace("count: 10", "count: 9"))
    assert (await house.upload()).problem["detail"] == ASK
    assert house.arrived == 0


async def test_the_yes_of_who_has_lost_the_role_is_none(house: House) -> None:
    act = await house.approved()
    with house.desk.way_out.firm.people() as (people, _, _):
        people.freeze(house.olga, None)
    assert (await house.upload()).problem["detail"] == WAITS
    assert house.request(act.id).state == "given"
    assert house.arrived == 0


async def test_a_freeze_of_who_asked_ends_it_for_good(house: House) -> None:
    await house.approved()
    anna = house.desk.way_out.firm.anna
    with house.desk.way_out.firm.people() as (people, _, _):
        people.freeze(anna, None)
    assert (await house.upload()).status == 403
    with house.desk.way_out.firm.people() as (people, _, _):
        people.unfreeze(anna, None)
    assert (await house.upload()).problem["detail"] == ASK
    assert house.arrived == 0


async def test_a_limit_that_was_reached_meanwhile_holds_whatever_was_approved(house: House) -> None:
    await house.approved(rows(1, 2, 3))
    for numbers in ((4, 5, 6, 7), (8, 9, 11, 12)):
        await house.approved(rows(*numbers))
        assert (await house.upload(rows(*numbers))).status == 201
    assert (await house.upload(rows(1, 2, 3))).status == 403
    assert house.reason() == "clients_leave_piecemeal"
    assert house.arrived == 2


# who is not asked, and what is told


@pytest.mark.parametrize("headers", [{"sec_fetch_dest": "image", "sec_fetch_mode": "no-cors"}, {"sec_purpose": "prefetch"}])
async def test_what_no_person_sent_asks_nobody(house: House, headers: dict[str, str]) -> None:
    answer = await house.upload(**headers)
    assert "/why/" in answer.problem["link"]
    assert (house.desk.told("held"), house.reason()) == ([], "not_asked_for")


async def test_a_fourth_request_is_not_opened(house: House) -> None:
    for number in range(1, 4):
        house.ask(await house.upload(rows(number)))
    answer = await house.upload(rows(4))
    assert (answer.status, house.reason()) == (403, "approval_too_many")
    assert len(house.approvals.waiting_for(house.olga)) == 3


@pytest.mark.parametrize("headers", [{}, PAGE])
async def test_few_many_own_and_others_clients_are_told_alike(house: House, headers: dict[str, str]) -> None:
    told = set()
    for content in (rows(1), rows(1, 2, 3, 4), rows(2, 4)):
        answer = await house.upload(content, **headers)
        act_id = house.desk.told("held")[-1]["torwart"]["act"]["id"]
        told.add((answer.status, tuple(sorted(answer.headers.items())), answer.body.replace(act_id.encode(), b"ACT")))
        act = house.desk.stepup.get(act_id)
        assert act is not None
        assert act.summary["reason_values"] == {"who": "owner"}
        assert house.desk.stepup.cancel(act_id)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("language", "ask", "wait"), [("de", "Um Zustimmung bitten", "Sehen, wie es steht"), ("en", "Ask for approval", "See how it stands")]
)
async def test_the_page_leads_to_the_act_and_says_what_to_do(house: House, language: str, ask: str, wait: str) -> None:
    firm = house.desk.way_out.firm
    with firm.people() as (people, sessions, _):
        carla = people.add("Carla Christ", "carla@firma.example", ["manager"], language, ["carla"])
        sessions.bind("a-log-in-secret-of-carla", "proxy", carla.id, "carla")
    house.desk.key = firm.enrol(carla.id)
    page = (await house.upload(log_in="a-log-in-secret-of-carla", **PAGE)).body.decode()
    (held,) = house.desk.told("held")
    act = held["torwart"]["act"]["id"]
    button = f'<a class="button first" href="{firm.origin}/act/{act}" target="_blank" rel="noopener noreferrer">%s</a>'
    assert button % ask in page
    opened = house.desk.stepup.get(act)
    assert opened is not None
    house.desk.confirm(opened, None)
    assert house.request(act).state == "open"
    page = (await house.upload(log_in="a-log-in-secret-of-carla", **PAGE)).body.decode()
    assert button % wait in page
    assert ("wird wieder angehalten" if language == "de" else "is held again") in page


def test_a_place_is_named_with_what_is_not_usual_about_it() -> None:
    secure = replace(ASKED, scheme="https", port=443)
    assert place_of(secure) == "web.example"
    assert place_of(replace(secure, port=8443)) == "web.example:8443"
    assert place_of(ASKED) == "http://web.example"
    assert place_of(replace(ASKED, port=443)) == "http://web.example:443"
