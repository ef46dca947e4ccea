"""X16: hostile content opens challenges in a victim's name: at most three wait, and none can be confirmed without being shown."""

import pytest

from auth import stepup
from auth.stepup import MAX_OPEN, NoRoomError, TooManyOpenError
from auth.tables import Person
from gateway import holds
from tests.services.gate import Gate, answers, call, told
from tests.services.house import Ceremonies


def test_five_hundred_acts_in_a_row_leave_three_open(ceremonies: Ceremonies, anna: Person) -> None:
    opened = 0
    for number in range(500):
        try:
            ceremonies.hold(anna, ids=(str(number),))
        except TooManyOpenError:
            continue
        opened += 1
    assert opened == MAX_OPEN == 3
    assert len(ceremonies.stepup.open_of(anna.id, "s1")) == 3


def test_another_session_of_the_same_person_does_not_get_three_more(ceremonies: Ceremonies, anna: Person) -> None:
    for number in range(3):
        ceremonies.hold(anna, ids=(str(number),), session_id=f"s{number}")
    with pytest.raises(TooManyOpenError):
        ceremonies.hold(anna, ids=("9",), session_id="s9")


def test_a_flood_of_sessions_does_not_fill_the_database(
    ceremonies: Ceremonies, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepup, "MAX_OPEN_IN_ALL", 2)
    waiting = ceremonies.hold(anna)
    ceremonies.hold(boris)
    with pytest.raises(NoRoomError):
        ceremonies.hold(anna, ids=("9",))
    ceremonies.stepup.cancel(waiting.id)
    assert ceremonies.hold(anna, ids=("9",)).state == "open"


async def test_the_whole_house_hears_that_too_many_wait(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepup, "MAX_OPEN_IN_ALL", 0)
    gate.own(*range(1, 101))
    answer = await gate.ask(call("model.party.party.export_data", [1, 2], ["name"]), answers([[1, "A"], [2, "B"]]))
    assert "zu viele Vorg\u00e4nge" in answer.body.decode()
    assert gate.events()[-1]["event"]["reason"] == "too_many_held"


async def test_what_finds_no_room_in_memory_is_confirmed_first_and_repeated_then(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "MAX_WAITING", 0)
    gate.own(*range(1, 101))
    gate.listen()
    asked = call("model.party.party.export_data", [1, 2], ["name"])
    first = await gate.ask(asked, answers([[1, "A"], [2, "B"]]))
    assert told(first) != ""
    (act_id,) = await gate.held()
    gate.touch(act_id)
    assert told(await gate.ask(asked, answers([[1, "A"], [2, "B"]]))) == ""


def test_acts_of_other_people_are_not_in_the_way(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    for number in range(3):
        ceremonies.hold(anna, ids=(str(number),))
    assert ceremonies.hold(boris).state == "open"
