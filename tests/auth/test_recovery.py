"""A lost key (promises E87): nobody gets a new one alone, nor at once, nor unseen."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from audit_store.alerts import Alerts, Signal
from audit_store.event import EventAction
from auth.approval_request import ApprovalKind, ApprovalRefused
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.code_tries import Tries
from auth.keys import KeyRefusedError
from auth.recovery import Lacks, Recoveries, RecoveryError
from auth.recovery_codes import CODES, RecoveryCodes
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import Notice, Recovery, RecoveryCode
from auth.row_seal import RowSeal
from auth.storage import reading, writing
from auth.tables import Key, Person
from auth.totp import CodeRefusedError
from auth.used_acts import UsedActs
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.house import SEAL, TORWART, Ceremonies

HERE = "192.0.2.7"


@dataclass
class Firm:
    """Anna has lost her key; Olga is the owner, Adam and Ada are administrators, Boris is a manager; all of them have keys."""

    ceremonies: Ceremonies
    approvals: Approvals
    codes: RecoveryCodes
    recoveries: Recoveries
    anna: Person
    people: dict[str, Person]
    keys: dict[str, SoftwareKey]

    def yes(self, who: str) -> None:
        """This person touches the own key for the request about Anna that waits."""
        person = self.people[who]
        with reading(self.ceremonies.house.engine) as session:
            open_ = select(ApprovalRequest).where(ApprovalRequest.kind == ApprovalKind.KEY_RECOVERY, ApprovalRequest.state == "open")
            (request,) = session.scalars(open_.order_by(ApprovalRequest.opened_at))
        options = self.approvals.begin(request.id, person.id, yes=True)
        self.approvals.complete(request.id, person.id, self.keys[who].get(options, TORWART))

    def wait(self, hours: float) -> None:
        """Let the delay pass."""
        with writing(self.ceremonies.house.engine) as session:
            for row in session.scalars(select(Recovery)):
                row.ready_at -= timedelta(hours=hours)
                row.expires_at -= timedelta(hours=hours)
                SEAL.put(row)

    def alert(self, severity: str = "high") -> None:
        alerts = Alerts(self.ceremonies.house.engine, self.ceremonies.house.events)
        at = self.ceremonies.house.events.seen[-1].at
        alerts.raise_or_grow(Signal("export_try", self.anna.pseudonym, at, severity, "tried", {"asked": 7}))

    def notices(self) -> list[tuple[str, bool, bool]]:
        with reading(self.ceremonies.house.engine) as session:
            return [(row.kind, row.to_person, row.outside) for row in session.scalars(select(Notice).order_by(Notice.made_at))]


@pytest.fixture
def firm(ceremonies: Ceremonies, anna: Person, boris: Person, tmp_path: Path) -> Firm:
    house = ceremonies.house
    approvals = Approvals(
        house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=UsedActs(tmp_path / "used-acts-of-approvals")
    )
    roles = (("olga", "owner"), ("adam", "admin"), ("ada", "admin"))
    people = {name: house.people.add(name.title(), f"{name}@firma.example", [role]) for name, role in roles}
    people |= {"anna": anna, "boris": boris}
    codes = RecoveryCodes(house.engine, house.events, SEAL)
    settings = RecoverySettings()
    recoveries = Recoveries(house.engine, house.events, ceremonies.keys, approvals, codes, Tries(bytes(32)), SEAL, settings)
    keys = {name: ceremonies.enrol(one) for name, one in people.items()}
    with writing(house.engine) as session:
        session.execute(delete(Notice))  # of these keys
    return Firm(ceremonies, approvals, codes, recoveries, anna, people, keys)


def missing(firm: Firm, word: str) -> str:
    with pytest.raises(RecoveryError) as error:
        firm.recoveries.finish(word)
    return str(error.value)


def test_a_lost_key_is_replaced_by_code_second_person_and_delay(firm: Firm) -> None:
    code = firm.codes.issue(firm.anna.id, firm.anna.id)[3]
    word = firm.recoveries.open_by_code(" Anna@Firma.example ", code.lower().replace("-", " "), HERE)
    (recovery,) = firm.recoveries.open_ones()
    assert (recovery.person_id, recovery.opened_by, recovery.in_person) == (firm.anna.id, None, False)
    assert recovery.ready_at - recovery.opened_at == timedelta(hours=24)
    assert recovery.lost == [firm.ceremonies.key_of(firm.anna).id]
    assert firm.recoveries.standing(recovery.id).lacks == {Lacks.DELAY, Lacks.APPROVAL}
    assert missing(firm, word) == "the delay is not over yet"
    firm.yes("adam")
    assert firm.recoveries.standing(recovery.id).lacks == {Lacks.DELAY}
    assert missing(firm, word) == "the delay is not over yet"
    firm.wait(24)
    # the digest holds the time that was shown, so it is asked anew here; a real clock does not move the row
    firm.recoveries.standing(recovery.id)
    firm.yes("adam")
    token = firm.recoveries.finish(word)
    assert [key.locked_why for key in firm.ceremonies.keys.of(firm.anna.id)] == ["lost"]
    new = SoftwareKey()
    options, _ = firm.ceremonies.keys.begin_registration(token)
    firm.ceremonies.keys.complete_registration(token, new.create(options, TORWART))
    assert missing(firm, word) == "this recovery is over: begin again"
    assert [event.document["torwart"]["words"]["result"] for event in firm.ceremonies.house.events.of(EventAction.RECOVERY_ENDED)] == [
        "done"
    ]
    assert firm.notices() == [("codes", True, False), ("opened", True, False), ("done", True, False), ("key", True, False)]


def test_e87_nobody_recovers_alone(firm: Firm) -> None:
    """A code and the delay are not enough, and the person cannot say yes to the own recovery by any road."""
    code = firm.codes.issue(firm.anna.id, firm.anna.id)[0]
    word = firm.recoveries.open_by_code(firm.anna.email, code, HERE)
    firm.wait(30)
    assert missing(firm, word) == "others have not said yes yet"
    for who in ("anna", "boris"):
        with pytest.raises(ApprovalRefused):
            firm.yes(who)
    assert missing(firm, word) == "others have not said yes yet"
    assert [key.locked_at for key in firm.ceremonies.keys.of(firm.anna.id)] == [None]
    with pytest.raises(RecoveryError, match="nobody opens their own recovery"):
        firm.recoveries.open_for(firm.anna.id, firm.anna.id, (), in_person=False)


def test_e87_an_owner_does_not_recover_alone_either(firm: Firm) -> None:
    olga = firm.people["olga"]
    code = firm.codes.issue(olga.id, olga.id)[0]
    word = firm.recoveries.open_by_code(olga.email, code, HERE)
    firm.wait(30)
    assert missing(firm, word) == "others have not said yes yet"
    with pytest.raises(ApprovalRefused):
        firm.yes("olga")


def test_e87_a_serious_alert_asks_for_a_second_administrator_also_when_it_comes_in_between(firm: Firm) -> None:
    word = firm.recoveries.open_for(firm.anna.id, firm.people["olga"].id, (), in_person=True)
    firm.wait(2)
    (recovery,) = firm.recoveries.open_ones()
    assert firm.recoveries.standing(recovery.id).people == 1
    firm.yes("adam")
    assert firm.recoveries.standing(recovery.id).lacks == set()
    firm.alert()
    standing = firm.recoveries.standing(recovery.id)
    assert (standing.people, standing.lacks) == (2, {Lacks.APPROVAL}), "what one has said yes to was another question"
    assert missing(firm, word) == "others have not said yes yet"
    firm.yes("adam")
    assert missing(firm, word) == "others have not said yes yet"
    firm.yes("ada")
    assert firm.recoveries.finish(word)


def test_an_alert_that_is_not_serious_asks_for_no_second_one(firm: Firm) -> None:
    firm.alert("low")
    firm.recoveries.open_for(firm.anna.id, firm.people["adam"].id, (), in_person=True)
    (recovery,) = firm.recoveries.open_ones()
    assert firm.recoveries.standing(recovery.id).people == 1


def test_in_person_it_is_shorter_and_only_the_keys_that_were_named_are_locked(firm: Firm) -> None:
    second = SoftwareKey()
    firm.ceremonies.enrol(firm.anna, second)
    lost, stays = (key.id for key in firm.ceremonies.keys.of(firm.anna.id))
    word = firm.recoveries.open_for(firm.anna.id, firm.people["adam"].id, (lost,), in_person=True)
    (recovery,) = firm.recoveries.open_ones()
    assert recovery.ready_at - recovery.opened_at == timedelta(hours=1)
    firm.wait(1)
    firm.recoveries.standing(recovery.id)
    with reading(firm.ceremonies.house.engine) as session:
        (request,) = session.scalars(select(ApprovalRequest))
    lines = request.shown["lines"]
    assert lines[-2:] == [f"key {lost}: locked", f"key {stays}: stays"]
    firm.yes("olga")
    firm.recoveries.finish(word)
    assert {key.id: key.locked_why for key in firm.ceremonies.keys.of(firm.anna.id)} == {lost: "lost", stays: None}


def test_who_is_asked_is_who_there_is(firm: Firm) -> None:
    """With nobody left it says so: then there is the envelope."""
    for name in ("adam", "ada"):
        firm.ceremonies.house.people.freeze(firm.people[name].id, None)
    firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    (recovery,) = firm.recoveries.open_ones()
    assert not firm.recoveries.standing(recovery.id).nobody
    firm.alert()
    assert firm.recoveries.standing(recovery.id).nobody, "one owner is not two people"


def test_keys_of_others_cannot_be_locked_by_it(firm: Firm) -> None:
    foreign = firm.ceremonies.key_of(firm.people["boris"]).id
    with pytest.raises(RecoveryError, match="no key of the person's"):
        firm.recoveries.open_for(firm.anna.id, None, (foreign,), in_person=True)


def test_codes_are_ten_once_each_and_void_when_there_are_new_ones(firm: Firm) -> None:
    old = firm.codes.issue(firm.anna.id, None)
    assert (len(set(old)), firm.codes.left(firm.anna.id)) == (CODES, CODES)
    new = firm.codes.issue(firm.anna.id, None)
    assert firm.codes.left(firm.anna.id) == CODES

    def refused(email: str, code: str, source: str) -> str:
        with pytest.raises(CodeRefusedError) as error:
            firm.recoveries.open_by_code(email, code, source)
        return error.value.cause

    assert refused(firm.anna.email, old[0], "192.0.2.1") == "wrong"
    firm.recoveries.open_by_code(firm.anna.email, new[0], "192.0.2.2")
    assert refused(firm.anna.email, new[0], "192.0.2.3") == "wrong"
    assert refused(firm.people["boris"].email, new[1], "192.0.2.4") == "wrong", "another person's"
    assert refused("nobody@firma.example", new[1], "192.0.2.5") == "wrong"
    assert firm.codes.left(firm.anna.id) == CODES - 1
    assert {event.document["torwart"]["words"]["cause"] for event in firm.ceremonies.house.events.of(EventAction.CODE_REFUSED)} == {"wrong"}


def test_few_tries_by_person_by_network_and_in_all(firm: Firm) -> None:
    code = firm.codes.issue(firm.anna.id, None)[0]
    causes = []
    for number in range(25):
        with pytest.raises(CodeRefusedError) as error:
            firm.recoveries.open_by_code(f"{number}@firma.example", "0000-0000-0000-0000-0000-0000", f"10.0.{number}.1")
        causes.append(error.value.cause)
    assert causes == ["wrong"] * 20 + ["too_many_in_all"] * 5
    assert firm.recoveries.open_by_code(firm.anna.email, code, HERE), "a right code is never shut out by wrong ones"


def test_who_opened_it_is_not_the_one_who_says_yes(firm: Firm) -> None:
    word = firm.recoveries.open_for(firm.anna.id, firm.people["adam"].id, (), in_person=True)
    firm.wait(1)
    with pytest.raises(RecoveryError):
        firm.recoveries.finish(word)
    with pytest.raises(ApprovalRefused):
        firm.yes("adam")
    firm.yes("ada")
    assert firm.recoveries.finish(word)


def test_where_nobody_else_could_it_is_who_opened_it(firm: Firm) -> None:
    for name in ("olga", "ada"):
        firm.ceremonies.house.people.freeze(firm.people[name].id, None)
    word = firm.recoveries.open_for(firm.anna.id, firm.people["adam"].id, (), in_person=True)
    firm.wait(1)
    with pytest.raises(RecoveryError):
        firm.recoveries.finish(word)
    firm.yes("adam")
    assert firm.recoveries.finish(word)


def test_fifty_threads_with_one_code_open_one_recovery(firm: Firm) -> None:
    code, done = firm.codes.issue(firm.anna.id, None)[0], []

    def once(number: int) -> None:
        try:
            done.append(firm.recoveries.open_by_code(firm.anna.email, code, f"10.0.{number}.1"))
        except CodeRefusedError:
            done.append(None)

    threads = [threading.Thread(target=once, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert len([word for word in done if word is not None]) == 1


def test_whoever_has_the_key_after_all_stops_it(firm: Firm) -> None:
    word = firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    (recovery,) = firm.recoveries.open_ones(firm.anna.id)
    assert firm.recoveries.cancel(recovery.id, firm.anna.id)
    assert not firm.recoveries.cancel(recovery.id, firm.anna.id)
    assert missing(firm, word) == "this recovery is over: begin again"
    assert firm.recoveries.open_ones() == []


def test_what_nobody_finishes_expires_and_who_is_frozen_gets_none(firm: Firm) -> None:
    first = firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    firm.wait(24 + 72)
    assert missing(firm, first) == "this recovery is over: begin again"
    assert firm.recoveries.expire() == 1
    second = firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    firm.ceremonies.house.people.freeze(firm.anna.id, None)
    assert missing(firm, second) == "this person is cut off"
    assert firm.recoveries.expire() == 1
    with pytest.raises(RecoveryError):
        firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)


def test_x12_a_shorter_delay_in_the_database_is_an_alarm(firm: Firm) -> None:
    word = firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    with writing(firm.ceremonies.house.engine) as session:
        session.execute(update(Recovery).values(ready_at=Recovery.opened_at))
    assert missing(firm, word) == "this recovery is over: begin again"
    assert len(firm.ceremonies.house.events.of(EventAction.AUTHORITY_ALARM)) == 1


def test_x12_a_code_that_somebody_wrote_into_the_database_is_none(firm: Firm) -> None:
    codes = firm.codes.issue(firm.anna.id, None)
    with writing(firm.ceremonies.house.engine) as session:
        session.execute(update(RecoveryCode).where(RecoveryCode.person_id == firm.anna.id).values(person_id=firm.people["olga"].id))
    with pytest.raises(CodeRefusedError):
        firm.recoveries.open_by_code(firm.people["olga"].email, codes[0], HERE)


def test_x2_a_code_registers_no_key_and_no_secret_is_in_the_record(firm: Firm) -> None:
    codes = firm.codes.issue(firm.anna.id, None)
    word = firm.recoveries.open_by_code(firm.anna.email, codes[0], HERE)
    for secret in (codes[1], word):
        with pytest.raises(KeyRefusedError):
            firm.ceremonies.keys.begin_registration(secret)
    said = b"".join(event.canonical() for event in firm.ceremonies.house.events.seen)
    assert not [one for one in (*codes, word, HERE) if one.encode() in said or one.replace("-", "").encode() in said]


def test_gone_people_say_yes_to_nothing(firm: Firm) -> None:
    word = firm.recoveries.open_for(firm.anna.id, None, (), in_person=True)
    (recovery,) = firm.recoveries.open_ones()
    firm.wait(1)
    firm.recoveries.standing(recovery.id)
    firm.yes("adam")
    firm.ceremonies.house.people.set_status(firm.people["adam"].id, Status.GONE, None)
    assert missing(firm, word) == "others have not said yes yet"


def test_seals_of_another_installation_hold_nothing(firm: Firm) -> None:
    assert RowSeal(bytes(32)).holds(Recovery(id="r", lost=[])) is False


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("blue one", "blue one"),
        ("x): stays, approved by the owner", "x): stays, approved by the owner"),
        ("\u202elive\u202c: stays", "live: stays"),
        ("”, and nothing is locked “", ", and nothing is locked"),
        ("a" * 60, "a" * 40 + "…"),
        ("מפתח שלי", "מפתח שלי"),
    ],
)
def test_what_somebody_calls_a_key_reads_to_an_approver_as_no_word_of_ours(firm: Firm, label: str, shown: str) -> None:
    """A label like `x): stays` stood before what becomes of the key, and one with its own direction turned the line round."""
    (key,) = firm.ceremonies.keys.of(firm.anna.id)
    with writing(firm.ceremonies.house.engine) as session:
        session.get_one(Key, key.id).label = label
    firm.recoveries.open_for(firm.anna.id, firm.people["adam"].id, (key.id,), in_person=True)
    (recovery,) = firm.recoveries.open_ones()
    firm.recoveries.standing(recovery.id)
    with reading(firm.ceremonies.house.engine) as session:
        (request,) = session.scalars(select(ApprovalRequest))
    assert request.shown["lines"][-1] == f"key {key.id}: locked, called “\u2068{shown}\u2069”"
    assert sum(label[:5] in line for line in request.shown["lines"]) <= 1
