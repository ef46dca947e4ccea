"""X12: a token that was written into the database by hand, or brought back there, lets no key in."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import update

from audit_store.event import EventAction
from auth.keys import KeyRefusedError
from auth.storage import database_now, writing
from auth.tables import EnrolmentToken
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART


def _refused(ceremonies, token):
    options, _ = ceremonies.keys.begin_registration(token)
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    return refused.value.cause


def _change(ceremonies, **values):
    with writing(ceremonies.house.engine) as session:
        session.execute(update(EnrolmentToken).values(**values))


def test_a_row_of_the_thiefs_own(ceremonies, anna):
    with writing(ceremonies.house.engine) as session:
        now = database_now(session)
        hashed = hashlib.sha256(b"known to the thief").hexdigest()
        session.add(EnrolmentToken(hash=hashed, person_id=anna.id, created_at=now, expires_at=now + timedelta(hours=1)))
    assert _refused(ceremonies, "known to the thief") == "seal"
    (alarm,) = ceremonies.house.events.of(EventAction.AUTHORITY_ALARM)
    assert (alarm.document["torwart"]["subject"], alarm.document["torwart"]["words"]["table"]) == (anna.pseudonym, "enrolment_tokens")
    assert ceremonies.keys.of(anna.id) == []


def test_a_token_that_was_turned_to_another_person(ceremonies, anna, boris):
    token = ceremonies.keys.issue_token(boris.id, None)
    _change(ceremonies, person_id=anna.id)
    assert _refused(ceremonies, token) == "seal"


@pytest.mark.parametrize("values", [{"seconded": True}, {"most": None}, {"demo": True}, {"issued_by": None}])
def test_a_token_that_was_given_more(ceremonies, anna, values):
    ceremonies.enrol(anna)
    token = ceremonies.keys.enrolment.issue_own(anna.id, ceremonies.keys.class_of(ceremonies.key_of(anna)))
    _change(ceremonies, **values)
    assert _refused(ceremonies, token) == "seal"


def test_a_used_token_that_was_brought_back(ceremonies, anna):
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    _change(ceremonies, used_at=None)
    assert _refused(ceremonies, token) == "seal"
    assert len(ceremonies.keys.of(anna.id)) == 1


def test_a_token_that_lasts_longer(ceremonies, anna):
    token = ceremonies.keys.issue_token(anna.id, None)
    with writing(ceremonies.house.engine) as session:
        session.execute(update(EnrolmentToken).values(expires_at=database_now(session) + timedelta(days=900)))
    assert _refused(ceremonies, token) == "seal"
