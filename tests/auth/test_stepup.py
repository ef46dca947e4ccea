"""A held act: confirmed by its own person, with the key, for exactly what was shown, once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from audit_store.event import EventAction
from auth.act import StepUpRefused, Summary, act_digest, signed_challenge
from auth.client_data import decode, encode
from auth.keys import Keys
from auth.stepup import TooManyOpenError, boot_id
from auth.storage import writing
from auth.tables import Act, Person
from deploy.demo.software_key import Lies, SoftwareKey
from policies.needs import RequirementKind
from policies.request import Status
from tests.services.house import RP_ID, SEAL, TORWART, Ceremonies, digest_of


def _confirm(ceremonies: Ceremonies, act: Act, key: SoftwareKey) -> Act:
    done = ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART))
    confirmed = ceremonies.stepup.get(done.act_id)
    assert confirmed is not None
    return confirmed


def _age(ceremonies: Ceremonies, seconds: float) -> None:
    with writing(ceremonies.house.engine) as session:
        for act in session.scalars(select(Act)):
            act.expires_at -= timedelta(seconds=seconds)
            SEAL.put(act)


def _refused(ceremonies: Ceremonies, act: Act, answer: dict[str, Any]) -> str:
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete(act.id, answer)
    assert str(refused.value) == "The act was not confirmed. Please repeat it, or ask your administrator."
    assert ceremonies.refusals()[-1] == refused.value.cause
    now = ceremonies.stepup.get(act.id)
    assert now is not None
    assert now.state != "confirmed"
    return refused.value.cause


def _fifty(work: Callable[[], object]) -> list[object]:
    done: list[object] = []

    def once() -> None:
        try:
            done.append(work())
        except StepUpRefused:
            done.append(None)

    threads = [threading.Thread(target=once) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 50
    return [found for found in done if found is not None]


def test_a_touch_confirms_the_act_and_its_proof_is_given_once(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna, ids=("1", "2", "30"))
    assert ceremonies.stepup.take(act.id, act.digest) is None, "not confirmed yet"
    confirmed = _confirm(ceremonies, act, key)
    assert (confirmed.state, confirmed.key_id) == ("confirmed", ceremonies.key_of(anna).id)
    proof = ceremonies.stepup.take(act.id, act.digest)
    assert proof is not None
    assert (proof.grant_id, proof.act_digest, proof.ids, proof.fields) == (act.id, act.digest, {"1", "2", "30"}, {"name", "phone"})
    assert proof.user_verified
    assert ceremonies.stepup.take(act.id, act.digest) is None
    used = ceremonies.stepup.get(act.id)
    assert used is not None
    assert used.state == "used"


BOTH = frozenset({RequirementKind.KEY, RequirementKind.JUSTIFY, RequirementKind.ACKNOWLEDGE})


def test_what_the_person_says_is_signed_with_the_act_and_told_by_the_proof(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna, asks=BOTH)
    options = ceremonies.stepup.begin(act.id, " the client asked for it ", read=True)
    ceremonies.stepup.complete(act.id, key.get(options, TORWART))
    proof = ceremonies.stepup.take(act.id, act.digest)
    assert proof is not None
    assert (proof.justified, proof.acknowledged) == (True, True)
    kept = ceremonies.stepup.get(act.id)
    assert kept is not None
    assert kept.summary["said"] == "the client asked for it"
    assert all(b"the client asked" not in event.canonical() for event in ceremonies.house.events.seen)


@pytest.mark.parametrize(("said", "read"), [(None, True), ("  ", True), ("ab", True), ("x" * 501, True), ("because", False)])
def test_without_what_is_asked_for_there_is_no_challenge(ceremonies: Ceremonies, anna: Person, said: str | None, read: bool) -> None:
    ceremonies.enrol(anna)
    act = ceremonies.hold(anna, asks=BOTH)
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.begin(act.id, said, read=read)
    assert refused.value.cause == "not_said"
    kept = ceremonies.stepup.get(act.id)
    assert kept is not None
    assert kept.challenge is None


def test_words_changed_after_the_challenge_are_not_what_was_signed(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna, asks=BOTH)
    answer = key.get(ceremonies.stepup.begin(act.id, "first reason", read=True), TORWART)
    ceremonies.stepup.begin(act.id, "another reason", read=True)
    assert _refused(ceremonies, act, answer)


def test_words_that_nobody_asked_for_are_not_kept_and_prove_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id, "a reason", read=True), TORWART))
    proof = ceremonies.stepup.take(act.id, act.digest)
    assert proof is not None
    assert (proof.justified, proof.acknowledged) == (False, False)


def test_a_confirmation_is_recorded_with_its_act(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.hold(anna)
    _confirm(ceremonies, act, ceremonies.enrol(anna))
    (event,) = ceremonies.house.events.of(EventAction.STEP_UP_CONFIRMED)
    assert (event.act_id, event.pseudonym) == (act.id, anna.pseudonym)
    assert event.document["torwart"]["numbers"] == {"asked": 2, "allowed": 2}


def test_what_cannot_be_recorded_is_not_confirmed(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)

    def full(_event: object) -> None:
        raise OSError("no space left")

    broken = ceremonies.gateway(record=full)
    with pytest.raises(OSError, match="no space"):
        broken.complete(act.id, answer)
    assert ceremonies.stepup.take(act.id, act.digest) is None


def test_the_evidence_can_be_checked_again(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    assert act.assertion is not None
    assert encode(signed_challenge(act)) in decode(act.assertion["clientDataJSON"]).decode()


# promises 75: replay


def test_one_answer_fifty_times_at_once_confirms_once(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    assert len(_fifty(lambda: ceremonies.stepup.complete(act.id, answer))) == 1
    assert ceremonies.refusals().count("challenge_used") == 49
    assert ceremonies.key_of(anna).locked_at is None


def test_fifty_takers_at_once_get_one_proof(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    assert len(_fifty(lambda: ceremonies.stepup.take(act.id, act.digest))) == 1


def test_fifty_repeating_clients_get_one_proof(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    assert len(_fifty(lambda: ceremonies.stepup.take_matching(anna.id, "s1", act.digest))) == 1


def test_the_same_answer_again_is_refused_even_with_a_new_challenge(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART, user_verified=False)
    assert _refused(ceremonies, act, answer) == "not_verified"
    assert _refused(ceremonies, act, answer) == "challenge_used"
    ceremonies.stepup.begin(act.id)
    assert _refused(ceremonies, act, answer) == "challenge"


def test_a_failed_try_can_be_repeated_with_a_fresh_challenge(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    _refused(ceremonies, act, key.get(ceremonies.stepup.begin(act.id), TORWART, user_verified=False))
    assert _confirm(ceremonies, act, key).state == "confirmed"


def test_an_answer_without_a_challenge_given_is_refused(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    options = ceremonies.keys.options(anna.id, b"c" * 32, 60)
    assert _refused(ceremonies, act, key.get(options, TORWART)) == "challenge_used"


# promises 76: another session, person, act, or too late


def test_the_answer_to_one_act_confirms_no_other(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    key = ceremonies.enrol(anna)
    of_boris = ceremonies.enrol(boris)
    first, second, other = ceremonies.hold(anna), ceremonies.hold(anna, ids=("1", "2", "3")), ceremonies.hold(boris)
    answer = key.get(ceremonies.stepup.begin(first.id), TORWART)
    ceremonies.stepup.begin(second.id)
    ceremonies.stepup.begin(other.id)
    assert _refused(ceremonies, second, answer) == "challenge"
    assert _refused(ceremonies, other, answer) == "foreign_key"
    assert _confirm(ceremonies, other, of_boris).state == "confirmed"


def test_a_challenge_is_bound_to_the_digest_and_the_text_that_was_shown(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    for changed in ({"digest": "0" * 64}, {"summary": {"action": "export", "asked": 2000}}):
        act = ceremonies.hold(anna)
        answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
        with writing(ceremonies.house.engine) as session:
            session.execute(update(Act).where(Act.id == act.id).values(**changed))
            SEAL.put(session.get_one(Act, act.id))  # as a process of ours would: the challenge is bound all the same
        assert _refused(ceremonies, act, answer) == "challenge"


def test_an_act_that_ran_out_a_second_ago_is_not_confirmed(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    _age(ceremonies, ceremonies.stepup.lifetime_seconds + 1)
    assert _refused(ceremonies, act, answer) == "challenge_used"
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.begin(act.id)
    over = ceremonies.stepup.get(act.id)
    assert over is not None
    assert over.state == "expired"


def test_a_proof_runs_out_with_its_act(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    _age(ceremonies, ceremonies.stepup.lifetime_seconds + 1)
    assert ceremonies.stepup.take(act.id, act.digest) is None
    assert ceremonies.stepup.take_matching(anna.id, "s1", act.digest) is None


def test_after_a_restart_of_the_machine_no_act_is_worth_anything(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    confirmed, waiting = _confirm(ceremonies, ceremonies.hold(anna), key), ceremonies.hold(anna)
    after = ceremonies.gateway("the next boot")
    assert after.take(confirmed.id, confirmed.digest) is None
    with pytest.raises(StepUpRefused):
        after.begin(waiting.id)
    assert after.open_of(anna.id, "s1") == []
    assert after.expire() == 2


def test_after_a_restart_of_the_gateway_nothing_waits_any_more(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    confirmed = _confirm(ceremonies, ceremonies.hold(anna), key)
    used = _confirm(ceremonies, ceremonies.hold(anna), key)
    assert ceremonies.stepup.take(used.id, used.digest) is not None
    waiting = ceremonies.hold(anna)
    assert ceremonies.stepup.end_all() == 2
    assert ceremonies.stepup.take(confirmed.id, confirmed.digest) is None
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.begin(waiting.id)
    for number in range(3):
        ceremonies.hold(anna, ids=(str(number),))


def test_a_proof_belongs_to_person_session_and_digest(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    take = ceremonies.stepup.take_matching
    assert take(boris.id, "s1", act.digest) is None
    assert take(anna.id, "s2", act.digest) is None
    assert take(anna.id, "s1", digest_of(anna, ("1", "2", "3"))) is None
    assert ceremonies.stepup.take(act.id, digest_of(boris, ("1", "2"))) is None
    found = take(anna.id, "s1", act.digest)
    assert found is not None
    assert found[0] == act.id


# promises 77 to 80, through the act


def test_a_person_without_a_key_can_confirm_nothing(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    of_boris, act = ceremonies.enrol(boris), ceremonies.hold(anna)
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.begin(act.id)
    assert refused.value.cause == "no_key"
    answer = of_boris.get(ceremonies.keys.options(boris.id, b"c" * 32, 60), TORWART)
    _refused(ceremonies, act, answer)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"user_verified": False}, "not_verified"),
        ({"origin": "http://crm.localhost:8400"}, "origin"),
        ({"origin": "http://torwart.localhost.evil.example:8401"}, "origin"),
        ({"lies": Lies(counter=0)}, "counter"),
        ({"lies": Lies(kind="webauthn.create")}, "type"),
        ({"lies": Lies(members={"crossOrigin": True})}, "embedded"),
        ({"lies": Lies(client_data=b'{"type":"webauthn.get","type":"webauthn.get"}')}, "malformed"),
    ],
)
def test_a_faulty_answer_confirms_nothing_and_is_recorded_with_its_act(
    ceremonies: Ceremonies, anna: Person, how: dict[str, Any], cause: str
) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    how = {"origin": TORWART, **how}
    assert _refused(ceremonies, act, key.get(ceremonies.stepup.begin(act.id), **how)) == cause
    (event,) = ceremonies.house.events.of(EventAction.STEP_UP_REFUSED)
    assert (event.act_id, event.pseudonym) == (act.id, anna.pseudonym)


def test_an_act_that_nobody_opened_is_refused_in_the_same_words(ceremonies: Ceremonies) -> None:
    with pytest.raises(StepUpRefused) as refused:
        ceremonies.stepup.complete("client-chosen-canary", {})
    assert str(refused.value) == "The act was not confirmed. Please repeat it, or ask your administrator."
    assert b"canary" not in b"".join(event.canonical() for event in ceremonies.house.events.seen)
    assert ceremonies.stepup.get("client-chosen-canary") is None


# promises 84: what was signed, no more


@pytest.mark.parametrize("ids", [("1",), ("1", "2", "3"), ("3", "4"), tuple(map(str, range(2000))), ()])
def test_a_proof_for_two_clients_is_none_for_others(ceremonies: Ceremonies, anna: Person, ids: tuple[str, ...]) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna, ids=("1", "2")), ceremonies.enrol(anna))
    assert ceremonies.stepup.take(act.id, digest_of(anna, ids)) is None
    assert ceremonies.stepup.take_matching(anna.id, "s1", digest_of(anna, ids)) is None


def test_digests_differ_in_every_part_and_not_in_order() -> None:
    base: dict[str, Any] = {"person_id": "p", "action": "export", "ids": ("1", "2"), "fields": ("a", "b"), "destination": "web"}
    others = [
        {"person_id": "q"},
        {"action": "report"},
        {"ids": ("1",)},
        {"ids": ("12",)},
        {"ids": ("1", "2", "")},
        {"fields": ("a",)},
        {"fields": ("a", "b", "1"), "ids": ("2",)},
        {"fields": ("ab",)},
        {"fields": (), "ids": ("a", "b", "1", "2")},
        {"destination": "mail"},
    ]
    digests = {act_digest(**base), *(act_digest(**{**base, **other}) for other in others)}
    assert len(digests) == len(others) + 1
    assert act_digest(**{**base, "ids": ("2", "1", "2"), "fields": ("b", "a")}) == act_digest(**base)


# cancelling, withdrawing, waiting


def test_a_cancelled_act_is_over(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    assert ceremonies.stepup.cancel(act.id)
    assert not ceremonies.stepup.cancel(act.id)
    assert _refused(ceremonies, act, answer) == "challenge_used"
    confirmed = _confirm(ceremonies, ceremonies.hold(anna), key)
    assert ceremonies.stepup.cancel(confirmed.id)
    assert ceremonies.stepup.take(confirmed.id, confirmed.digest) is None


def test_a_used_act_cannot_be_cancelled(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    assert ceremonies.stepup.take(act.id, act.digest) is not None
    assert not ceremonies.stepup.cancel(act.id)


@pytest.mark.parametrize("withdraw", ["freeze", "gone"])
def test_a_withdrawn_person_confirms_and_takes_nothing(ceremonies: Ceremonies, anna: Person, withdraw: str) -> None:
    key = ceremonies.enrol(anna)
    confirmed, waiting = _confirm(ceremonies, ceremonies.hold(anna), key), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(waiting.id), TORWART)
    if withdraw == "freeze":
        cut = ceremonies.house.people.freeze(anna.id, None)
    else:
        cut = ceremonies.house.people.set_status(anna.id, Status.GONE, None)
    assert {piece.id for piece in cut if piece.kind == "act"} == {confirmed.id, waiting.id}
    _refused(ceremonies, waiting, answer)
    assert ceremonies.stepup.take(confirmed.id, confirmed.digest) is None
    ceremonies.house.people.unfreeze(anna.id, None)
    assert ceremonies.stepup.take(confirmed.id, confirmed.digest) is None, "what a freeze ended stays ended"


def test_the_person_is_looked_at_again_when_the_proof_is_taken(ceremonies: Ceremonies, anna: Person) -> None:
    act = _confirm(ceremonies, ceremonies.hold(anna), ceremonies.enrol(anna))
    with writing(ceremonies.house.engine) as session:  # past `People`, which would have ended the act
        session.execute(update(Person).values(frozen=True))
    assert ceremonies.stepup.take(act.id, act.digest) is None


def test_three_acts_may_wait_for_one_person(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    key = ceremonies.enrol(anna)
    acts = [ceremonies.hold(anna, ids=(str(number),)) for number in range(3)]
    with pytest.raises(TooManyOpenError):
        ceremonies.hold(anna, ids=("9",))
    ceremonies.hold(boris)
    assert [act.id for act in ceremonies.stepup.open_of(anna.id, "s1")] == [act.id for act in acts]
    ceremonies.stepup.cancel(acts[0].id)
    ceremonies.hold(anna, ids=("9",))
    with pytest.raises(TooManyOpenError):
        ceremonies.hold(anna, ids=("10",))
    _confirm(ceremonies, acts[1], key)
    ceremonies.hold(anna, ids=("10",))
    _age(ceremonies, 1000)
    ceremonies.hold(anna, ids=("11",))


def test_of_fifty_acts_opened_at_once_three_wait(ceremonies: Ceremonies, anna: Person) -> None:
    names = iter([f"act-{number}" for number in range(50)])

    def hold() -> Act | None:
        try:
            return ceremonies.hold(anna, act_id=next(names))
        except TooManyOpenError:
            return None

    assert len(_fifty(hold)) == 3


def test_acts_that_ran_out_are_written_down(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.hold(anna)
    assert ceremonies.stepup.expire() == 0
    _age(ceremonies, 1000)
    assert ceremonies.stepup.expire() == 1
    over = ceremonies.stepup.get(act.id)
    assert over is not None
    assert (over.state, over.ended_why) == ("expired", "expired")


def test_the_summary_comes_back_as_it_was_shown(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.stepup.get(ceremonies.hold(anna).id)
    assert act is not None
    assert Summary.of(act) == Summary("export", 2, 2, ("name", "phone"), "download", "export_needs_key", {"asked": 2})


def test_the_options_of_an_act_leave_no_more_time_than_it_has(ceremonies: Ceremonies, anna: Person) -> None:
    ceremonies.enrol(anna)
    act = ceremonies.hold(anna)
    _age(ceremonies, 100)
    assert 0 < ceremonies.stepup.begin(act.id)["timeout"] <= 20_000


def test_a_machine_has_a_boot_id_that_stays() -> None:
    assert boot_id() == boot_id()
    assert len(boot_id()) == 36


def test_keys_of_another_host_confirm_nothing_here(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    moved = Keys(ceremonies.house.engine, ceremonies.house.events, "new.localhost", "http://new.localhost:8401", SEAL)
    elsewhere = ceremonies.gateway(keys=moved)
    options = {**elsewhere.begin(act.id), "rpId": RP_ID}
    with pytest.raises(StepUpRefused) as refused:
        elsewhere.complete(act.id, key.get(options, "http://new.localhost:8401"))
    assert refused.value.cause == "rp_id"


def test_every_end_without_a_confirmation_is_recorded_with_its_act(ceremonies: Ceremonies, anna: Person) -> None:
    turned_down = ceremonies.hold(anna)
    ceremonies.stepup.cancel(turned_down.id)
    ran_out = ceremonies.hold(anna)
    _age(ceremonies, 1000)
    ceremonies.stepup.expire()
    left = ceremonies.hold(anna)
    ceremonies.stepup.end_all()
    ended = [(event.act_id, event.document["torwart"]["words"]["cause"]) for event in ceremonies.house.events.of(EventAction.STEP_UP_ENDED)]
    assert ended == [(turned_down.id, "cancelled"), (ran_out.id, "expired"), (left.id, "restart")]


def test_an_address_is_forgotten_when_its_act_is_over(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    turned_down, used, waiting = (ceremonies.hold(anna, ids=(str(number),)) for number in range(3))
    for act in (turned_down, used, waiting):
        ceremonies.stepup.keep_address(act.id, b"sealed")
    ceremonies.stepup.cancel(turned_down.id)
    _confirm(ceremonies, used, key)
    assert ceremonies.stepup.take(used.id, used.digest) is not None

    def addresses() -> list[bytes | None]:
        return [found.address for act in (turned_down, used, waiting) if (found := ceremonies.stepup.get(act.id)) is not None]

    assert addresses() == [None, b"sealed", b"sealed"], "whoever comes back once more is held again, and led again"
    _age(ceremonies, 1000)
    ceremonies.stepup.expire()
    assert addresses() == [None, None, None]
