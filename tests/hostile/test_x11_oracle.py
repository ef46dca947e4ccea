"""Attacks X11: the way out is no oracle. What is told does not depend on how many clients were found, or whose they are."""

from __future__ import annotations

import pytest

from policies import reasons
from policies.reasons import REASONS
from policies.request import Status
from tests.services.way_out import Heard, WayOut, multipart, rows

PAGE = {"accept": "text/html", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


async def told(way_out: WayOut, content: bytes, **headers: str) -> tuple[Heard, str]:
    """The answer to an upload, and the number of its act."""
    body, kind = multipart("liste.csv", content)
    answer = await way_out.send("POST", "cloud", "/upload", body, content_type=kind, **headers)
    return answer, way_out.acts()[-1]["torwart"]["act"]["id"]


def alike(answer: Heard, act_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer but the number of the act."""
    assert act_id.encode() in answer.body
    return answer.status, sorted(answer.headers.items()), answer.body.replace(act_id.encode(), b"ACT")


@pytest.mark.parametrize("headers", [{}, PAGE])
async def test_denials_of_few_many_own_and_others_clients_are_byte_identical(way_out: WayOut, headers: dict[str, str]) -> None:
    lists = [rows(*range(1, 6)), rows(*range(1, 10)), rows(*range(1, 100)), rows(*range(2, 20, 2)), rows(*range(1, 20, 2))]
    answers = [alike(*await told(way_out, content, **headers)) for content in lists]
    assert answers[0][0] == 403
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("status", [Status.TALK_PLANNED, Status.NOTICE_GIVEN, Status.LAST_DAY])
async def test_one_client_of_a_leaver_is_told_as_nine_of_anybody(way_out: WayOut, status: Status) -> None:
    ordinary = alike(*await told(way_out, rows(*range(1, 10)), **PAGE))
    with way_out.firm.people() as (people, _, _):
        people.set_status(way_out.firm.anna, status, None)
    assert alike(*await told(way_out, rows(1), **PAGE)) == ordinary
    assert way_out.acts()[-1]["event"]["reason"] == "leaving_with_clients"


async def test_the_thirtieth_client_of_a_day_is_told_as_a_list_is(way_out: WayOut) -> None:
    ordinary = alike(*await told(way_out, rows(*range(1, 10)), **PAGE))
    for number in range(1, 30):
        answer, _ = await told(way_out, rows(number))
        assert answer.status == 201
    assert alike(*await told(way_out, rows(30), **PAGE)) == ordinary
    assert way_out.acts()[-1]["event"]["reason"] == "clients_leave_piecemeal"


def test_no_sentence_for_employees_on_the_way_out_has_a_number_in_it() -> None:
    for reason in (reasons.CLIENTS_LEAVE, reasons.CLIENTS_LEAVE_PIECEMEAL, reasons.LEAVING_WITH_CLIENTS, reasons.UNREAD_LEAVES):
        for text in REASONS[reason.code].employee.values():
            assert "{" not in text
            assert not any(letter.isdigit() for letter in text)


async def test_nothing_of_the_clients_is_in_answer_and_record(way_out: WayOut) -> None:
    answer, _ = await told(way_out, rows(*range(1, 10)), **PAGE)
    recorded = repr(way_out.record())
    for value in (b"kunde3", b"client3", b"0000003", b"Kunde 3", b"liste"):
        assert value not in answer.body
        assert value.decode() not in recorded
