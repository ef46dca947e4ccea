"""The sealed envelope: one use, loud, some hours, and no more rights on clients than before."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.break_glass import ALARM, BreakGlasses
from auth.code_tries import Tries
from auth.enrolment import TokenError
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import BreakGlass, Notice
from auth.storage import reading, writing
from auth.tables import Person
from auth.totp import CodeRefusedError
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.house import SEAL, TORWART, Ceremonies, House

HERE = "192.0.2.7"


@pytest.fixture
def glasses(house: House) -> BreakGlasses:
    return BreakGlasses(house.engine, house.events, Tries(bytes(32)), SEAL, RecoverySettings())


def refused(glasses: BreakGlasses, code: str, email: str) -> str:
    with pytest.raises(CodeRefusedError) as error:
        glasses.open(code, email, HERE)
    return error.value.cause


def test_it_makes_one_person_an_administrator_for_four_hours_and_lets_them_register_a_key(
    ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person, boris: Person
) -> None:
    opened = glasses.open(glasses.seal(None).lower(), "ANNA@firma.example", HERE)
    assert opened.person_id == anna.id
    assert (glasses.roles_of(anna.id), glasses.roles_of(boris.id)) == ({"admin"}, frozenset())
    key = SoftwareKey()
    options, _ = ceremonies.keys.begin_registration(opened.token)
    ceremonies.keys.complete_registration(opened.token, key.create(options, TORWART))
    with reading(ceremonies.house.engine) as session:
        row = session.scalars(select(BreakGlass)).one()
        assert row.used_at is not None
        assert opened.until - row.used_at == timedelta(hours=4)
        assert session.get_one(Person, anna.id).roles == ["manager"], "its rules on clients are as before"


def test_its_use_is_loud(house: House, glasses: BreakGlasses, anna: Person) -> None:
    glasses.open(glasses.seal(None), anna.email, HERE)
    (event,) = house.events.of(EventAction.BREAK_GLASS_USED)
    assert (event.document["event"]["kind"], event.document["event"]["severity"]) == ("alert", ALARM)
    assert event.document["torwart"]["subject"] == anna.pseudonym
    with reading(house.engine) as session:
        (notice,) = session.scalars(select(Notice))
    assert (notice.kind, notice.to_person, notice.outside) == ("break_glass_used", True, True)


def test_it_ends_by_itself_whether_or_not_that_is_noted(house: House, glasses: BreakGlasses, anna: Person) -> None:
    glasses.open(glasses.seal(None), anna.email, HERE)
    assert glasses.end() == 0
    with writing(house.engine) as session:
        row = session.scalars(select(BreakGlass)).one()
        row.until = row.used_at
        SEAL.put(row)
    assert glasses.roles_of(anna.id) == frozenset()
    assert (glasses.end(), glasses.end()) == (1, 0)
    assert len(house.events.of(EventAction.BREAK_GLASS_ENDED)) == 1


def test_it_can_be_ended_before(glasses: BreakGlasses, anna: Person) -> None:
    glasses.open(glasses.seal(None), anna.email, HERE)
    assert glasses.end(all_of_them=True) == 1
    assert glasses.roles_of(anna.id) == frozenset()


def test_it_is_used_once_and_then_sealed_anew(glasses: BreakGlasses, anna: Person) -> None:
    assert glasses.sealed() is None
    assert refused(glasses, "0000-0000-0000-0000-0000-0000", anna.email) == "not_sealed"
    first, second = glasses.seal(None), glasses.seal(None)
    assert refused(glasses, first, anna.email) == "wrong", "the newer envelope makes it void"
    glasses.open(second, anna.email, HERE)
    assert glasses.sealed() is None
    assert refused(glasses, second, anna.email) == "not_sealed"


def test_wrong_codes_of_everybody_never_shut_out_the_right_one(house: House, glasses: BreakGlasses, anna: Person) -> None:
    code = glasses.seal(None)
    assert [refused(glasses, f"{number:024}", anna.email) for number in range(5)] == ["wrong"] * 5
    assert refused(glasses, "0" * 24, anna.email) == "too_many"
    events = house.events.of(EventAction.CODE_REFUSED)
    assert len(events) == 6
    assert {event.document["event"]["severity"] for event in events} == {73}
    assert glasses.open(code, anna.email, HERE).person_id == anna.id


@pytest.mark.parametrize("cut", ["frozen", "gone", "unknown"])
def test_it_is_no_road_back_for_who_was_cut_off(house: House, glasses: BreakGlasses, anna: Person, cut: str) -> None:
    code = glasses.seal(None)
    if cut == "frozen":
        house.people.freeze(anna.id, None)
    if cut == "gone":
        house.people.set_status(anna.id, Status.GONE, None)
    assert refused(glasses, code, "nobody@firma.example" if cut == "unknown" else anna.email) == "person"
    assert glasses.sealed() is not None, "the envelope is not lost by that"


def test_x12_what_somebody_wrote_into_the_database_gives_no_role(house: House, glasses: BreakGlasses, anna: Person, boris: Person) -> None:
    glasses.open(glasses.seal(None), anna.email, HERE)
    with writing(house.engine) as session:
        session.execute(update(BreakGlass).values(person_id=boris.id))
    assert glasses.roles_of(boris.id) == frozenset()
    assert len(house.events.of(EventAction.AUTHORITY_ALARM)) == 1


def test_no_code_is_kept_or_recorded(house: House, glasses: BreakGlasses, anna: Person) -> None:
    code = glasses.seal(None)
    with reading(house.engine) as session:
        row = session.scalars(select(BreakGlass)).one()
    assert len(row.code_hash) == 64
    opened = glasses.open(code, anna.email, HERE)
    said = b"".join(event.canonical() for event in house.events.seen)
    assert not [one for one in (code, code.replace("-", ""), opened.token) if one.encode() in said]


def test_ten_threads_with_one_envelope_have_one_success(glasses: BreakGlasses, anna: Person) -> None:
    code, done = glasses.seal(None), []

    def once() -> None:
        try:
            done.append(glasses.open(code, anna.email, HERE).person_id)
        except (CodeRefusedError, TokenError):
            done.append(None)

    threads = [threading.Thread(target=once) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 10
    assert done.count(anna.id) == 1


def test_e87_it_makes_nobody_an_administrator_about_whom_a_serious_alert_is_open(house: House, glasses: BreakGlasses, anna: Person) -> None:
    code = glasses.seal(None)
    at = house.events.seen[-1].at
    Alerts(house.engine, house.events).raise_or_grow(Signal("export_try", anna.pseudonym, at, "high", "tried", {"asked": 7}))
    assert refused(glasses, code, anna.email) == "person"
    assert glasses.sealed() is not None
