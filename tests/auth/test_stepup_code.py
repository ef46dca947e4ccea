"""An act that is confirmed with a code of the app: only where it offers that, for what was shown, once, and the proof says what it was."""

import threading

import pytest
from sqlalchemy import update

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.storage import writing
from auth.tables import Act, Person
from auth.totp import CodeRefusedError
from policies.needs import RequirementKind
from policies.request import CodeProof, KeyProof
from tests.services.house import TORWART, Ceremonies

OFFERED = frozenset({RequirementKind.KEY, RequirementKind.CODE})
WORDS = OFFERED | {RequirementKind.JUSTIFY, RequirementKind.ACKNOWLEDGE}


class Codes:
    """Takes the place of the app: each of its codes once."""

    def __init__(self, *codes: str) -> None:
        self.left = list(codes)
        self.asked: list[str] = []
        self._one = threading.Lock()

    def __call__(self, person_id: str, code: str) -> int:
        with self._one:
            self.asked.append(person_id)
            if code not in self.left:
                raise CodeRefusedError("wrong")
            self.left.remove(code)
        return 59_000_000


def confirm(ceremonies: Ceremonies, act: Act, codes: Codes, code: str = "111111", said: str | None = None, *, read: bool = False) -> Act:
    return ceremonies.stepup.confirm_by_code(act.id, said, read=read, use=lambda person_id: codes(person_id, code))


def refused(ceremonies: Ceremonies, act: Act, codes: Codes, code: str = "111111", said: str | None = None, *, read: bool = False) -> str:
    with pytest.raises(StepUpRefused) as error:
        confirm(ceremonies, act, codes, code, said, read=read)
    assert str(error.value) == "The act was not confirmed. Please repeat it, or ask your administrator."
    assert ceremonies.refusals()[-1] == error.value.cause
    return error.value.cause


def test_a_code_confirms_an_act_that_offers_it_and_the_proof_says_so(ceremonies: Ceremonies, anna: Person) -> None:
    act, codes = ceremonies.hold(anna, ids=("1", "2"), asks=OFFERED), Codes("111111")
    confirmed = confirm(ceremonies, act, codes)
    assert (confirmed.state, confirmed.key_id, codes.asked) == ("confirmed", None, [anna.id])
    proof = ceremonies.stepup.take(act.id, act.digest)
    assert isinstance(proof, CodeProof)
    assert (proof.grant_id, proof.act_digest, proof.ids, proof.fields) == (act.id, act.digest, {"1", "2"}, {"name", "phone"})
    assert (proof.justified, proof.acknowledged) == (False, False)
    assert ceremonies.stepup.take(act.id, act.digest) is None
    (event,) = ceremonies.house.events.of(EventAction.STEP_UP_CONFIRMED)
    assert event.document["torwart"]["words"] == {"action": "export", "by": "code"}


def test_the_same_act_can_be_confirmed_with_the_key(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna, asks=OFFERED)
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART))
    assert refused(ceremonies, act, Codes("111111")) in ("not_open", "no_code")
    assert isinstance(ceremonies.stepup.take(act.id, act.digest), KeyProof)


def test_e86_a_code_that_is_forced_upon_an_act_with_the_key_is_not_even_looked_at(ceremonies: Ceremonies, anna: Person) -> None:
    act, codes = ceremonies.hold(anna), Codes("111111")
    assert refused(ceremonies, act, codes) == "no_code"
    assert codes.asked == []
    assert codes.left == ["111111"]
    assert ceremonies.stepup.take(act.id, act.digest) is None


def test_a_wrong_code_leaves_the_act_open(ceremonies: Ceremonies, anna: Person) -> None:
    act, codes = ceremonies.hold(anna, asks=OFFERED), Codes("111111")
    assert refused(ceremonies, act, codes, "222222") == "wrong"
    assert confirm(ceremonies, act, codes).state == "confirmed"


def test_words_that_the_act_asks_for_are_given_with_the_code(ceremonies: Ceremonies, anna: Person) -> None:
    act, codes = ceremonies.hold(anna, asks=WORDS), Codes("111111")
    assert refused(ceremonies, act, codes, said="  ", read=True) == "not_said"
    assert refused(ceremonies, act, codes, said="for the fair", read=False) == "not_said"
    assert codes.left == ["111111"], "no code is lost by that"
    confirm(ceremonies, act, codes, said="for the fair", read=True)
    proof = ceremonies.stepup.take(act.id, act.digest)
    assert isinstance(proof, CodeProof)
    assert (proof.justified, proof.acknowledged) == (True, True)


def test_who_is_frozen_confirms_nothing_and_what_was_confirmed_is_void(ceremonies: Ceremonies, anna: Person) -> None:
    first, second = ceremonies.hold(anna, asks=OFFERED), ceremonies.hold(anna, ids=("9",), asks=OFFERED)
    confirm(ceremonies, first, Codes("111111"))
    ceremonies.house.people.freeze(anna.id, None)
    assert refused(ceremonies, second, Codes("111111")) in ("person", "not_open", "no_code")
    assert ceremonies.stepup.take(first.id, first.digest) is None


def test_x12_a_confirmation_that_somebody_wrote_into_the_database_is_none(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.hold(anna, asks=OFFERED)
    with writing(ceremonies.house.engine) as session:
        session.execute(update(Act).values(state="confirmed", confirmed_at=act.opened_at, assertion={"code_step": 59_000_000}))
    assert ceremonies.stepup.take(act.id, act.digest) is None
    assert len(ceremonies.house.events.of(EventAction.AUTHORITY_ALARM)) == 1


def test_fifty_threads_with_one_code_confirm_once(ceremonies: Ceremonies, anna: Person) -> None:
    act, codes, done = ceremonies.hold(anna, asks=OFFERED), Codes("111111"), []

    def once() -> None:
        try:
            done.append(confirm(ceremonies, act, codes).state)
        except StepUpRefused as error:
            done.append(error.cause)

    threads = [threading.Thread(target=once) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    assert done.count("confirmed") <= 1
    assert isinstance(ceremonies.stepup.take(act.id, act.digest), CodeProof) == (done.count("confirmed") == 1)
    assert ceremonies.stepup.take(act.id, act.digest) is None
