from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit_store import spool_file
from audit_store.event import EventAction, Phase, plain_event
from audit_store.search import Question
from audit_store.search_answer import Searcher
from audit_store.spool import Spool
from detectors.cases import START, Step
from policies import reasons
from policies.request import Action
from tests.console.watch_house import House, hook_way, mail_way, open_house
from tests.services.post import Hook, Mailbox
from tests.services.waiting import until

HELD = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="held")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def test_one_round_leads_from_the_deed_to_the_mail(house: House, mailbox: Mailbox, hook: Hook):
    worker = house.worker(mail_way(mailbox), hook_way(hook))
    house.happens(HELD)
    worker.step()
    assert len(house.alerts().open_ones()) == 1
    assert (len(mailbox.mails), len(hook.posted)) == (1, 1)
    assert worker.health.well
    assert worker.health.waiting == 0
    worker.stop()


def test_nothing_happens_twice(house: House, mailbox: Mailbox):
    worker = house.worker(mail_way(mailbox))
    house.happens(HELD)
    for _ in range(3):
        worker.step()
    assert len(mailbox.mails) == 1
    assert len(house.recorded(EventAction.ALERT_OPENED)) == 1
    worker.stop()


def test_a_producer_that_appears_later_is_taken_too(house: House):
    worker = house.worker()
    worker.step()
    other = Spool.open(house.state / "spool" / "cli", "cli")
    other.append(plain_event(EventAction.GATEWAY_STARTED, at=START))
    worker.step()
    assert house.log.cursor("cli") == 1
    other.close()
    worker.stop()


def test_a_spool_that_is_just_being_made_is_no_trouble(house: House, monkeypatch: pytest.MonkeyPatch):
    worker, looked = house.worker(), list[str]()

    def looked_at(step: str, work: Callable[..., None]) -> Callable[..., None]:
        def between(*arguments: object) -> None:
            worker.step()
            work(*arguments)
            worker.step()
            looked.append(step)

        return between

    steps = ("hold_events", "make_durable", "_make_tables")
    for step in steps:
        monkeypatch.setattr(spool_file, step, looked_at(step, getattr(spool_file, step)))
    other = Spool.open(house.state / "spool" / "cli", "cli")
    other.append(plain_event(EventAction.GATEWAY_STARTED, at=START))
    worker.step()
    assert set(looked) == set(steps)
    assert house.recorded(EventAction.SELF_TEST) == []
    assert house.log.cursor("cli") == 1
    assert {path.name for path in other.folder.iterdir()} <= {"spool.db", "spool.db-shm", "spool.db-wal", "head"}
    other.close()
    worker.stop()


def test_a_producer_whose_file_was_put_aside_and_begun_anew_is_read_on(house: House):
    worker = house.worker()
    worker.step()
    house.gateway.close()
    for file in (house.state / "spool" / "gateway").glob("spool.db*"):
        file.rename(file.with_name("aside-" + file.name))
    house.gateway = Spool.open(house.state / "spool" / "gateway", "gateway")
    house.happens(HELD)
    worker.step()
    assert len(house.alerts().open_ones()) == 1
    worker.stop()


def test_a_stage_that_fails_is_seen_and_recorded_and_ends_no_other(house: House, mailbox: Mailbox):
    class Failing:
        name = "webhook"
        broken = True

        def send(self, notice: object, at: object) -> None:
            if self.broken:
                raise ZeroDivisionError

    failing = Failing()
    worker = house.worker(failing, mail_way(mailbox))
    house.happens(HELD)
    worker.step()
    assert worker.health.errors == {"send webhook": "ZeroDivisionError"}
    assert len(mailbox.mails) == 1
    worker.step()
    failing.broken = False
    worker.step()
    assert worker.health.well
    said = house.recorded(EventAction.SELF_TEST)
    assert [document["event"]["outcome"] for document in said] == ["failure", "success"]
    worker.stop()


def test_the_index_of_the_log_is_kept_up_and_begun_anew_when_it_is_damaged(house: House):
    worker = house.worker()
    house.happens(HELD)
    worker.step()
    searcher = Searcher(house.log, house.state / "log", scan_max=0)
    asked = Question(action=EventAction.ACCESS)
    assert [row.document["torwart"]["act"]["phase"] for row in searcher.ask(asked).rows] == ["held"]
    for path in (house.state / "log").glob("search.db*"):
        path.unlink()
    (house.state / "log" / "search.db").write_bytes(b"no database" * 1000)
    worker.step()
    assert worker.health.errors == {"search": "SearchIndexError"}
    worker.step()
    assert worker.health.well
    assert len(searcher.ask(asked).rows) == 1
    worker.stop()


def test_a_spool_that_cannot_be_read_keeps_no_other_waiting(house: House):
    broken = house.state / "spool" / "aaa"
    broken.mkdir(mode=0o700)
    (broken / "spool.db").write_bytes(b"no database" * 1000)
    (broken / "spool.db").chmod(0o600)
    worker = house.worker()
    house.happens(HELD)
    worker.step()
    assert list(worker.health.errors) == ["intake"]
    assert len(house.alerts().open_ones()) == 1
    worker.stop()


def test_started_it_watches_by_itself_and_ends_when_told(house: House, mailbox: Mailbox):
    worker = house.worker(mail_way(mailbox))
    worker.start()
    try:
        house.happens(HELD)
        until(lambda: mailbox.mails)
        house.happens(replace(HELD, person="P-00000002", act="hers"))
        until(lambda: len(mailbox.mails) == 2)
    finally:
        worker.stop()
    assert worker.health.well


def test_a_mail_server_that_hangs_delays_no_alert(house: House):
    class Hanging:
        name = "mail"

        def __init__(self) -> None:
            self.entered = False

        def send(self, notice: object, at: object) -> None:
            self.entered = True
            until(lambda: self.released)

        released = False

    hanging = Hanging()
    worker = house.worker(hanging)
    worker.start()
    try:
        house.happens(HELD)
        until(lambda: hanging.entered)
        house.happens(replace(HELD, person="P-00000002", act="hers"))
        until(lambda: len(house.alerts().open_ones()) == 2)
    finally:
        hanging.released = True
        worker.stop()
