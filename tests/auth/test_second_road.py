"""A short code that leads to an act on another device of its person: few guesses, its own act, once, and nothing is confirmed by it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from audit_store.event import EventAction
from auth.act import StepUpRefused, Summary
from auth.code_tries import WINDOW, Tries
from auth.second_road import MAX_CODES, MAX_GUESSES, MAX_GUESSES_IN_ALL, SecondRoads
from auth.storage import writing
from auth.tables import Act, Person
from auth.totp import CodeRefusedError
from auth.totp_tables import CodeTry, SecondRoad
from tests.services.house import TORWART, Ceremonies

HERE = "192.0.2.7"


@pytest.fixture
def roads(ceremonies: Ceremonies) -> SecondRoads:
    house = ceremonies.house
    return SecondRoads(house.engine, house.events, ceremonies.stepup, Tries(bytes(32)), bytes(32))


def refused(roads: SecondRoads, person: Person, code: str, source: str = HERE) -> str:
    with pytest.raises(CodeRefusedError) as error:
        roads.find(person.id, code, source)
    return error.value.cause


@pytest.mark.parametrize("spell", [str, str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:4]} {code[5:]} "])
def test_the_code_leads_to_its_act_and_is_shown_on_both_screens(ceremonies: Ceremonies, roads: SecondRoads, anna: Person, spell) -> None:
    act = ceremonies.hold(anna)
    offered = roads.offer(act.id)
    assert offered.expires_at == act.expires_at
    assert roads.led_here(act.id, offered.code) is None, "not before somebody came by it"
    found = roads.find(anna.id, spell(offered.code), HERE)
    assert (found.id, found.digest, Summary.of(found), found.state) == (act.id, act.digest, Summary.of(act), "open")
    assert roads.led_here(act.id, offered.code) == offered.code
    (event,) = ceremonies.house.events.of(EventAction.SECOND_ROAD_OPENED)
    assert (event.act_id, event.pseudonym) == (act.id, anna.pseudonym)


def test_the_touch_is_the_acts_own(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    found = roads.find(anna.id, roads.offer(act.id).code, HERE)
    assert ceremonies.stepup.take(act.id, act.digest) is None
    ceremonies.stepup.complete(found.id, key.get(ceremonies.stepup.begin(found.id), TORWART))
    assert ceremonies.stepup.take(act.id, act.digest) is not None


def test_a_code_is_used_once_and_void_when_there_is_a_newer_one(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    act = ceremonies.hold(anna)
    first, second = roads.offer(act.id).code, roads.offer(act.id).code
    assert refused(roads, anna, first) == "wrong"
    roads.find(anna.id, second, HERE)
    assert refused(roads, anna, second) == "wrong"


def test_a_code_of_somebody_elses_act_is_a_wrong_one(ceremonies: Ceremonies, roads: SecondRoads, anna: Person, boris: Person) -> None:
    act, other = ceremonies.hold(anna), ceremonies.hold(boris)
    code = roads.offer(act.id).code
    assert refused(roads, boris, code) == "wrong"
    assert roads.find(anna.id, code, HERE).id == act.id, "and is not used up by that"
    assert roads.led_here(other.id, code) is None


def test_after_five_wrong_codes_a_persons_own_are_void(ceremonies: Ceremonies, roads: SecondRoads, anna: Person, boris: Person) -> None:
    mine, other = roads.offer(ceremonies.hold(anna).id).code, roads.offer(ceremonies.hold(boris).id).code
    assert [refused(roads, anna, f"000{number}-0000", f"10.0.{number}.1") for number in range(MAX_GUESSES)] == ["wrong"] * MAX_GUESSES
    assert refused(roads, anna, mine, "198.51.100.1") == "too_many"
    roads.find(boris.id, other, "198.51.100.2")
    with writing(ceremonies.house.engine) as session:
        for row in session.scalars(select(CodeTry)):
            row.at -= WINDOW
    assert refused(roads, anna, mine) == "wrong", "void, not only waiting"


def test_after_thirty_wrong_codes_of_everybody_none_is_looked_at(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    people = [ceremonies.house.people.add(f"P {number}", f"p{number}@firma.example", ["manager"]) for number in range(8)]
    guesses = [(people[number // 4], f"10.{number}.0.1") for number in range(MAX_GUESSES_IN_ALL)]
    assert {refused(roads, person, "0000-0000", source) for person, source in guesses} == {"wrong"}
    code = roads.offer(ceremonies.hold(anna).id).code
    assert refused(roads, anna, code, "198.51.100.1") == "too_many_in_all"


@pytest.mark.parametrize("typed", ["", "K7M2", "K7M2-9QXD-1", "К7М2-9ХХА", "U000-0000", "0" * 1_000_000, "00\0000000", "٠٠٠٠٠٠٠٠"])
def test_what_is_no_code_is_none(ceremonies: Ceremonies, roads: SecondRoads, anna: Person, typed: str) -> None:
    roads.offer(ceremonies.hold(anna).id)
    assert refused(roads, anna, typed) == "malformed"
    assert roads.led_here("act1", typed) is None


def test_it_ends_with_the_act(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    act = ceremonies.hold(anna)
    code = roads.offer(act.id).code
    ceremonies.stepup.cancel(act.id)
    assert roads.find(anna.id, code, HERE).state == "cancelled", "its page says that it is over"
    with pytest.raises(StepUpRefused):
        roads.offer(act.id)
    late = ceremonies.hold(anna, ids=("7",))
    code = roads.offer(late.id).code
    with writing(ceremonies.house.engine) as session:
        for row in session.scalars(select(SecondRoad)):
            row.expires_at -= timedelta(seconds=121)
    assert refused(roads, anna, code) == "wrong"


def test_an_act_has_few_codes(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    act = ceremonies.hold(anna)
    for _ in range(MAX_CODES):
        roads.offer(act.id)
    with pytest.raises(StepUpRefused):
        roads.offer(act.id)
    with pytest.raises(StepUpRefused):
        roads.offer("no such act")


def test_who_is_frozen_gets_nowhere_by_it(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    code = roads.offer(ceremonies.hold(anna).id).code
    ceremonies.house.people.freeze(anna.id, None)
    assert refused(roads, anna, code) == "person"


def test_fifty_threads_with_one_code_come_in_once(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    code, done = roads.offer(ceremonies.hold(anna).id).code, []

    def once(number: int) -> None:
        try:
            done.append(roads.find(anna.id, code, f"10.0.{number}.1"))
        except CodeRefusedError:
            done.append(None)

    threads = [threading.Thread(target=once, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert len([one for one in done if isinstance(one, Act)]) == 1


def test_no_code_is_in_the_record_or_readable_in_the_database(ceremonies: Ceremonies, roads: SecondRoads, anna: Person) -> None:
    code = roads.offer(ceremonies.hold(anna).id).code
    refused(roads, anna, "0123-4567")
    roads.find(anna.id, code, HERE)
    said = b"".join(event.canonical() for event in ceremonies.house.events.seen)
    with writing(ceremonies.house.engine) as session:
        kept = " ".join(session.scalars(select(SecondRoad.code_hash)))
    assert not [one for one in (code, code.replace("-", ""), "0123-4567", HERE) if one.encode() in said or one in kept]
