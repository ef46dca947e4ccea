"""Promises, part 2, faults 1 and 2, before real Tryton: kill -9 while people read, while an export is held, and while it goes out."""

from __future__ import annotations

from functools import partial

import httpx
import pytest

from audit_store.client_sets import decode_ids
from auth.act import StepUpRefused
from tests.services.gateway import FIELDS, RunningFirm, phase, result
from tests.services.waiting import until

pytestmark = pytest.mark.slow


def releases(firm: RunningFirm, action: str) -> list[frozenset[int]]:
    """The clients of each release of this kind that was recorded."""
    found = [event for event in firm.acts() if phase(event) == "released" and event["torwart"]["act"]["action"] == action]
    return [frozenset(map(int, decode_ids(event["torwart"]["clients"]["shown"]))) for event in found]


def touch_is_refused(firm: RunningFirm, act_id: str) -> bool:
    """Whether the key cannot confirm an act, at its beginning or at its end."""
    try:
        return not firm.touch(act_id)
    except StepUpRefused:
        return True


def test_a_kill_while_clients_read_loses_no_answer(fresh_firm: RunningFirm) -> None:
    firm = fresh_firm
    browser, own = firm.browser("boris"), firm.book("boris")
    pairs = [own[at : at + 2] for at in range(0, 40, 2)]
    answers = [firm.soon(partial(browser.post, "model.party.party.read", pair, FIELDS, {})) for pair in pairs]
    until(lambda: sum(answer.done() for answer in answers) > 3)
    firm.gateway.kill()
    arrived = []
    for pair, answer in zip(pairs, answers, strict=True):
        try:
            said = answer.result(30)
        except httpx.TransportError:
            continue
        arrived.append(frozenset(pair))
        assert {row["id"] for row in result(said)} == set(pair)
    firm.gateway.start()
    recorded = releases(firm, "list")
    assert arrived
    assert {pair: recorded.count(pair) for pair in arrived} == dict.fromkeys(arrived, 1)
    assert firm.problems() == []


def test_a_kill_while_an_export_is_held_releases_nothing_then_or_later(fresh_firm: RunningFirm) -> None:
    firm = fresh_firm
    browser, own = firm.browser("boris"), firm.book("boris")[:5]
    browser.listen()
    waiting = firm.soon(lambda: browser.post("model.party.party.export_data", own, FIELDS, {}))
    act = browser.held()
    firm.gateway.kill()
    with pytest.raises(httpx.TransportError):
        waiting.result(30)
    firm.gateway.start()
    assert firm.act_state(act) not in ("open", "confirmed")
    assert touch_is_refused(firm, act)
    assert releases(firm, "export") == []

    browser.listen()
    again = firm.soon(lambda: browser.post("model.party.party.export_data", own, FIELDS, {}))
    assert firm.touch(browser.held())
    assert len(result(again.result(30))) == len(own) + 1, "the clients, and the row with the mark"
    assert releases(firm, "export") == [frozenset(own)]
    assert firm.problems() == []


@pytest.mark.parametrize("recorded", [False, True], ids=["before the record", "after the record"])
def test_a_kill_while_an_export_goes_out_never_lets_out_what_is_not_recorded(fresh_firm: RunningFirm, recorded: bool) -> None:
    firm = fresh_firm
    browser, own = firm.browser("boris"), firm.book("boris")[:5]
    browser.listen()
    mark = len(firm.hop.seen)
    waiting = firm.soon(lambda: browser.post("model.party.party.export_data", own, FIELDS, {}))
    act = browser.held()
    firm.hop.delay_seconds = 0.3
    assert firm.touch(act)
    until(lambda: [sent for sent in firm.hop.since(mark) if sent.method.endswith("export_data")])
    if recorded:
        until(lambda: releases(firm, "export"))
    firm.gateway.kill()
    try:
        rows = len(result(waiting.result(30)))
    except httpx.TransportError:
        rows = 0
    firm.hop.healed()
    firm.gateway.start()
    went_out = releases(firm, "export")
    assert went_out == [frozenset(own)] * recorded
    assert rows in (0, (len(own) + 1) * recorded), "nothing, or the clients and the row with the mark"
    assert firm.act_state(act) == "used"
    assert touch_is_refused(firm, act)

    browser.listen()
    again = firm.soon(lambda: browser.post("model.party.party.export_data", own, FIELDS, {}))
    second = browser.held()
    assert second != act
    assert firm.cancel(second)
    again.result(30)
    assert releases(firm, "export") == went_out
    assert firm.problems() == []
