"""What about keys nobody does alone."""

import pytest

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.approval_request import ApprovalRefused
from auth.approvals import Approvals
from auth.enrolment import TokenError
from auth.key_consent import ConsentNeededError, KeyConsent
from auth.keys import KeyRefusedError, LastKeyError
from auth.storage import reading
from auth.voices import administrators
from deploy.demo.software_key import Lies, SoftwareKey
from policies.request import KeyClass
from tests.audit_store.acts import NOW
from tests.services.house import TORWART


@pytest.fixture
def approvals(ceremonies):
    house = ceremonies.house
    return Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=ceremonies.used)


@pytest.fixture
def consent(ceremonies, approvals):
    return KeyConsent(ceremonies.house.engine, ceremonies.keys, approvals)


@pytest.fixture
def owner(house, ceremonies):
    person = house.people.add("Olga Brandt", "olga@firma.example", ["owner"], "de", [])
    return person, ceremonies.enrol(person)


def _yes(approvals, request_id, owner):
    person, key = owner
    options = approvals.begin(request_id, person.id)
    approvals.complete(request_id, person.id, key.get(options, TORWART))


def _suspect(house, person, severity="high"):
    return Alerts(house.engine, house.events).raise_or_grow(Signal("export_try", person.pseudonym, NOW, severity, "tried", {"asked": 7}))


def test_one_of_two_keys_is_removed_alone(ceremonies, consent, anna):
    first, second = ceremonies.enrol(anna), ceremonies.enrol(anna)
    gone, kept = ceremonies.keys.of(anna.id)
    answer = first.get(ceremonies.keys.options(anna.id, bytes(32), 60), TORWART)
    assert consent.remove(gone.id, None).id == gone.id
    assert [key.id for key in ceremonies.keys.of(anna.id)] == [key.id for key in ceremonies.keys.all()] == [kept.id]
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.verify_assertion(anna.id, bytes(32), answer)
    assert refused.value.cause == "locked_key"
    (event,) = ceremonies.house.events.of(EventAction.KEY_REMOVED)
    assert event.document["torwart"]["subject"] == anna.pseudonym
    assert ceremonies.keys.verify_assertion(anna.id, bytes(32), second.get(ceremonies.keys.options(anna.id, bytes(32), 60), TORWART))
    with pytest.raises(LookupError):
        consent.remove(gone.id, None)
    with pytest.raises(LookupError):
        consent.remove("none", None)


def test_the_last_key_goes_only_with_a_second_person(ceremonies, consent, approvals, owner, anna, boris):
    """Promises E87."""
    ceremonies.enrol(anna)
    (key,) = ceremonies.keys.of(anna.id)
    with pytest.raises(LastKeyError):
        ceremonies.keys.remove(key.id, None)
    with pytest.raises(ConsentNeededError) as asked:
        consent.remove(key.id, boris)
    with pytest.raises(ConsentNeededError) as again:
        consent.remove(key.id, boris)
    assert asked.value.request_id == again.value.request_id
    assert ceremonies.keys.of(anna.id)[0].locked_at is None
    _yes(approvals, asked.value.request_id, owner)
    consent.remove(key.id, boris)
    assert ceremonies.keys.of(anna.id) == []


def test_at_the_command_line_it_takes_two(ceremonies, consent, approvals, owner, house, anna):
    """Whoever types there may be the one who says yes: nobody approves alone by that road."""
    second = house.people.add("Ada Kern", "ada@firma.example", ["admin"], "de", [])
    of_second = ceremonies.enrol(second)
    ceremonies.enrol(anna)
    (key,) = ceremonies.keys.of(anna.id)
    for answering in (owner, (second, of_second)):
        with pytest.raises(ConsentNeededError) as asked:
            consent.remove(key.id, None)
        _yes(approvals, asked.value.request_id, answering)
    assert consent.remove(key.id, None).locked_why == "removed"


def test_before_any_administrator_has_a_key_nobody_is_asked(ceremonies, consent, house, anna):
    house.people.add("Olga Brandt", "olga@firma.example", ["owner"], "de", [])
    ceremonies.enrol(anna)
    (key,) = ceremonies.keys.of(anna.id)
    assert consent.remove(key.id, None).id == key.id
    _suspect(house, anna)
    assert consent.token(anna.id, None)


def test_a_yes_to_one_key_removes_no_other(ceremonies, consent, approvals, owner, anna, boris):
    carla = ceremonies.house.people.add("Carla Voss", "carla@firma.example", ["admin"], "de", [])
    ceremonies.enrol(anna)
    ceremonies.enrol(boris)
    (of_anna,), (of_boris,) = ceremonies.keys.of(anna.id), ceremonies.keys.of(boris.id)
    with pytest.raises(ConsentNeededError) as asked:
        consent.remove(of_anna.id, carla)
    _yes(approvals, asked.value.request_id, owner)
    with pytest.raises(ConsentNeededError):
        consent.remove(of_boris.id, carla)


def test_a_locked_key_is_no_last_one(ceremonies, consent, anna):
    ceremonies.enrol(anna)
    ceremonies.enrol(anna)
    lost, kept = ceremonies.keys.of(anna.id)
    ceremonies.keys.lock(lost.id, None)
    with pytest.raises(LastKeyError):
        ceremonies.keys.remove(kept.id, None)
    assert ceremonies.keys.remove(lost.id, None).id == lost.id


def test_a_key_under_a_serious_alert_needs_a_second_administrator(ceremonies, consent, approvals, owner, house, anna, boris):
    """Promises E87: by the command line, by an administrator, by the own touch, and with a token from before the alert."""
    before = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(before)
    answer = SoftwareKey().create(options, TORWART)
    _suspect(house, anna)
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.complete_registration(before, answer)
    assert refused.value.cause == "alert_open"
    for issue in (
        lambda: ceremonies.keys.issue_token(anna.id, None),
        lambda: ceremonies.keys.issue_token(anna.id, boris.id),
        lambda: ceremonies.keys.enrolment.issue_own(anna.id, KeyClass.VERIFIED),
    ):
        with pytest.raises(TokenError, match="second administrator"):
            issue()
    with pytest.raises(ConsentNeededError) as asked:
        consent.token(anna.id, boris)
    _yes(approvals, asked.value.request_id, owner)
    token = consent.token(anna.id, boris)
    options, _ = ceremonies.keys.begin_registration(token)
    assert ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART)).person_id == anna.id


def test_a_small_or_a_closed_alert_asks_for_nobody(consent, house, owner, anna):
    _suspect(house, anna, "medium")
    assert consent.token(anna.id, None)
    raised = _suspect(house, anna)
    with pytest.raises(ConsentNeededError):
        consent.token(anna.id, None)
    Alerts(house.engine, house.events).close(raised.id, "explained", None)
    assert consent.token(anna.id, None)


def test_nobody_says_yes_to_the_own_key(ceremonies, consent, approvals, owner, house):
    person, _ = owner
    _suspect(house, person)
    with pytest.raises(ConsentNeededError) as asked:
        consent.token(person.id, None)
    with pytest.raises(ApprovalRefused):
        approvals.begin(asked.value.request_id, person.id)


def test_a_key_for_another_administrator_needs_a_third_where_there_is_one(ceremonies, consent, approvals, owner, house):
    boss = house.people.add("Bea Lang", "bea@firma.example", ["owner"], "de", [])
    admin = house.people.add("Carl Roth", "carl@firma.example", ["admin"], "de", [])
    with pytest.raises(ConsentNeededError) as asked:
        consent.token(boss.id, admin)
    with pytest.raises(ApprovalRefused):
        approvals.begin(asked.value.request_id, admin.id)
    _yes(approvals, asked.value.request_id, owner)
    assert consent.token(boss.id, admin)
    with pytest.raises(ConsentNeededError):
        consent.token(boss.id, admin)


def test_where_no_third_could_agree_it_goes_on_and_is_told(consent, owner, house, anna):
    boss = house.people.add("Bea Lang", "bea@firma.example", ["owner"], "de", [])
    assert consent.token(boss.id, owner[0])
    assert consent.token(anna.id, owner[0]), "who is no administrator makes nobody two"


def test_a_lent_role_gives_no_key_to_somebody_under_a_serious_alert(ceremonies, consent, owner, house, anna, boris):
    """Where every administrator's key is locked nobody could say yes: then the page gives none, and the machine alone does."""
    _suspect(house, anna)
    ceremonies.keys.lock(ceremonies.key_of(owner[0]).id, None)
    with pytest.raises(TokenError, match="serious alert"):
        consent.token(anna.id, boris)
    assert ceremonies.keys.enrolment.person_of(consent.token(anna.id, None)).id == anna.id


def test_a_key_that_can_be_copied_is_no_voice(ceremonies, house):
    """It confirms nothing, so nobody waits for it: else one synced key of a colleague would be a second person who never answers."""
    bea = house.people.add("Bea Lang", "bea@firma.example", ["owner"], "de", [])
    options, _ = ceremonies.keys.begin_registration(token := ceremonies.keys.issue_token(bea.id, None))
    ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART, lies=Lies(backup_eligible=True)))
    with reading(house.engine) as session:
        assert administrators(session) == []
    ceremonies.enrol(bea)
    with reading(house.engine) as session:
        assert [one.id for one in administrators(session)] == [bea.id]
        assert administrators(session, {bea.id}) == []
