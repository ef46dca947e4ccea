"""Who has to know of a recovery hears of it by mail, also when the mail server was down; nobody is named."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from audit_store.event import EventAction
from auth.break_glass import BreakGlasses
from auth.code_tries import Tries
from auth.notices import OLD, NoticeKind, tell
from auth.recovery import Recoveries
from auth.recovery_settings import RecoverySettings
from auth.recovery_tables import BreakGlass, Notice
from auth.storage import reading, writing
from auth.tables import Person
from console.delivery import DeliveryError
from console.recovery_mail import OLD_ADDRESS_TRIES, TEXTS, RecoveryMail, Send
from deploy.demo.software_key import SoftwareKey
from tests.auth.test_recovery import Firm, firm
from tests.console.test_asking import Post
from tests.services.house import SEAL

__all__ = ["firm"]
OUTSIDE = "anwalt@kanzlei.example"


def mail_of(firm: Firm, post: Send | None, glasses: BreakGlasses | None = None) -> RecoveryMail:
    house = firm.ceremonies.house
    glasses = glasses or BreakGlasses(house.engine, house.events, firm.ceremonies.keys, Tries(bytes(32)), SEAL, RecoverySettings())
    return RecoveryMail(
        house.engine, house.events, firm.recoveries, glasses, post, outside=(OUTSIDE,), torwart_url="https://torwart.firma.example"
    )


def test_reviewers_and_the_person_are_told_at_once_each_once_and_nobody_is_named(firm: Firm) -> None:
    firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    post = Post()
    mail_of(firm, post).step()
    mail_of(firm, post).step()
    reached = sorted(address for _, _, to in post.sent for address in to)
    assert reached == ["ada@firma.example", "adam@firma.example", "anna@firma.example", "olga@firma.example"]
    for _, text, to in post.sent:
        assert firm.anna.pseudonym in text
        assert not any(word in text for word in ("Anna", "Feldmann"))
        assert ("/codes" if to == ("anna@firma.example",) else f"/people/{firm.anna.id}") in text
    (event,) = firm.ceremonies.house.events.of(EventAction.RECOVERY_NOTIFIED)
    assert event.document["torwart"]["numbers"] == {"told": 4}


def test_of_a_new_key_the_person_and_all_who_watch_hear(firm: Firm) -> None:
    firm.ceremonies.enrol(firm.anna, SoftwareKey())
    post = Post()
    mail_of(firm, post).step()
    told = {address: text for _, text, to in post.sent for address in to}
    assert sorted(told) == ["ada@firma.example", "adam@firma.example", "anna@firma.example", "olga@firma.example"]
    assert told["anna@firma.example"].count("https://torwart.firma.example/keys") == 1
    assert f"/people/{firm.anna.id}" in told["olga@firma.example"]


def test_a_mail_server_that_is_down_is_tried_again_later(firm: Firm) -> None:
    firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    post = Post(down=True)
    mail = mail_of(firm, post)
    with pytest.raises(DeliveryError):
        mail.step()
    post.down = False
    mail.step()
    assert post.sent == [], "not before the pause is over"
    with writing(firm.ceremonies.house.engine) as session:
        for notice in session.scalars(select(Notice)):
            assert (notice.tries, notice.error) == (1, "no")
            notice.next_at -= timedelta(seconds=3)
    mail.step()
    assert post.sent


def test_the_envelope_is_told_outside_the_house_and_its_end_too(firm: Firm) -> None:
    house, post = firm.ceremonies.house, Post()
    glasses = BreakGlasses(house.engine, house.events, firm.ceremonies.keys, Tries(bytes(32)), SEAL, RecoverySettings())
    glasses.open(glasses.seal(None), firm.anna.email, "192.0.2.1")
    mail = mail_of(firm, post, glasses)
    mail.step()
    assert {address for _, _, to in post.sent for address in to} >= {OUTSIDE, "olga@firma.example", "anna@firma.example"}
    assert all(subject.startswith("ALARM") for subject, _, _ in post.sent)
    post.sent.clear()
    with writing(house.engine) as session:
        row = session.scalars(select(BreakGlass)).one()
        row.until = row.used_at
        SEAL.put(row)
    mail.step()
    assert OUTSIDE in {address for _, _, to in post.sent for address in to}
    assert "torwart people break-glass" in post.sent[0][1]


def test_without_a_mail_server_what_is_over_ends_all_the_same(firm: Firm) -> None:
    firm.recoveries.open_for(firm.anna.id, None, (), in_person=False)
    firm.wait(24 + 72)
    mail_of(firm, None).step()
    assert firm.recoveries.open_ones() == []


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_words_in_both_languages_and_needs_no_other_facts(firm: Firm, kind: NoticeKind) -> None:
    assert set(TEXTS) == {"de", "en"}
    facts = {"ready_at": "x", "lost": 1, "codes": 10, "failures": 20, "until": "x", OLD: "anna@old.example"}
    with writing(firm.ceremonies.house.engine) as session:
        olga: Person = session.get_one(Person, firm.people["olga"].id)
        olga.language = "en"
        tell(session, kind, firm.anna.id, olga.created_at, facts)
    post = Post()
    mail_of(firm, post).step()
    assert len({subject for subject, _, _ in post.sent}) == (1 if kind == NoticeKind.OLD_ADDRESS else 2)
    with reading(firm.ceremonies.house.engine) as session:
        assert session.scalars(select(Notice)).one().sent_at is not None
    assert isinstance(firm.recoveries, Recoveries)


def test_who_moves_somebody_s_mail_to_another_address_cannot_keep_it_from_the_old_one(firm: Firm) -> None:
    """Else whoever has an administrator's open page has the next link for a key sent to themselves, and nobody hears of it."""
    house, post = firm.ceremonies.house, Post()
    house.people.change(firm.anna.id, {"email": "attacker@outside.example"}, firm.people["olga"].id)
    mail_of(firm, post).step()
    old = [text for _, text, to in post.sent if to == ("anna@firma.example",)]
    assert len(old) == 1
    assert firm.anna.pseudonym in old[0]
    assert "outside.example" not in old[0], "nor does it tell the new one"
    reached = {address for _, _, to in post.sent for address in to}
    assert reached == {"anna@firma.example", "attacker@outside.example", "ada@firma.example", "adam@firma.example", "olga@firma.example"}
    kinds = {str(event.document["torwart"]["words"]["kind"]) for event in house.events.of(EventAction.RECOVERY_NOTIFIED)}
    assert kinds == {"address", "old_address"}
    with reading(house.engine) as session:
        assert not [notice for notice in session.scalars(select(Notice)) if OLD in notice.facts], (
            "the address is kept no longer than needed"
        )


def test_an_old_address_that_takes_no_mail_is_given_up_and_the_others_are_told_once(firm: Firm) -> None:
    house, post = firm.ceremonies.house, Post()
    house.people.change(firm.anna.id, {"email": "anna.feldmann@firma.example"}, None)

    def send(subject: str, text: str, at: datetime, to: Sequence[str]) -> None:
        if "anna@firma.example" in to:
            raise DeliveryError("no")
        post(subject, text, at, to)

    mail = mail_of(firm, send)
    for number in range(OLD_ADDRESS_TRIES):
        if number < OLD_ADDRESS_TRIES - 1:
            with pytest.raises(DeliveryError):
                mail.step()
        else:
            mail.step()
        with writing(house.engine) as session:
            for notice in session.scalars(select(Notice)):
                notice.next_at = notice.made_at
    sent = len(post.sent)
    mail.step()
    assert len(post.sent) == sent
    outcomes = [event.document["event"]["outcome"] for event in house.events.of(EventAction.RECOVERY_NOTIFIED)]
    assert sorted(outcomes) == ["failure", "success"]
