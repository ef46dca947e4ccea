import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from audit_store.event import EventAction, Phase
from console.notify import Notifier
from detectors.cases import PERSON, Step
from policies import reasons
from policies.request import Action, Channel
from tests.console.watch_house import House, hook_way, mail_way, open_house
from tests.services.post import Hook, Mailbox

HELD = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="held")
OTHER_ROAD = replace(HELD, action=Action.LIST, channel=Channel.REST, act="rest")
PACED = Step(Action.READ, Phase.DENIED, range(1), reasons.SCRIPT_PACE, paced_cards=31)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


class Watch:
    """Runner and notifier of a house, stepped by hand."""

    def __init__(self, house: House, *ways: object) -> None:
        self.house = house
        self.runner = house.runner()
        self.notifier: Notifier = house.notifier(*ways, runner=self.runner)

    def sees(self, *steps: Step) -> int:
        """Lets it happen and queues; how many notices were queued."""
        self.house.happens(*steps)
        self.house.log.take(self.house.gateway)
        self.runner.step()
        return self.notifier.queue(self.house.now)

    def sends(self) -> int:
        return sum(self.notifier.send_due(way, self.house.now) for way in self.notifier.channels)


def test_a_new_alert_is_told_once_on_every_way(house: House, mailbox: Mailbox, hook: Hook):
    watch = Watch(house, mail_way(mailbox), hook_way(hook))
    assert watch.sees(HELD) == 2
    assert watch.sends() == 2
    assert watch.sends() == 0
    assert watch.notifier.queue(house.now) == 0
    (mail,) = mailbox.mails
    assert mail["Subject"] == f"Torwart: Meldung – 3.000 Kunden angefragt, 0 hinausgegangen ({PERSON}, hoch)"
    (posted,) = hook.posted
    assert json.loads(posted.body)["type"] == "alert.opened"
    told = house.recorded(EventAction.ALERT_NOTIFIED)
    assert {document["torwart"]["words"]["channel"] for document in told} == {"mail", "webhook"}


def test_more_of_the_same_is_not_told_again(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD)
    watch.sends()
    assert watch.sees(OTHER_ROAD) == 0


def test_a_new_kind_of_reason_is_told_as_growth(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD)
    watch.sends()
    assert watch.sees(PACED) == 1
    watch.sends()
    assert [mail["Subject"].startswith("Torwart: Meldung gewachsen") for mail in mailbox.mails] == [False, True]
    assert "im Takt eines Programms" in mailbox.mails[1].get_content()


def test_a_higher_severity_is_told(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    small = replace(HELD, clients=range(400))
    assert watch.sees(small) == 1
    watch.sends()
    assert watch.sees(replace(small, phase=Phase.NOT_CONFIRMED)) == 1
    watch.sends()
    assert ["(P-00000001, mittel)" in mail["Subject"] for mail in mailbox.mails] == [True, False]


def test_a_mail_server_that_is_down_loses_no_alert_and_one_mail_tells_all(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    mailbox.answer = "451 try later"
    watch.sees(HELD)
    assert watch.sends() == 0
    assert watch.sends() == 0  # not before the pause is over
    backlog = watch.notifier.backlog()
    assert (backlog.waiting, backlog.error) == (1, "the mail server answered 451")
    watch.sees(PACED)
    mailbox.answer = "250 OK"
    house.later(seconds=10)
    assert watch.sends() == 1
    (mail,) = mailbox.mails
    assert mail["Subject"].startswith("Torwart: Meldung – ")  # nobody was told before: it is no growth
    assert "im Takt eines Programms" in mail.get_content()
    assert watch.notifier.backlog().waiting == 0


def test_what_waits_is_sent_after_a_restart(house: House, mailbox: Mailbox):
    mailbox.answer = "451 try later"
    first = Watch(house, mail_way(mailbox))
    first.sees(HELD)
    first.sends()
    mailbox.answer = "250 OK"
    house.later(minutes=5)
    again = Watch(house, mail_way(mailbox))
    again.runner.step()
    assert again.notifier.queue(house.now) == 0
    assert again.sends() == 1
    assert "3.000" in mailbox.mails[0]["Subject"]


def test_a_notice_of_a_day_that_is_not_known_any_more_still_has_its_numbers(house: House, mailbox: Mailbox):
    Watch(house, mail_way(mailbox)).sees(HELD)
    fresh = house.notifier(mail_way(mailbox), runner=house.runner())  # has not read anything yet
    assert fresh.send_due("mail", house.now) == 1
    assert "3.000 Kunden angefragt" in mailbox.mails[0]["Subject"]


def test_a_way_that_fails_keeps_no_other_waiting(house: House, mailbox: Mailbox, hook: Hook):
    hook.status = 500
    watch = Watch(house, hook_way(hook), mail_way(mailbox))
    watch.sees(HELD)
    assert watch.sends() == 1
    assert len(mailbox.mails) == 1


def test_a_database_that_takes_nothing_does_not_become_a_flood_of_mails(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD)
    with house.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE UPDATE ON notifications BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    for _ in range(3):
        with pytest.raises(DatabaseError):
            watch.sends()
    assert mailbox.mails == []


def test_tries_become_rarer_and_never_end(house: House, hook: Hook):
    hook.status = 500
    watch = Watch(house, hook_way(hook))
    watch.sees(HELD)
    for _ in range(60 * 6):
        watch.sends()
        house.later(minutes=1)
    assert 25 < len(hook.posted) < 35
    assert watch.notifier.backlog().waiting == 1


def test_two_people_are_told_of_separately(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD, replace(HELD, person="P-00000002", act="hers"))
    watch.sends()
    assert {mail["Subject"].split("(")[1][:10] for mail in mailbox.mails} == {PERSON, "P-00000002"}


def test_a_closed_alert_is_told_of_no_more(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD)
    watch.sends()
    alerts = house.alerts()
    alerts.close(alerts.open_ones()[0].id, "false", "P-00000009")
    assert watch.notifier.queue(house.now) == 0


def test_links_lead_to_the_alert_and_to_the_person(house: House, mailbox: Mailbox):
    watch = Watch(house, mail_way(mailbox))
    watch.sees(HELD)
    watch.sends()
    (alert,) = house.alerts().open_ones()
    lines = mailbox.mails[0].get_content().splitlines()
    assert f"http://torwart.localhost:8401/alerts/{alert.id}" in lines
    assert f"http://torwart.localhost:8401/people/{PERSON}" in lines
