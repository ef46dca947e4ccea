"""X23: a key left in the machine is touched by somebody else. Presence alone is refused for every purpose, whatever was asked for."""

import pytest

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.client_data import decode, encode
from auth.keys import KeyRefusedError
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies


def test_no_act_is_confirmed_by_a_touch_alone(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    options = ceremonies.stepup.begin(act.id)
    assert options["userVerification"] == "required"
    lowered = {**options, "userVerification": "discouraged"}  # a modified client asks its key for less
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete(act.id, key.get(lowered, TORWART, user_verified=False))
    assert refused.value.cause == "not_verified"
    assert ceremonies.stepup.take(act.id, act.digest) is None
    (event,) = ceremonies.house.events.of(EventAction.KEY_REFUSED)
    assert event.pseudonym == anna.pseudonym


def test_nobody_signs_in_by_a_touch_alone(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    options, state = ceremonies.sign_in.begin()
    assert options["userVerification"] == "required"
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.sign_in.complete(state, key.get(options, TORWART, user_verified=False))
    assert refused.value.cause == "not_verified"


def test_a_key_without_pin_or_biometry_is_not_registered(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART, user_verified=False))
    assert refused.value.cause == "not_verified"
    assert ceremonies.keys.of(anna.id) == []


def test_the_flag_cannot_be_set_afterwards(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART, user_verified=False)
    data = bytearray(decode(answer["response"]["authenticatorData"]))
    data[32] |= 0x04  # UV
    answer["response"]["authenticatorData"] = encode(bytes(data))
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete(act.id, answer)
    assert refused.value.cause == "signature"
    assert ceremonies.stepup.take(act.id, act.digest) is None


def test_a_verified_touch_on_the_same_act_still_works_afterwards(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART, user_verified=False))
    assert ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART)).state == "confirmed"
