"""X16: hostile content opens challenges in a victim's name: at most three wait, and none can be confirmed without being shown."""

import pytest

from auth.stepup import MAX_OPEN, TooManyOpenError
from auth.tables import Person
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


def test_acts_of_other_people_are_not_in_the_way(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    for number in range(3):
        ceremonies.hold(anna, ids=(str(number),))
    assert ceremonies.hold(boris).state == "open"
