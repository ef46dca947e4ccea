"""Whoever may approve is told once, by a mail that names nobody; whoever asked hears the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.approval_request import ApprovalKind, Shown
from auth.approvals import Approvals
from auth.sole_reviewer import SoleReviewer
from auth.tables import Person
from auth.used_acts import UsedActs
from console.asking import Asking
from console.delivery import DeliveryError
from policies.needs import Approval
from tests.services.house import Ceremonies


@dataclass
class Post:
    """Keeps mails, or takes none."""

    sent: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    down: bool = False

    def __call__(self, subject: str, text: str, at: datetime, to: Sequence[str]) -> None:
        if self.down:
            raise DeliveryError("no")
        self.sent.append((subject, text, tuple(to)))


def test_those_who_may_approve_are_told_once_and_the_answer_goes_back(ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> None:
    house = ceremonies.house
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=UsedActs(tmp_path / "used"))
    olga = house.people.add("Olga Brandt", "olga@firma.example", ["owner"], "en")
    house.people.add("Sven Sicher", "sven@firma.example", ["security"])
    post = Post(down=True)
    asking = Asking(approvals, house.pseudonyms, post, torwart_url="https://torwart.firma.example", now=lambda: datetime.now(UTC))
    shown = Shown("export", asked=3)
    request = approvals.ask(kind=ApprovalKind.ACT, requester=anna.id, digest="ab" * 32, shown=shown, need=Approval(), reason="geheim")
    with pytest.raises(DeliveryError):
        asking.step()
    post.down = False
    asking.step()
    asking.step()
    ((subject, text, to),) = post.sent
    assert to == (olga.email,)
    assert subject == "Torwart: your approval is asked for"
    assert anna.pseudonym in text
    assert f"https://torwart.firma.example/approvals/{request.id}" in text
    assert not any(word in text for word in ("Anna", "Feldmann", "geheim"))
    approvals.refuse(request.id, olga.id, "zu viel")
    asking.step()
    asking.step()
    assert [(one[0], one[2]) for one in post.sent[1:]] == [("Torwart: Antwort auf Ihre Bitte um Zustimmung", (anna.email,))]


def test_without_mail_what_is_over_still_ends(ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> None:
    house = ceremonies.house
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=UsedActs(tmp_path / "used"))
    approvals.draft("act1", requester=anna.id, digest="ab" * 32, shown=Shown("export"), need=Approval(), seconds=0)
    Asking(approvals, house.pseudonyms, None, torwart_url="https://torwart.firma.example", now=lambda: datetime.now(UTC)).step()
    assert approvals.get("act1") is None


def test_the_delay_of_one_who_is_alone_begins_when_the_mail_outside_was_taken(ceremonies: Ceremonies, tmp_path: Path) -> None:
    house, sole, post = ceremonies.house, SoleReviewer(address="kanzlei@steuer.example", delay_hours=3), Post(down=True)
    used = UsedActs(tmp_path / "used")
    approvals = Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, "this boot", used=used, sole=sole)
    olga = house.people.add("Olga Brandt", "olga@firma.example", ["owner"])
    ceremonies.enrol(olga)
    url = "https://torwart.firma.example"
    asking = Asking(approvals, house.pseudonyms, post, torwart_url=url, now=lambda: datetime.now(UTC), sole=sole, language="en")
    shown = Shown("export", asked=3, allowed=3)
    request = approvals.ask(kind=ApprovalKind.ACT, requester=olga.id, digest="ab" * 32, shown=shown, need=Approval(), reason="a fair")
    with pytest.raises(DeliveryError):
        asking.step()
    assert [one.id for one in approvals.unnoticed()] == [request.id]
    post.down = False
    asking.step()
    assert approvals.unnoticed() == []
    (mail,) = [one for one in post.sent if one[2] == (sole.address,)]
    assert olga.pseudonym in mail[1]
    assert "a fair" in mail[1]
    assert "in 3 hours" in mail[1]
    assert "Olga" not in mail[1]
