"""Enrolment in person: the administrator's own key first, once, for one colleague."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.storage import reading
from auth.tables import EnrolmentToken, Person
from auth.witness import TOKEN_MINUTES, SecondNeededError, Witness
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies


def witness(ceremonies: Ceremonies) -> Witness:
    return Witness(ceremonies.house.engine, ceremonies.house.events, ceremonies.keys)


def test_a_touch_of_the_own_key_gives_a_short_token_for_the_colleague(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    key, one = ceremonies.enrol(anna), witness(ceremonies)
    options, state = one.begin(anna.id, boris.id)
    assert [bool(allowed["id"]) for allowed in options["allowCredentials"]] == [True]
    assert options["userVerification"] == "required"
    given = one.complete(anna.id, boris.id, state, key.get(options, TORWART))
    assert given.key_id == ceremonies.key_of(anna).id
    with reading(ceremonies.house.engine) as session:
        row = session.scalars(select(EnrolmentToken).where(EnrolmentToken.person_id == boris.id)).one()
    assert (row.issued_by, row.expires_at - row.created_at) == (anna.id, timedelta(minutes=TOKEN_MINUTES))
    (event,) = ceremonies.house.events.of(EventAction.ENROLMENT_WITNESSED)
    assert (event.pseudonym, event.document["torwart"]["subject"]) == (anna.pseudonym, boris.pseudonym)
    new = SoftwareKey()
    creation, _ = ceremonies.keys.begin_registration(given.token)
    assert ceremonies.keys.complete_registration(given.token, new.create(creation, TORWART)).person_id == boris.id


def test_nobody_is_the_witness_of_their_own_key(ceremonies: Ceremonies, anna: Person) -> None:
    ceremonies.enrol(anna)
    with pytest.raises(TokenError):
        witness(ceremonies).begin(anna.id, anna.id)


def test_while_a_serious_alert_is_open_one_administrator_is_not_enough(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    """E87; not even where the alert comes between the touch and the token."""
    key, one = ceremonies.enrol(anna), witness(ceremonies)
    options, state = one.begin(anna.id, boris.id)
    signal = Signal("export_try", boris.pseudonym, boris.created_at, "high", "tried", {"asked": 7})
    Alerts(ceremonies.house.engine, ceremonies.house.events).raise_or_grow(signal)
    with pytest.raises(SecondNeededError):
        one.begin(anna.id, boris.id)
    with pytest.raises(TokenError):
        one.complete(anna.id, boris.id, state, key.get(options, TORWART))
    with reading(ceremonies.house.engine) as session:
        assert list(session.scalars(select(EnrolmentToken).where(EnrolmentToken.person_id == boris.id))) == []


def test_for_another_administrator_a_third_has_to_agree(ceremonies: Ceremonies, anna: Person) -> None:
    people = ceremonies.house.people
    boss, third = (people.add(f"{name} Lang", f"{name}@firma.example", ["owner"], "de", []) for name in ("bea", "cora"))
    ceremonies.enrol(anna)
    witness(ceremonies).begin(anna.id, boss.id)
    ceremonies.enrol(third)
    with pytest.raises(SecondNeededError):
        witness(ceremonies).begin(anna.id, boss.id)


def test_a_witness_without_a_key_is_none(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    with pytest.raises(KeyRefusedError):
        witness(ceremonies).begin(anna.id, boris.id)


def test_a_touch_is_for_one_colleague_and_one_time(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    key, one = ceremonies.enrol(anna), witness(ceremonies)
    clara = ceremonies.house.people.add("Clara Voss", "clara@firma.example", ["manager"])
    options, state = one.begin(anna.id, boris.id)
    answer = key.get(options, TORWART)
    for witness_id, person_id, ceremony in ((anna.id, clara.id, state), (boris.id, clara.id, state), (anna.id, boris.id, "other")):
        with pytest.raises(KeyRefusedError):
            one.complete(witness_id, person_id, ceremony, answer)
    assert one.complete(anna.id, boris.id, state, answer)
    with pytest.raises(KeyRefusedError):
        one.complete(anna.id, boris.id, state, answer)


def test_a_sign_in_and_a_witness_s_touch_do_not_stand_for_each_other(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    key, one = ceremonies.enrol(anna), witness(ceremonies)
    options, state = one.begin(anna.id, boris.id)
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(state, key.get(options, TORWART))
    options, state = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError):
        one.complete(anna.id, boris.id, state, key.get(options, TORWART))
    assert ceremonies.house.events.of(EventAction.ENROLMENT_WITNESSED) == []
