"""A second person says yes with the own key, to exactly what was shown; its requester may then do it once."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from audit_store.event import EventAction, encode_ids
from auth.approval_request import ApprovalKind, ApprovalRefused, ReasonMissingError, Shown, TooManyOpenError
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.sole_reviewer import SoleReviewer
from auth.storage import writing
from auth.tables import Key, Person
from auth.used_acts import UsedActs
from deploy.demo.software_key import SoftwareKey
from policies.needs import AllOf, AnyOf, Approval, Need
from policies.request import Status
from tests.services.house import TORWART, Ceremonies

DIGEST = "ab" * 32
OWNER = Approval(1, "owner", 3600)
SHOWN = Shown("export", asked=3, allowed=2, ids=encode_ids(["1", "2"]), fields=("name", "phone"), destination="download", policy="7")


@dataclass
class Firm:
    """Anna asks; Olga and Oskar are owners, Hanna leads the sales, each with a key."""

    ceremonies: Ceremonies
    approvals: Approvals
    anna: Person
    people: dict[str, Person]
    keys: dict[str, SoftwareKey]

    def ask(self, *, need: Need = OWNER, digest: str = DIGEST, samples: tuple[tuple[str, ...], ...] = ()) -> ApprovalRequest:
        return self.approvals.ask(
            kind=ApprovalKind.ACT, requester=self.anna.id, digest=digest, shown=SHOWN, need=need, reason="the fair", samples=samples
        )

    def answer(self, request: ApprovalRequest, who: str, *, yes: bool = True, key: SoftwareKey | None = None) -> ApprovalRequest:
        person = self.people[who]
        options = self.approvals.begin(request.id, person.id, yes=yes)
        return self.approvals.complete(request.id, person.id, (key or self.keys[who]).get(options, TORWART))

    def take(self, digest: str = DIGEST) -> list[str] | None:
        proofs = self.approvals.take(ApprovalKind.ACT, self.anna.id, digest)
        return None if proofs is None else sorted(proof.approver for proof in proofs)

    def events(self, action: EventAction) -> list[dict[str, Any]]:
        return [event.document["torwart"].get("words", {}) for event in self.ceremonies.house.events.of(action)]


@pytest.fixture
def firm(ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> Firm:
    house = ceremonies.house
    used = UsedActs(tmp_path / "used-acts")
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=used)
    people = {
        name: house.people.add(name.title(), f"{name}@firma.example", [role])
        for name, role in (("olga", "owner"), ("oskar", "owner"), ("hanna", "head_of_sales"))
    }
    people["anna"] = anna
    return Firm(ceremonies, approvals, anna, people, {name: ceremonies.enrol(person) for name, person in people.items()})


def _refused(firm: Firm, request: ApprovalRequest, who: str) -> str:
    with pytest.raises(ApprovalRefused) as refused:
        firm.answer(request, who)
    assert str(refused.value) == "Your answer was not accepted. Please try again, or ask your administrator."
    return refused.value.cause


def test_a_yes_lets_exactly_this_go_once(firm: Firm) -> None:
    request = firm.ask()
    assert firm.take() is None, "nobody has answered"
    assert firm.answer(request, "olga").state == "given"
    assert firm.take("cd" * 32) is None, "of another act"
    (proof,) = firm.approvals.given(ApprovalKind.ACT, firm.anna.id, DIGEST)
    assert (proof.approver, proof.roles, proof.ids, proof.fields) == (firm.people["olga"].id, {"owner"}, {"1", "2"}, {"name", "phone"})
    assert firm.take() == [firm.people["olga"].id]
    assert firm.take() is None, "used up"
    assert firm.approvals.given(ApprovalKind.ACT, firm.anna.id, DIGEST) == ()
    for action in (EventAction.APPROVAL_ASKED, EventAction.APPROVAL_GIVEN, EventAction.APPROVAL_TAKEN):
        (said,) = firm.events(action)
        assert (said["request"], said["digest"], said["kind"]) == (request.id, DIGEST, "act")


def test_the_reason_is_sealed_in_the_record_and_samples_are_dropped_at_the_end(firm: Firm) -> None:
    request = firm.ask(samples=(("A…", "…17"),))
    (asked,) = firm.ceremonies.house.events.of(EventAction.APPROVAL_ASKED)
    assert "the fair" not in str(asked.document)
    assert "sealed" in asked.document["torwart"]
    kept = firm.approvals.get(request.id)
    assert kept is not None
    assert kept.samples is not None
    assert kept.samples["rows"] == [["A…", "…17"]]
    firm.answer(request, "olga")
    assert firm.take() is not None
    after = firm.approvals.get(request.id)
    assert after is not None
    assert after.samples is None


def test_asking_again_for_the_same_gives_the_same_request_and_three_may_wait(firm: Firm) -> None:
    first = firm.ask()
    assert firm.ask().id == first.id
    firm.ask(digest="01" * 32)
    firm.ask(digest="02" * 32)
    with pytest.raises(TooManyOpenError):
        firm.ask(digest="03" * 32)
    assert firm.approvals.withdraw(first.id, firm.anna.id)
    assert firm.ask(digest="03" * 32).state == "open"


def test_e93_of_500_requests_in_a_minute_three_wait(firm: Firm) -> None:
    opened: list[str] = []

    def some(start: int) -> None:
        for number in range(start, 500, 10):
            try:
                opened.append(firm.ask(digest=f"{number:064x}").id)
            except TooManyOpenError:
                continue

    threads = [threading.Thread(target=some, args=(start,)) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 3
    assert len(firm.approvals.waiting_for(firm.people["olga"].id)) == 3


@pytest.mark.parametrize(
    ("need", "answers", "enough"),
    [
        (Approval(2, "owner"), ["olga"], False),
        (Approval(2, "owner"), ["olga", "oskar"], True),
        (AllOf((OWNER, Approval(1, "head_of_sales"))), ["olga", "oskar"], False),
        (AllOf((OWNER, Approval(1, "head_of_sales"))), ["olga", "hanna"], True),
        (AnyOf((Approval(2, "owner"), Approval(1, "head_of_sales"))), ["olga"], False),
        (AnyOf((Approval(2, "owner"), Approval(1, "head_of_sales"))), ["hanna"], True),
    ],
)
def test_so_many_of_a_role_all_of_them_or_one_way_of_several(firm: Firm, need: Need, answers: list[str], enough: bool) -> None:
    request = firm.ask(need=need)
    for who in answers:
        firm.answer(request, who)
    assert (firm.take() is not None) is enough


def test_e89_nobody_answers_their_own_and_who_lacks_the_role_cannot(firm: Firm) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        session.get_one(Person, firm.anna.id).roles = ["manager", "owner"]
    request = firm.ask()
    assert firm.approvals.waiting_for(firm.anna.id) == []
    assert _refused(firm, request, "anna") == "own"
    assert _refused(firm, request, "hanna") == "role"
    assert firm.take() is None


def test_whom_it_is_about_may_not_answer(firm: Firm) -> None:
    about = firm.people["olga"]
    request = firm.approvals.ask(
        kind=ApprovalKind.KEY_RECOVERY, requester=None, digest=DIGEST, shown=Shown("key_recovery"), need=OWNER, subject=about.id
    )
    assert _refused(firm, request, "olga") == "own"
    assert firm.answer(request, "oskar").state == "given"


def test_a_no_ends_the_request(firm: Firm) -> None:
    request = firm.ask(need=Approval(2, "owner"))
    firm.answer(request, "olga")
    assert firm.answer(request, "oskar", yes=False).state == "refused"
    assert firm.take() is None
    assert _refused(firm, request, "olga") == "not_open"


def test_a_key_that_was_made_after_the_request_is_no_second_person(firm: Firm) -> None:
    request = firm.ask()
    house = firm.ceremonies.house
    firm.people["new"] = house.people.add("Neu", "neu@firma.example", ["owner"])
    firm.keys["new"] = firm.ceremonies.enrol(firm.people["new"])
    assert _refused(firm, request, "new") == "new_key"
    assert firm.take() is None


def _aged(firm: Firm, seconds: float) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        for request in session.scalars(select(ApprovalRequest)):
            request.expires_at -= timedelta(seconds=seconds)


def test_what_nobody_answers_in_time_is_over(firm: Firm) -> None:
    request = firm.ask()
    _aged(firm, 3601)
    assert _refused(firm, request, "olga") == "not_open"
    assert firm.approvals.expire() == 1
    (said,) = firm.events(EventAction.APPROVAL_ENDED)
    assert said["cause"] == "expired"


def _lost_role(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        session.get_one(Person, firm.people["olga"].id).roles = ["manager"]


def _frozen(firm: Firm, request: ApprovalRequest) -> None:
    firm.ceremonies.house.people.freeze(firm.people["olga"].id, None)


def _gone(firm: Firm, request: ApprovalRequest) -> None:
    firm.ceremonies.house.people.set_status(firm.people["olga"].id, Status.GONE, None)


def _locked(firm: Firm, request: ApprovalRequest) -> None:
    firm.ceremonies.keys.lock(firm.ceremonies.key_of(firm.people["olga"]).id, None)


def _more_clients(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        row = session.get_one(ApprovalRequest, request.id)
        row.shown = {**row.shown, "ids": encode_ids([str(number) for number in range(1000)])}


def _other_digest(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        session.execute(update(ApprovalRequest).values(digest="cd" * 32))


def _other_approver(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        session.execute(update(Given).values(approver_id=firm.people["oskar"].id))


def _younger(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        for given in session.scalars(select(Given)):
            given.begun_at -= timedelta(seconds=1)


def _less_needed(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        session.get_one(ApprovalRequest, request.id).need = {"approval": {"count": 1, "role": "head_of_sales", "expires": 3600}}


def _no_assertion(firm: Firm, request: ApprovalRequest) -> None:
    with writing(firm.ceremonies.house.engine) as session:
        for given in session.scalars(select(Given)):
            given.assertion = None


@pytest.mark.parametrize(
    "change",
    [
        _lost_role,
        _frozen,
        _gone,
        _locked,
        _more_clients,
        _other_digest,
        _other_approver,
        _younger,
        _less_needed,
        _no_assertion,
    ],
)
def test_x12_a_yes_is_checked_again_when_it_is_taken(firm: Firm, change: Any) -> None:
    request = firm.ask()
    firm.answer(request, "olga")
    change(firm, request)
    for digest in (DIGEST, "cd" * 32):
        assert firm.approvals.given(ApprovalKind.ACT, firm.anna.id, digest) == ()
        assert firm.take(digest) is None
    assert len(firm.events(EventAction.APPROVAL_DOUBTED)) + len(firm.events(EventAction.AUTHORITY_ALARM)) == 1


def test_x12_a_row_that_nobody_signed_is_no_approval(firm: Firm) -> None:
    request = firm.ask()
    firm.answer(request, "olga")
    assert firm.take() is not None
    with writing(firm.ceremonies.house.engine) as session:
        kept = session.scalars(select(Given)).one()
    second = firm.ask()  # and its row is given the old yes
    with writing(firm.ceremonies.house.engine) as session:
        members = {name: getattr(kept, name) for name in ("approver_id", "roles", "yes", "challenge", "begun_at", "given_at", "key_id")}
        session.add(Given(id="copied", request_id=second.id, assertion=kept.assertion, **members))
        session.get_one(ApprovalRequest, second.id).state = "given"
    assert firm.take() is None
    assert [said["request"] for said in firm.events(EventAction.APPROVAL_DOUBTED)] == [second.id]


def test_x15_a_database_that_was_put_back_gives_no_approval_twice(firm: Firm) -> None:
    request = firm.ask()
    firm.answer(request, "olga")
    assert firm.take() is not None
    with writing(firm.ceremonies.house.engine) as session:
        session.get_one(ApprovalRequest, request.id).state = "given"  # with a seal of our own: the touch was used all the same
    assert firm.take() is None
    (said,) = firm.events(EventAction.APPROVAL_DOUBTED)
    assert (said["request"], said["cause"]) == (request.id, "used")


def test_an_act_is_asked_about_when_its_person_has_confirmed_that(firm: Firm) -> None:
    about: dict[str, Any] = {"requester": firm.anna.id, "digest": DIGEST, "shown": SHOWN, "need": OWNER, "samples": (("A…",),)}
    firm.approvals.draft("act1", **about, seconds=120)
    assert firm.approvals.waiting_for(firm.people["olga"].id) == []
    assert firm.approvals.pending(ApprovalKind.ACT, firm.anna.id, DIGEST) is None
    opened = firm.approvals.open("act1", "the fair")
    assert opened is not None
    assert (opened.id, opened.state, opened.reason) == ("act1", "open", "the fair")
    assert firm.approvals.open("act1", None) is None, "once"
    assert [one.id for one in firm.approvals.waiting_for(firm.people["olga"].id)] == ["act1"]
    firm.approvals.draft("act2", **{**about, "digest": "01" * 32}, seconds=0)
    assert firm.approvals.open("act2", None) is None, "too late"
    assert firm.approvals.expire() == 0
    assert firm.approvals.get("act2") is None


def test_after_a_restart_nothing_of_before_counts(firm: Firm, tmp_path: Path) -> None:
    request = firm.ask()
    firm.answer(request, "olga")
    house = firm.ceremonies.house
    later = Approvals(
        house.engine, house.events, firm.ceremonies.keys, house.pseudonyms, "next boot", used=UsedActs(tmp_path / "used-acts")
    )
    assert later.given(ApprovalKind.ACT, firm.anna.id, DIGEST) == ()
    assert later.take(ApprovalKind.ACT, firm.anna.id, DIGEST) is None
    assert later.expire() == 1
    assert firm.take() is None, "and it does not come back"


def test_of_50_who_take_at_once_one_gets_it(firm: Firm) -> None:
    firm.answer(firm.ask(), "olga")
    got: list[list[str]] = []

    def take() -> None:
        if (proofs := firm.take()) is not None:
            got.append(proofs)

    threads = [threading.Thread(target=take) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[firm.people["olga"].id]]


def test_one_challenge_is_answered_once(firm: Firm) -> None:
    request, olga = firm.ask(need=Approval(2, "owner")), firm.people["olga"]
    answer = firm.keys["olga"].get(firm.approvals.begin(request.id, olga.id), TORWART)
    firm.approvals.complete(request.id, olga.id, answer)
    with pytest.raises(ApprovalRefused) as refused:
        firm.approvals.complete(request.id, olga.id, answer)
    assert refused.value.cause == "challenge_used"
    with pytest.raises(ApprovalRefused) as refused:
        firm.approvals.begin(request.id, olga.id)
    assert refused.value.cause == "answered"


def test_the_touch_needs_pin_or_biometry_and_the_own_key(firm: Firm) -> None:
    request, olga = firm.ask(), firm.people["olga"]
    for key, verified in ((firm.keys["oskar"], True), (firm.keys["olga"], False)):
        options = firm.approvals.begin(request.id, olga.id)
        answer = key.get({**options, "allowCredentials": []}, TORWART, user_verified=verified)
        with pytest.raises(ApprovalRefused):
            firm.approvals.complete(request.id, olga.id, answer)
    assert [said["cause"] for said in firm.events(EventAction.APPROVAL_REFUSED)] == ["foreign_key", "not_verified"]
    assert firm.take() is None


def test_a_person_who_is_cut_off_neither_asks_nor_takes(firm: Firm) -> None:
    firm.answer(firm.ask(), "olga")
    firm.ceremonies.house.people.freeze(firm.anna.id, None)
    assert firm.take() is None
    with pytest.raises(PermissionError):
        firm.ask(digest="01" * 32)
    with writing(firm.ceremonies.house.engine) as session:
        assert session.scalar(select(Key.id).where(Key.person_id == firm.anna.id)) is not None


@pytest.fixture
def olga_alone(ceremonies: Ceremonies, tmp_path: Path) -> tuple[Approvals, Person, SoftwareKey]:
    """One owner, and what stands for the second one."""
    house, sole = ceremonies.house, SoleReviewer(address="kanzlei@steuer.example", delay_hours=1)
    olga = house.people.add("Olga", "olga@firma.example", ["owner"])
    used = UsedActs(tmp_path / "used-acts")
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=used, sole=sole)
    return approvals, olga, ceremonies.enrol(olga)


def test_one_owner_alone_needs_a_reason_somebody_outside_who_was_told_and_time(
    ceremonies: Ceremonies, olga_alone: tuple[Approvals, Person, SoftwareKey]
) -> None:
    approvals, olga, key = olga_alone
    about: dict[str, Any] = {"kind": ApprovalKind.ACT, "requester": olga.id, "digest": DIGEST, "shown": SHOWN, "need": OWNER}
    with pytest.raises(ReasonMissingError):
        approvals.ask(**about)
    request = approvals.ask(**about, reason="the fair")
    assert request.alone
    with pytest.raises(ApprovalRefused) as refused:
        approvals.begin(request.id, olga.id)
    assert refused.value.cause == "too_early"
    approvals.noticed(request.id)
    assert len(ceremonies.house.events.of(EventAction.APPROVAL_NOTICED)) == 1
    with writing(ceremonies.house.engine) as session:
        row = session.get_one(ApprovalRequest, request.id)
        assert row.not_before is not None
        row.not_before -= timedelta(hours=1)
    approvals.complete(request.id, olga.id, key.get(approvals.begin(request.id, olga.id), TORWART))
    proofs = approvals.take(ApprovalKind.ACT, olga.id, DIGEST)
    assert proofs is not None
    assert [(proof.approver, proof.alone) for proof in proofs] == [(olga.id, True)]


def test_without_that_setting_an_owner_alone_waits_for_somebody_else(firm: Firm) -> None:
    for name in ("oskar",):
        firm.ceremonies.house.people.set_status(firm.people[name].id, Status.GONE, None)
    about: dict[str, Any] = {"kind": ApprovalKind.ACT, "digest": DIGEST, "shown": SHOWN, "need": OWNER}
    request = firm.approvals.ask(requester=firm.people["olga"].id, **about, reason="the fair")
    assert not request.alone
    assert _refused(firm, request, "olga") == "own"
