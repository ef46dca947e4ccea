"""X2: the thief registers an authenticator of his own. The first key, and every other, needs a one-time token from an administrator."""

import pytest

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies


def test_without_a_token_there_is_no_registration(ceremonies: Ceremonies, anna: Person) -> None:
    for token in ("", "guessed", anna.id, anna.pseudonym, "null"):
        with pytest.raises(KeyRefusedError):
            ceremonies.keys.begin_registration(token)


def test_a_signed_in_thief_without_a_token_registers_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    options, state = ceremonies.sign_in.begin()
    cookie = ceremonies.sign_in.complete(state, key.get(options, TORWART))
    assert ceremonies.house.console.find(cookie) is not None
    for token in (cookie, state):
        with pytest.raises(KeyRefusedError):
            ceremonies.keys.begin_registration(token)
    assert len(ceremonies.keys.of(anna.id)) == 1


def test_a_key_that_was_never_registered_confirms_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    ceremonies.enrol(anna)
    thief = SoftwareKey()
    thief.create({"rp": {"id": "torwart.localhost"}, "user": {"id": "QQ"}, "challenge": "QQ"}, TORWART)
    act = ceremonies.hold(anna)
    options = {**ceremonies.stepup.begin(act.id), "allowCredentials": []}
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete(act.id, thief.get(options, TORWART))
    assert refused.value.cause == "unknown_key"


def test_a_key_registered_elsewhere_under_the_same_name_confirms_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    """The thief knows the credential id (it stands in the options) and answers in its name with a key of his own."""
    from deploy.demo.software_key import Lies

    ceremonies.enrol(anna)
    thief, act = SoftwareKey(), ceremonies.hold(anna)
    thief.create({"rp": {"id": "torwart.localhost"}, "user": {"id": "QQ"}, "challenge": "QQ"}, TORWART)
    options = ceremonies.stepup.begin(act.id)
    known = ceremonies.key_of(anna).credential_id
    answer = thief.get(
        {**options, "allowCredentials": []}, TORWART, lies=Lies(credential_id=known, user_handle=anna.user_handle, counter=99)
    )
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete(act.id, answer)
    assert refused.value.cause == "signature"
    assert ceremonies.key_of(anna).sign_count == 1, "a false signature does not move the counter of the owner's key"


def test_a_token_makes_a_key_for_its_own_person_only(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    of_anna, of_boris = ceremonies.keys.issue_token(anna.id, None), ceremonies.keys.issue_token(boris.id, None)
    options, _ = ceremonies.keys.begin_registration(of_anna)
    answer = SoftwareKey().create(options, TORWART)
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.complete_registration(of_boris, answer)
    assert refused.value.cause == "challenge_used"
    assert ceremonies.keys.of(boris.id) == []
    options, _ = ceremonies.keys.begin_registration(of_boris)
    lying = SoftwareKey().create({**options, "user": {"id": "QQ"}}, TORWART)
    assert ceremonies.keys.complete_registration(of_boris, lying).person_id == boris.id


def test_a_registration_heard_on_the_wire_cannot_be_sent_again(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    answer = SoftwareKey().create(options, TORWART)
    ceremonies.keys.complete_registration(token, answer)
    for again in (token, ceremonies.keys.issue_token(anna.id, None), ceremonies.keys.issue_token(boris.id, None)):
        with pytest.raises(KeyRefusedError):
            ceremonies.keys.complete_registration(again, answer)
    assert len(ceremonies.keys.of(anna.id)) == 1
    assert ceremonies.keys.of(boris.id) == []


def test_nobody_is_their_own_witness(ceremonies: Ceremonies, anna: Person) -> None:
    with pytest.raises(TokenError):
        ceremonies.keys.issue_token(anna.id, anna.id)
    assert ceremonies.house.events.of(EventAction.TOKEN_ISSUED) == []


def test_every_token_and_every_key_leaves_a_record(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, boris.id)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    (issued,) = ceremonies.house.events.of(EventAction.TOKEN_ISSUED)
    (enrolled,) = ceremonies.house.events.of(EventAction.KEY_ENROLLED)
    assert (issued.pseudonym, issued.document["torwart"]["subject"]) == (boris.pseudonym, anna.pseudonym)
    assert enrolled.pseudonym == anna.pseudonym


def test_a_key_that_cannot_be_recorded_is_not_registered(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)

    def full(_event: object) -> None:
        raise OSError("no space left")

    ceremonies.keys._record = full
    with pytest.raises(OSError, match="no space"):
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    assert ceremonies.keys.of(anna.id) == []
    assert ceremonies.keys.enrolment.person_of(token) is not None, "the token was not used up either"
