"""A name is shown to one reviewer, for one case and a time, after two keys."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.approval_request import ApprovalRefused
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.reveals import RevealError, Reveals
from auth.row_alarms import ForgedRowsError, RowAlarms
from auth.storage import writing
from auth.tables import Person
from auth.used_acts import UsedActs
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies


@dataclass
class Two:
    """Olga and Sven are reviewers, each with a key; Anna is whom it is about."""

    ceremonies: Ceremonies
    approvals: Approvals
    reveals: Reveals
    anna: Person
    olga: Person
    sven: Person
    olgas: SoftwareKey
    svens: SoftwareKey

    def asked(self) -> ApprovalRequest:
        request = self.reveals.prepare(self.olga.id, self.anna.id, "2026-17", "ein Verdacht")
        self.approvals.complete_asking(
            request.id, self.olga.id, self.olgas.get(self.approvals.begin_asking(request.id, self.olga.id), TORWART)
        )
        return request

    def approve(self, request: ApprovalRequest) -> None:
        options = self.approvals.begin(request.id, self.sven.id)
        self.approvals.complete(request.id, self.sven.id, self.svens.get(options, TORWART))


@pytest.fixture
def two(ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> Two:
    house = ceremonies.house
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "boot", used=UsedActs(tmp_path / "used"))
    reveals = Reveals(house.engine, house.events, approvals, house.pseudonyms, hours=24)
    olga = house.people.add("Olga Brandt", "olga@firma.example", ["owner"])
    sven = house.people.add("Sven Sicher", "sven@firma.example", ["security"])
    return Two(ceremonies, approvals, reveals, anna, olga, sven, ceremonies.enrol(olga), ceremonies.enrol(sven))


def test_two_keys_show_the_name_to_the_one_who_asked(two: Two) -> None:
    request = two.asked()
    assert not two.reveals.open(request.id, two.olga.id), "nobody has approved it"
    two.approve(request)
    assert two.reveals.shown(request.id, two.olga.id) is None, "not opened yet"
    assert not two.reveals.open(request.id, two.sven.id), "Sven did not ask"
    assert two.reveals.open(request.id, two.olga.id)
    found = two.reveals.shown(request.id, two.olga.id)
    assert found is not None
    assert found[0].name == "Anna Feldmann"
    assert two.reveals.shown(request.id, two.sven.id) is None
    (event,) = two.ceremonies.house.events.of(EventAction.NAME_REVEALED)
    assert event.document["torwart"]["words"]["case"] == "2026-17"
    assert event.document["torwart"]["words"]["by"] == two.sven.pseudonym
    assert (event.pseudonym, event.document["torwart"]["subject"]) == (two.olga.pseudonym, two.anna.pseudonym)
    assert "Anna" not in str(event.document)
    assert [one.id for one in two.reveals.untold()] == [request.id]
    two.approvals.told(request.id)
    assert two.reveals.untold() == []


def test_the_name_is_gone_when_its_time_is_over(two: Two) -> None:
    request = two.asked()
    two.approve(request)
    assert two.reveals.open(request.id, two.olga.id)
    with writing(two.ceremonies.house.engine) as session:
        row = session.get_one(ApprovalRequest, request.id)
        assert row.ended_at is not None
        row.ended_at -= timedelta(hours=24)
    assert two.reveals.shown(request.id, two.olga.id) is None


def test_nobody_hears_of_it_before_the_own_key_has_asked(two: Two) -> None:
    request = two.reveals.prepare(two.olga.id, two.anna.id, "2026-17", "ein Verdacht")
    assert two.approvals.waiting_for(two.sven.id) == []
    with pytest.raises(ApprovalRefused):
        two.approvals.begin(request.id, two.sven.id)
    with pytest.raises(ApprovalRefused):
        two.approvals.begin_asking(request.id, two.sven.id)
    options = two.approvals.begin_asking(request.id, two.olga.id)
    foreign = two.svens.get({**options, "allowCredentials": []}, TORWART)
    with pytest.raises(ApprovalRefused) as refused:
        two.approvals.complete_asking(request.id, two.olga.id, foreign)
    assert refused.value.cause == "foreign_key"
    with pytest.raises(ApprovalRefused) as refused:
        two.approvals.complete_asking(request.id, two.olga.id, two.olgas.get(options, TORWART))
    assert refused.value.cause == "challenge_used"


def test_what_was_prepared_and_never_signed_is_forgotten(two: Two) -> None:
    request = two.reveals.prepare(two.olga.id, two.anna.id, "2026-17", "ein Verdacht")
    two.approvals.begin_asking(request.id, two.olga.id)
    with writing(two.ceremonies.house.engine) as session:
        session.get_one(ApprovalRequest, request.id).expires_at -= timedelta(hours=1)
    two.approvals.expire()
    assert two.approvals.get(request.id) is None


def test_whom_it_is_about_and_whoever_asked_cannot_approve_it(two: Two) -> None:
    request = two.reveals.prepare(two.olga.id, two.sven.id, "2026-17", "ein Verdacht")
    two.approvals.complete_asking(request.id, two.olga.id, two.olgas.get(two.approvals.begin_asking(request.id, two.olga.id), TORWART))
    for person in (two.sven, two.olga):
        with pytest.raises(ApprovalRefused) as refused:
            two.approvals.begin(request.id, person.id)
        assert refused.value.cause == "own"


NO_CASES = ("", "Feldmann", "17 Anna", "x" * 20 + "1", "1\n2", "Meier1", "0171-2345678", "+49171", "01712345678", "2026-17\n", "2026-12345")


@pytest.mark.parametrize("case", [*NO_CASES, "FELD-2026-1", "anna-2026-1", "２０２６-17", "0123456789abcdef"])
def test_a_case_number_is_no_name_and_no_telephone_number(two: Two, case: str) -> None:
    """It stands in the record in clear, which names nobody."""
    with pytest.raises(RevealError, match="2026-17"):
        two.reveals.prepare(two.olga.id, two.anna.id, case, "ein Verdacht")


def test_a_reason_and_somebody_else_are_needed(two: Two) -> None:
    with pytest.raises(RevealError, match="why"):
        two.reveals.prepare(two.olga.id, two.anna.id, "2026-17", "  ")
    with pytest.raises(RevealError, match="own"):
        two.reveals.prepare(two.olga.id, two.olga.id, "2026-17", "ein Verdacht")


@pytest.mark.parametrize("case", ["2026-17", "2026/1", "HR-2026-17", "alert"])
def test_a_number_of_the_firm_or_an_alert_that_there_is_is_a_case(two: Two, case: str) -> None:
    house = two.ceremonies.house
    at = house.events.seen[-1].at
    raised = Alerts(house.engine, house.events).raise_or_grow(Signal("export_try", two.anna.pseudonym, at, "high", "tried", {"asked": 7}))
    number = raised.id if case == "alert" else case
    assert two.reveals.prepare(two.olga.id, two.anna.id, number, "ein Verdacht").shown["lines"] == [number]


@pytest.mark.parametrize("column", ["ended_at", "requester_id", "subject_id"])
def test_x12_a_name_is_not_shown_by_a_row_that_was_changed_by_hand(two: Two, column: str) -> None:
    house = two.ceremonies.house
    request = two.asked()
    two.approve(request)
    assert two.reveals.open(request.id, two.olga.id)
    value = {"ended_at": 32_503_680_000_000_000, "requester_id": two.sven.id, "subject_id": two.sven.id}[column]
    with house.engine.begin() as connection:
        connection.execute(text(f"UPDATE approval_requests SET {column} = :value"), {"value": value})  # noqa: S608
    viewer = two.sven if column == "requester_id" else two.olga
    assert two.reveals.shown(request.id, viewer.id) is None
    with pytest.raises(ForgedRowsError):
        RowAlarms(house.engine, house.events, house.pseudonyms).look()
