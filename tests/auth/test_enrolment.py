"""Tokens and ceremonies: once, in time, for one person."""

import threading
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect

import pytest
from sqlalchemy import func, select

from audit_store.event import EventAction
from auth import enrolment
from auth.client_data import CeremonyFault
from auth.enrolment import MAX_CEREMONIES, REGISTER, SIGN_IN, TokenError
from auth.keys import KeyRefusedError
from auth.storage import reading, writing
from auth.tables import Ceremony, EnrolmentToken, Person
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.house import TORWART, Ceremonies


def _age(ceremonies: Ceremonies, table: type[Ceremony] | type[EnrolmentToken], by: timedelta) -> None:
    with writing(ceremonies.house.engine) as session:
        for row in session.scalars(select(table)):
            row.expires_at -= by


def test_a_token_registers_one_key(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.begin_registration(token)
    assert len(ceremonies.keys.of(anna.id)) == 1


def test_a_token_used_fifty_times_at_once_registers_one_key(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    answers = [SoftwareKey().create(ceremonies.keys.begin_registration(token)[0], TORWART) for _ in range(50)]
    done: list[str] = []

    def register(answer: dict[str, object]) -> None:
        try:
            done.append(ceremonies.keys.complete_registration(token, answer).id)
        except KeyRefusedError:
            done.append("refused")

    threads = [threading.Thread(target=register, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert done.count("refused") == 49
    assert len(ceremonies.keys.of(anna.id)) == 1


def test_a_token_runs_out(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None, hours=24)
    _age(ceremonies, EnrolmentToken, timedelta(hours=24))
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.begin_registration(token)
    assert refused.value.cause == "token"


def test_a_token_that_runs_out_during_the_ceremony_registers_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None, hours=24)
    options, _ = ceremonies.keys.begin_registration(token)
    _age(ceremonies, EnrolmentToken, timedelta(hours=24))
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    assert ceremonies.keys.of(anna.id) == []


def test_a_new_token_voids_the_one_before(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    first, of_boris = ceremonies.keys.issue_token(anna.id, None), ceremonies.keys.issue_token(boris.id, None)
    second = ceremonies.keys.issue_token(anna.id, None)
    assert ceremonies.keys.enrolment.person_of(first) is None
    for token, person in ((second, anna), (of_boris, boris)):
        found = ceremonies.keys.enrolment.person_of(token)
        assert found is not None
        assert found.id == person.id


@pytest.mark.parametrize("token", ["", "guess", "é\ud800", "x" * 10_000])
def test_a_token_that_was_never_issued_is_refused(ceremonies: Ceremonies, anna: Person, token: str) -> None:
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.begin_registration(token)
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(token, {"type": "public-key"})


def test_who_is_frozen_or_gone_gets_no_token_and_uses_none(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.house.people.freeze(anna.id, None)
    with pytest.raises(TokenError):
        ceremonies.keys.issue_token(anna.id, None)
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    ceremonies.house.people.set_status(boris.id, Status.GONE, None)
    with pytest.raises(TokenError):
        ceremonies.keys.issue_token(boris.id, None)
    with pytest.raises(TokenError):
        ceremonies.keys.issue_token("nobody", None)


def test_issuing_is_recorded_with_both_people_and_without_the_token(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, boris.id)
    (event,) = ceremonies.house.events.of(EventAction.TOKEN_ISSUED)
    assert event.pseudonym == boris.pseudonym
    assert event.document["torwart"]["subject"] == anna.pseudonym
    assert token.encode() not in event.canonical()


def test_the_database_holds_no_token(ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    with connect(tmp_path / "state" / "torwart.db") as database:
        assert token not in "".join(database.iterdump())


def test_a_challenge_is_answered_once_in_time_and_for_its_own_token(ceremonies: Ceremonies, anna: Person) -> None:
    desk = ceremonies.keys.enrolment
    token = ceremonies.keys.issue_token(anna.id, None)
    _, challenge = desk.begin(REGISTER, token)
    for wrong in ({"token": "another"}, {"ceremony_id": "another"}):
        with pytest.raises(CeremonyFault):
            desk.consume(REGISTER, challenge, **wrong)
    with pytest.raises(CeremonyFault):
        desk.consume(SIGN_IN, challenge)
    desk.consume(REGISTER, challenge, token)
    with pytest.raises(CeremonyFault):
        desk.consume(REGISTER, challenge, token)
    _, late = desk.begin(REGISTER, token)
    _age(ceremonies, Ceremony, timedelta(seconds=enrolment.CEREMONY_SECONDS))
    with pytest.raises(CeremonyFault):
        desk.consume(REGISTER, late, token)


def test_open_sign_in_pages_cannot_fill_the_database(ceremonies: Ceremonies, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CEREMONIES == 1000
    monkeypatch.setattr(enrolment, "MAX_CEREMONIES", 10)
    challenges = [ceremonies.keys.enrolment.begin(SIGN_IN)[1] for _ in range(30)]
    with reading(ceremonies.house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Ceremony)) == 10
    ceremonies.keys.enrolment.consume(SIGN_IN, challenges[-1])
    with pytest.raises(CeremonyFault):
        ceremonies.keys.enrolment.consume(SIGN_IN, challenges[0])
