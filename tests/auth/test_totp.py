"""Codes of an app (promises E85): once, only forward, few tries, then locked; a seed is nothing without its key and person."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from audit_store.event import EventAction
from auth.code_tries import WINDOW
from auth.storage import writing
from auth.tables import Person
from auth.totp import MAX_FAILURES, STEP_SECONDS, AppState, CodeRefusedError, Totp
from auth.totp_tables import CodeTry, TotpSeed
from policies.request import Status
from tests.services.house import House

KEY = bytes(range(32, 64))
START = datetime(2026, 5, 12, 9, 0, 10, tzinfo=UTC)
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"


class Frozen:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self, _session: Session) -> datetime:
        return self.now

    def steps(self, number: int) -> None:
        self.now += timedelta(seconds=number * STEP_SECONDS)


@pytest.fixture
def clock() -> Frozen:
    return Frozen()


@pytest.fixture
def totp(house: House, clock: Frozen) -> Totp:
    return Totp(house.engine, house.events, KEY, now=clock)


class App:
    """An app that has taken over the seed."""

    def __init__(self, seed: str, clock: Frozen) -> None:
        self._codes, self._clock = pyotp.HOTP(seed), clock

    def code(self, steps: int = 0) -> str:
        return self._codes.at(int(self._clock.now.timestamp()) // STEP_SECONDS + steps)

    def wrong(self) -> str:
        """Six digits that no step near by has."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777") if code not in near)


@pytest.fixture
def app(totp: Totp, anna: Person, clock: Frozen) -> App:
    app = App(totp.begin(anna.id).seed, clock)
    totp.confirm(anna.id, app.code(), HERE)
    clock.steps(5)
    return app


def refused(totp: Totp, person: Person, code: str, source: str = HERE) -> str:
    with pytest.raises(CodeRefusedError) as error:
        totp.use(person.id, code, source)
    assert str(error.value) == "The code was not accepted. Please wait for the next one and try again, or ask your administrator."
    return error.value.cause


def test_an_app_is_worth_something_from_its_first_code_on(house: House, totp: Totp, anna: Person, clock: Frozen) -> None:
    assert totp.state(anna.id) is AppState.NONE
    enrolled = totp.begin(anna.id)
    assert enrolled.address == f"otpauth://totp/Torwart:anna%40firma.example?secret={enrolled.seed}&issuer=Torwart"
    app = App(enrolled.seed, clock)
    assert totp.state(anna.id) is AppState.WAITING
    assert refused(totp, anna, app.code()) == "no_app"
    totp.confirm(anna.id, app.code(), HERE)
    assert totp.state(anna.id) is AppState.READY
    assert len(house.events.of(EventAction.TOTP_ENROLLED)) == 1
    assert refused(totp, anna, app.code()) == "used", "the first code is used up by the enrolment"
    clock.steps(1)
    assert totp.use(anna.id, app.code(), HERE) == int(clock.now.timestamp()) // STEP_SECONDS


def test_the_picture_is_there_once_and_for_its_person_only(totp: Totp, anna: Person, boris: Person, clock: Frozen) -> None:
    first = totp.begin(anna.id)
    second = totp.begin(anna.id)
    assert totp.picture(anna.id, first.picture) is None, "a new enrolment makes the one before void"
    assert totp.picture(boris.id, second.picture) is None
    assert totp.picture(anna.id, second.picture) == second.address
    assert totp.picture(anna.id, second.picture) is None
    third = totp.begin(anna.id)
    totp.confirm(anna.id, App(third.seed, clock).code(), HERE)
    assert totp.picture(anna.id, third.picture) is None


def test_an_app_in_use_is_not_replaced_but_removed_first(house: House, totp: Totp, anna: Person, app: App) -> None:
    with pytest.raises(PermissionError):
        totp.begin(anna.id)
    assert totp.remove(anna.id, anna.id)
    assert not totp.remove(anna.id, anna.id)
    assert refused(totp, anna, app.code()) == "no_app"
    assert len(house.events.of(EventAction.TOTP_REMOVED)) == 1
    totp.begin(anna.id)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_step_before_this_and_the_next_are_right(totp: Totp, anna: Person, app: App, steps: int) -> None:
    assert totp.use(anna.id, app.code(steps), HERE) > 0


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_e85_steps_beyond_the_window_are_not(totp: Totp, anna: Person, app: App, steps: int) -> None:
    assert refused(totp, anna, app.code(steps)) == "wrong"


def test_e85_a_code_is_right_once_and_none_of_an_earlier_step_after_it(totp: Totp, anna: Person, app: App) -> None:
    totp.use(anna.id, app.code(), HERE)
    assert refused(totp, anna, app.code()) == "used"
    assert refused(totp, anna, app.code(-1)) == "used"
    totp.use(anna.id, app.code(1), HERE)


def test_e85_a_clock_that_is_set_back_accepts_nothing_again(totp: Totp, anna: Person, app: App, clock: Frozen) -> None:
    totp.use(anna.id, app.code(), HERE)
    clock.steps(-4)
    assert [refused(totp, anna, app.code(steps), f"192.0.2.{steps + 10}") for steps in (-1, 0, 1)] == ["used"] * 3
    clock.steps(5)
    totp.use(anna.id, app.code(), HERE)


MALFORMED = {
    "seven digits": lambda code: code + "0",
    "five digits": lambda code: code[:5],
    "Arabic digits": lambda code: "".join(chr(0x0660 + int(digit)) for digit in code),
    "full-width digits": lambda code: "".join(chr(0xFF10 + int(digit)) for digit in code),
    "a line break after it": lambda code: code + "\n",
    "a tab in it": lambda code: f"{code[:3]}\t{code[3:]}",
    "no-break space": lambda code: f"{code[:3]}\u00a0{code[3:]}",
    "a sign": lambda code: "+" + code[1:],
    "nothing": lambda _code: "",
    "a NUL": lambda code: code + "\0",
    "a megabyte": lambda code: code + " " * 1_000_000,
}


@pytest.mark.parametrize("spell", MALFORMED.values(), ids=MALFORMED)
def test_e85_what_is_not_six_ascii_digits_is_no_code(totp: Totp, anna: Person, app: App, spell) -> None:
    assert refused(totp, anna, spell(app.code())) == "malformed"


@pytest.mark.parametrize("spell", ["{} {}", " {}{}", "{}{}  ", " {} {} "])
def test_blanks_as_apps_show_them_are_taken_out(totp: Totp, anna: Person, app: App, spell: str) -> None:
    code = app.code()
    assert totp.use(anna.id, spell.format(code[:3], code[3:]), HERE)


def test_e85_after_five_wrong_codes_a_sixth_is_not_looked_at(house: House, totp: Totp, anna: Person, app: App, clock: Frozen) -> None:
    assert [refused(totp, anna, app.wrong(), f"192.0.2.{one}") for one in range(5)] == ["wrong"] * 5
    assert refused(totp, anna, app.code(), ELSEWHERE) == "too_many", "the right one too, from whatever network"
    assert refused(totp, anna, app.wrong(), ELSEWHERE) == "too_many"
    clock.now += WINDOW
    totp.use(anna.id, app.code(), HERE)
    causes = [event.document["torwart"]["words"]["cause"] for event in house.events.of(EventAction.CODE_REFUSED)]
    assert causes == ["wrong"] * 5 + ["too_many"] * 2


def test_five_wrong_codes_close_a_network_for_everybody_in_it(totp: Totp, anna: Person, boris: Person, app: App, clock: Frozen) -> None:
    for one in range(5):
        assert refused(totp, boris, "123456", f"2001:db8:1:2::{one:x}") == "no_app"
    assert refused(totp, anna, app.code(), "2001:db8:1:2:ffff::1") == "too_many"
    assert totp.use(anna.id, app.code(), "2001:db8:1:3::1")


def test_e85_twenty_wrong_codes_lock_the_app_with_an_alarm(house: House, totp: Totp, anna: Person, app: App, clock: Frozen) -> None:
    for number in range(MAX_FAILURES):
        if number % 5 == 0:
            clock.now += WINDOW
        if number == 7:  # a right one in between takes nothing back
            totp.use(anna.id, app.code(), HERE)
        assert refused(totp, anna, app.wrong()) == "wrong"
    (alarm,) = house.events.of(EventAction.TOTP_LOCKED)
    assert (alarm.pseudonym, alarm.document["event"]["severity"]) == (anna.pseudonym, 73)
    clock.now += WINDOW
    assert totp.state(anna.id) is AppState.LOCKED
    assert refused(totp, anna, app.wrong()) == "locked", "the 21st"
    assert refused(totp, anna, app.code()) == "locked"
    assert len(house.events.of(EventAction.TOTP_LOCKED)) == 1
    with pytest.raises(PermissionError):
        totp.begin(anna.id)
    totp.remove(anna.id, anna.id)
    clock.now += WINDOW
    again = App(totp.begin(anna.id).seed, clock)
    totp.confirm(anna.id, again.code(), HERE)
    clock.steps(1)
    assert totp.use(anna.id, again.code(), HERE)


@pytest.mark.parametrize("cut", ["frozen", "gone"])
def test_who_is_cut_off_has_no_code(house: House, totp: Totp, anna: Person, app: App, cut: str) -> None:
    house.people.freeze(anna.id, None) if cut == "frozen" else house.people.set_status(anna.id, Status.GONE, None)
    assert refused(totp, anna, app.code()) == "person"


def test_fifty_threads_with_one_code_have_one_success(totp: Totp, anna: Person, app: App) -> None:
    code, done = app.code(), []

    def once(number: int) -> None:
        try:
            done.append(totp.use(anna.id, code, f"10.0.{number}.1"))
        except CodeRefusedError as error:
            done.append(error.cause)

    threads = [threading.Thread(target=once, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert len([one for one in done if isinstance(one, int)]) == 1


def test_a_seed_is_nothing_under_another_key_or_in_another_persons_row(
    house: House, totp: Totp, anna: Person, boris: Person, app: App, clock: Frozen
) -> None:
    with writing(house.engine) as session:
        row = session.get_one(TotpSeed, anna.id)
        assert app.code().encode() not in row.sealed
        copied = {"sealed": row.sealed, "created_at": START, "confirmed_at": START}
        session.add(TotpSeed(person_id=boris.id, **copied))
    assert refused(totp, boris, app.code()) == "seed"
    assert refused(Totp(house.engine, house.events, bytes(32), now=clock), anna, app.code()) == "seed"
    assert totp.use(anna.id, app.code(), HERE)


def test_old_tries_are_not_kept(house: House, totp: Totp, anna: Person, app: App, clock: Frozen) -> None:
    refused(totp, anna, app.wrong())
    clock.now += WINDOW
    refused(totp, anna, app.wrong())
    with writing(house.engine) as session:
        assert session.query(CodeTry).count() == 1


def test_no_seed_and_no_code_is_in_the_record(house: House, totp: Totp, anna: Person, clock: Frozen) -> None:
    seed = totp.begin(anna.id).seed
    app = App(seed, clock)
    used = [app.code(), app.wrong()]
    totp.confirm(anna.id, used[0], HERE)
    refused(totp, anna, used[1])
    said = b"".join(event.canonical() for event in house.events.seen)
    assert not [word for word in (seed, *used, HERE) if word.encode() in said]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Person]]:
    from audit_store.database import open_database
    from audit_store.pseudonyms import Pseudonyms
    from auth.people import People
    from auth.row_versions import RowVersions
    from auth.sealed_rows import attach
    from tests.services.house import SEAL, Events

    folder = tmp_path_factory.mktemp("totp")
    engine = open_database(folder / "torwart.db")
    attach(engine, SEAL, RowVersions(folder / "row-versions"))
    people = People(engine, Events(), Pseudonyms(bytes(32)))
    yield engine, people.add("Anna Feldmann", "anna@firma.example", ["manager"])
    engine.dispose()


ACTS = st.lists(st.tuples(st.sampled_from(["right", "again", "wrong", "odd"]), st.integers(-2, 60), st.integers(-1, 1)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(ACTS)
def test_whatever_is_tried_no_step_is_accepted_twice_or_backwards_and_failures_only_grow(shared, acts) -> None:
    """Right, repeated, wrong and malformed codes in any order, while the clock goes forward or back."""
    engine, anna = shared
    clock, events = Frozen(), []
    totp = Totp(engine, events.append, KEY, now=clock)
    totp.remove(anna.id, None)
    with writing(engine) as session:
        session.query(CodeTry).delete()
    app = App(totp.begin(anna.id).seed, clock)
    totp.confirm(anna.id, app.code(), HERE)
    accepted, last, failures = [int(clock.now.timestamp()) // STEP_SECONDS], app.code(), 0
    for kind, ahead, drift in acts:
        clock.steps(ahead)
        code = {"right": app.code(drift), "again": last, "wrong": app.wrong(), "odd": "12345"}[kind]
        try:
            step = totp.use(anna.id, code, HERE)
        except CodeRefusedError as error:
            failures += error.cause != "too_many"
        else:
            assert kind in ("right", "again")
            assert step > accepted[-1]
            accepted.append(step)
            last = code
        with writing(engine) as session:
            row = session.get_one(TotpSeed, anna.id)
            assert row.failures == min(failures, row.failures)
            assert row.failures >= min(failures, MAX_FAILURES)
            assert (row.locked_at is not None) == (row.failures >= MAX_FAILURES)
            assert row.last_step == accepted[-1]
