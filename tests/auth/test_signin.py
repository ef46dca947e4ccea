"""Sign-in to the console: the key says whose it is."""

import threading
from typing import Any

import pytest

from audit_store.event import EventAction
from auth.keys import KeyRefusedError
from auth.tables import Person
from deploy.demo.software_key import Lies, SoftwareKey
from policies.request import Status
from tests.services.house import TORWART, Ceremonies


def _sign_in(ceremonies: Ceremonies, key: SoftwareKey, *, user_verified: bool = True, **lies: Any) -> str:
    options, state = ceremonies.sign_in.begin()
    return ceremonies.sign_in.complete(state, key.get(options, TORWART, user_verified=user_verified, lies=Lies(**lies)))


def test_a_key_signs_its_person_in(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    ceremonies.enrol(boris)
    found = ceremonies.house.console.find(_sign_in(ceremonies, ceremonies.enrol(anna)))
    assert found is not None
    assert found[1].id == anna.id
    assert found[0].key_id == ceremonies.key_of(anna).id
    (event,) = ceremonies.house.events.of(EventAction.CONSOLE_LOGIN)
    assert event.pseudonym == anna.pseudonym


def test_any_discoverable_key_is_asked_for_with_user_verification(ceremonies: Ceremonies) -> None:
    options, _ = ceremonies.sign_in.begin()
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"user_verified": False}, "not_verified"),
        ({"no_user_handle": True}, "user_handle"),
        ({"user_handle": b"u" * 32}, "user_handle"),
        ({"credential_id": b"x" * 32}, "unknown_key"),
        ({"members": {"origin": "http://crm.localhost:8400"}}, "origin"),
        ({"challenge": b"a challenge that nobody gave out."}, "challenge_used"),
        ({"client_data": b"{}"}, "malformed"),
    ],
)
def test_what_is_not_right_signs_nobody_in(ceremonies: Ceremonies, anna: Person, how: dict[str, Any], cause: str) -> None:
    key = ceremonies.enrol(anna)
    with pytest.raises(KeyRefusedError) as refused:
        _sign_in(ceremonies, key, **how)
    assert refused.value.cause == cause
    assert ceremonies.refusals() == [cause]
    assert ceremonies.house.events.of(EventAction.CONSOLE_LOGIN) == []


def test_the_user_handle_of_a_colleague_is_refused(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    with pytest.raises(KeyRefusedError):
        _sign_in(ceremonies, ceremonies.enrol(anna), user_handle=boris.user_handle)


def test_an_answer_signs_in_once_even_fifty_times_at_once(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    options, state = ceremonies.sign_in.begin()
    answer = key.get(options, TORWART)
    done: list[str] = []

    def complete() -> None:
        try:
            done.append(ceremonies.sign_in.complete(state, answer))
        except KeyRefusedError:
            done.append("refused")

    threads = [threading.Thread(target=complete) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert done.count("refused") == 49
    assert ceremonies.key_of(anna).locked_at is None, "a replay does not lock the key of its owner"


def test_an_answer_belongs_to_its_own_ceremony(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    options, _ = ceremonies.sign_in.begin()
    _, other = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(other, key.get(options, TORWART))


def test_who_is_frozen_or_gone_does_not_sign_in(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    of_anna, of_boris = ceremonies.enrol(anna), ceremonies.enrol(boris)
    ceremonies.house.people.freeze(anna.id, None)
    ceremonies.house.people.set_status(boris.id, Status.GONE, None)
    for key in (of_anna, of_boris):
        with pytest.raises(KeyRefusedError):
            _sign_in(ceremonies, key)


def test_a_registration_cannot_be_answered_by_a_sign_in_nor_the_other_way(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    token = ceremonies.keys.issue_token(anna.id, None)
    creation, state = ceremonies.keys.begin_registration(token)
    options, _ = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(state, key.get({**options, "challenge": creation["challenge"]}, TORWART))
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(token, SoftwareKey().create({**creation, "challenge": options["challenge"]}, TORWART))


def test_each_of_several_keys_signs_in_until_it_is_locked(ceremonies: Ceremonies, anna: Person) -> None:
    first, second = ceremonies.enrol(anna), ceremonies.enrol(anna)
    rows = ceremonies.keys.of(anna.id)
    for key, row in zip((first, second), rows, strict=True):
        found = ceremonies.house.console.find(_sign_in(ceremonies, key))
        assert found is not None
        assert (found[1].id, found[0].key_id) == (anna.id, row.id)
    ceremonies.keys.lock(rows[0].id, None)
    with pytest.raises(KeyRefusedError):
        _sign_in(ceremonies, first)
    assert ceremonies.house.console.find(_sign_in(ceremonies, second)) is not None


@pytest.mark.parametrize("response", [{}, {"type": "public-key", "id": "QQ", "rawId": "QQ", "response": {}}, {"type": 5}])
def test_junk_signs_nobody_in(ceremonies: Ceremonies, response: dict[str, Any]) -> None:
    _, state = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(state, response)
