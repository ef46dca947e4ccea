"""Mails about Torwart itself: once for each cause, nothing lost while the mail server is down."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.event import EventAction, plain_event
from console.delivery import DeliveryError
from console.own_alarms import AGAIN_AFTER, LINES_MAX, OLD_AFTER, PAUSE, OwnAlarms
from tests.console.watch_house import House, open_house


@dataclass
class Post:
    """Takes mails, or does not."""

    mails: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False

    def send(self, subject: str, text: str, at: datetime) -> None:
        assert at.tzinfo is not None
        if self.down:
            raise DeliveryError("no mail could be handed over (ConnectionRefusedError)")
        self.mails.append((subject, text))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def alarms(house: House, post: Post, language: str = "en") -> OwnAlarms:
    return OwnAlarms(house.engine, house.log, post.send, torwart_url="https://torwart.example/", language=language, now=lambda: house.now)


def happens(house: House, subject: str, outcome: str = "failure", action: EventAction = EventAction.SELF_TEST) -> None:
    house.gateway.append(plain_event(action, at=house.now, subject=subject, outcome=outcome, numbers={"error": "SpoolError"}))
    house.log.take(house.gateway)


def test_trouble_is_told_once_and_so_is_that_it_is_over(house: House) -> None:
    post = Post()
    watch = alarms(house, post)
    happens(house, "worker elastic")
    for _ in range(3):
        watch.step()
    happens(house, "worker elastic")
    watch.step()
    ((subject, text),) = post.mails
    assert subject == "Torwart itself needs help: worker elastic"
    assert "worker elastic: failing. error SpoolError" in text
    assert "https://torwart.example/health" in text
    happens(house, "worker elastic", "success")
    watch.step()
    assert post.mails[1][0] == "Torwart: worker elastic works again"
    assert len(post.mails) == 2


def test_a_cause_that_goes_on_is_told_again_after_an_hour(house: House) -> None:
    post = Post()
    watch = alarms(house, post)
    happens(house, "worker elastic")
    watch.step()
    house.now += AGAIN_AFTER
    happens(house, "worker elastic")
    watch.step()
    assert len(post.mails) == 2


def test_a_record_that_is_not_as_it_must_be_is_told_in_german(house: House) -> None:
    post = Post()
    happens(house, "gateway", action=EventAction.STORE_ALARM)
    alarms(house, post, "de").step()
    ((subject, text),) = post.mails
    assert subject == "Torwart selbst braucht Hilfe: Protokoll von gateway"
    assert "Protokoll von gateway: gestört." in text


def test_a_row_that_nobody_of_us_wrote_is_told(house: House) -> None:
    post = Post()
    happens(house, "P-00000001", action=EventAction.AUTHORITY_ALARM)
    alarms(house, post).step()
    ((subject, _),) = post.mails
    assert subject == "Torwart itself needs help: row of unknown origin in the database (P-00000001)"


def test_what_works_and_what_never_failed_tells_nobody_anything(house: House) -> None:
    post = Post()
    happens(house, "client index", "success")
    house.gateway.append(plain_event(EventAction.GATEWAY_STARTED, at=house.now))
    house.log.take(house.gateway)
    alarms(house, post).step()
    assert post.mails == []


def test_a_mail_server_that_is_down_delays_the_mail_and_loses_nothing_not_even_over_a_restart(house: House) -> None:
    post = Post(down=True)
    watch = alarms(house, post)
    happens(house, "worker elastic")
    with pytest.raises(DeliveryError):
        watch.step()
    post.down = False
    with pytest.raises(DeliveryError):  # not tried at once again, and not well either
        watch.step()
    house.now += PAUSE
    happens(house, "worker intake")
    watch.step()
    ((_, text),) = post.mails
    assert "worker elastic: failing" in text
    assert "worker intake: failing" in text
    alarms(house, post).step()
    assert len(post.mails) == 1


def test_a_flood_is_one_mail_and_says_how_many_it_does_not_name(house: House) -> None:
    post = Post()
    for number in range(LINES_MAX + 5):
        happens(house, f"worker {number}")
    alarms(house, post).step()
    ((_, text),) = post.mails
    assert text.count("failing.") == LINES_MAX
    assert "and 5 more" in text


def test_what_is_long_past_is_not_told(house: House) -> None:
    post = Post()
    happens(house, "worker elastic")
    house.now = datetime.now(UTC) + OLD_AFTER + timedelta(minutes=1)  # the log's own clock is the real one
    alarms(house, post).step()
    assert post.mails == []
