"""A touch for something about oneself: for exactly that, for exactly oneself, once."""

from typing import Any

import pytest

from auth.keys import KeyRefusedError
from auth.own_touch import OwnTouch, What
from auth.tables import Person
from tests.services.house import TORWART, Ceremonies


@pytest.fixture
def touch(ceremonies: Ceremonies) -> OwnTouch:
    return OwnTouch(ceremonies.house.engine, ceremonies.house.events, ceremonies.keys)


def refused(touch: OwnTouch, person: Person, what: What, state: str, answer: dict[str, Any]) -> str:
    with pytest.raises(KeyRefusedError) as error:
        touch.complete(person.id, what, state, answer)
    return error.value.cause


def test_it_names_the_key_and_is_good_once(ceremonies: Ceremonies, touch: OwnTouch, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    options, state = touch.begin(anna.id, What.CODES)
    answer = key.get(options, TORWART)
    assert touch.complete(anna.id, What.CODES, state, answer) == ceremonies.key_of(anna).id
    assert refused(touch, anna, What.CODES, state, answer) == "challenge_used"


def test_it_is_for_one_thing_and_one_person(ceremonies: Ceremonies, touch: OwnTouch, anna: Person, boris: Person) -> None:
    key, other = ceremonies.enrol(anna), ceremonies.enrol(boris)
    options, state = touch.begin(anna.id, What.CODES)
    answer = key.get(options, TORWART)
    assert refused(touch, anna, What.TOTP, state, answer) == "challenge_used"
    assert refused(touch, boris, What.CODES, state, answer) == "challenge_used"
    assert refused(touch, anna, What.CODES, "another", answer) == "challenge_used"
    assert touch.complete(anna.id, What.CODES, state, answer)
    options, state = touch.begin(boris.id, What.CODES)
    forged = other.get(options, TORWART) | {"response": key.get(touch.begin(anna.id, What.CODES)[0], TORWART)["response"]}
    assert refused(touch, boris, What.CODES, state, forged) == "challenge_used"


def test_without_a_key_there_is_none(touch: OwnTouch, anna: Person) -> None:
    with pytest.raises(KeyRefusedError):
        touch.begin(anna.id, What.TOTP)
    assert refused(touch, anna, What.TOTP, "state", {}) == "malformed"
