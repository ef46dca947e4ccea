"""The sealed envelope: one use, loud, some hours, and no more rights on clients than before."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.approval_request import ApprovalKind, ApprovalRefused, Shown
from auth.approvals import Approvals
from auth.break_glass import ALARM, BreakGlasses
from auth.code_tries import Tries
from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.own_touch import OwnTouch, What
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import BreakGlass, Notice
from auth.storage import reading, writing
from auth.tables import EnrolmentToken, Key, Person
from auth.totp import CodeRefusedError
from deploy.demo.software_key import SoftwareKey
from policies.needs import Approval
from policies.request import KeyClass, Status
from tests.services.house import SEAL, TORWART, Ceremonies, House

HERE = "192.0.2.7"
ROLES = {"olga": ["owner"], "ada": ["admin"], "anna": ["manager"]}


@pytest.fixture
def glasses(house: House, ceremonies: Ceremonies) -> BreakGlasses:
    return BreakGlasses(house.engine, house.events, ceremonies.keys, Tries(bytes(32)), SEAL, RecoverySettings())


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


def lent_key(ceremonies: Ceremonies, glasses: BreakGlasses, person: Person) -> tuple[SoftwareKey, Key]:
    """A key that an envelope has let in."""
    token = glasses.open(glasses.seal(None), person.email, HERE).token
    return register(ceremonies, token, person)


def register(ceremonies: Ceremonies, token: str, person: Person) -> tuple[SoftwareKey, Key]:
    key = SoftwareKey()
    options, _ = ceremonies.keys.begin_registration(token)
    return key, ceremonies.keys.complete_registration(token, key.create(options, TORWART))


def hours_pass(house: House, *tables: type[Key] | type[BreakGlass] | type[EnrolmentToken]) -> None:
    """Set back what the envelope has lent, with its seal."""
    with writing(house.engine) as session:
        for table in tables:
            for row in session.scalars(select(table)):
                name = "until" if table is BreakGlass else "lent_until"
                if getattr(row, name) is not None:
                    setattr(row, name, getattr(row, name) - timedelta(hours=5))
                    SEAL.put(row)


def test_a_key_from_the_envelope_works_within_its_hours_and_not_after_them(
    house: House, ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person
) -> None:
    """Nothing runs that locks it: authority is not drawn from it all the same."""
    key, row = lent_key(ceremonies, glasses, anna)
    (envelope,) = glasses.in_use()
    assert row.lent_until == envelope.until
    options, state = ceremonies.sign_in.begin()
    token = ceremonies.sign_in.complete(state, key.get(options, TORWART))
    act = ceremonies.hold(anna)
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART))
    hours_pass(house, Key)
    assert ceremonies.key_of(anna).locked_at is None
    assert house.console.find(token) is None, "the sign-in has ended with it"
    options, state = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError) as refused_:
        ceremonies.sign_in.complete(state, key.get(options, TORWART))
    assert refused_.value.cause == "lent_key"


def test_it_is_locked_when_the_hours_are_over_and_when_it_is_ended_before(
    house: House, ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person, boris: Person
) -> None:
    lent_key(ceremonies, glasses, anna)
    ceremonies.enrol(boris)
    glasses.end()
    assert ceremonies.key_of(anna).locked_at is None
    hours_pass(house, Key, BreakGlass)
    glasses.end()
    assert ceremonies.key_of(anna).locked_why == "envelope"
    other, late = glasses.open(glasses.seal(None), boris.email, HERE), SoftwareKey()
    options, _ = ceremonies.keys.begin_registration(other.token)
    assert glasses.end(all_of_them=True) == 1
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(other.token, late.create(options, TORWART))
    assert ceremonies.key_of(boris).locked_at is None, "a key that was there before stays"


def test_a_key_that_it_lets_in_lasts_no_longer(house: House, ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person) -> None:
    """Else the first touch of the lent key would let in a lasting one."""
    _, first = lent_key(ceremonies, glasses, anna)
    token = ceremonies.keys.enrolment.issue_own(anna.id, KeyClass.HARDWARE, first.lent_until)
    _, second = register(ceremonies, token, anna)
    assert second.lent_until == first.lent_until
    glasses.end(all_of_them=True)
    assert {one.locked_why for one in ceremonies.keys.of(anna.id)} == {"envelope"}


@pytest.mark.parametrize("what", [What.TOTP, What.CODES])
def test_it_makes_nothing_that_lasts(house: House, ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person, what: What) -> None:
    key, _ = lent_key(ceremonies, glasses, anna)
    touch = OwnTouch(house.engine, house.events, ceremonies.keys)
    for one, refused_ in ((what, True), (What.AGAIN, False)):
        options, state = touch.begin(anna.id, one)
        if refused_:
            with pytest.raises(KeyRefusedError):
                touch.complete(anna.id, one, state, key.get(options, TORWART))
        else:
            assert touch.complete(anna.id, one, state, key.get(options, TORWART))


def test_it_has_no_voice_also_in_the_hand_of_an_administrator(house: House, ceremonies: Ceremonies, glasses: BreakGlasses) -> None:
    """Who lost the keys and opens the envelope for themselves has the role for approvals as well."""
    olga, ada, anna = (house.people.add(name, f"{name}@firma.example", roles) for name, roles in ROLES.items())
    key, _ = lent_key(ceremonies, glasses, olga)
    ceremonies.enrol(ada)
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "boot", used=ceremonies.used)
    asked = approvals.ask(
        kind=ApprovalKind.ROLE, requester=ada.id, digest="0" * 64, shown=Shown("role"), need=Approval(1, "owner|admin", 60), subject=anna.id
    )
    options = approvals.begin(asked.id, olga.id)
    with pytest.raises(ApprovalRefused) as refused_:
        approvals.complete(asked.id, olga.id, key.get(options, TORWART))
    assert refused_.value.cause == "lent_key"


def test_x12_no_database_makes_it_a_lasting_one(house: House, ceremonies: Ceremonies, glasses: BreakGlasses, anna: Person) -> None:
    key, _ = lent_key(ceremonies, glasses, anna)
    with writing(house.engine) as session:
        session.execute(update(Key).values(lent_until=None))
    options, state = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError) as refused_:
        ceremonies.sign_in.complete(state, key.get(options, TORWART))
    assert refused_.value.cause == "seal"
