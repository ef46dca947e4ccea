"""Manager A's day as the record tells it: through spool, log, rules and alert to the mail and the web hook. No mocks."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit_store.alerts import Alert
from audit_store.event import Phase
from detectors.cases import PERSON, Step
from policies import reasons
from policies.request import Action, Channel, Status
from tests.console.watch_house import House, hook_way, mail_way, open_house
from tests.services.post import Hook, Mailbox

MORNING = (
    Step(Action.LIST, Phase.RELEASED, range(100), act="list"),
    Step(Action.SEARCH, Phase.RELEASED, range(3_000), clear=False, act="search"),
    *(Step(Action.READ, Phase.RELEASED, range(n, n + 1), act=f"card-{n}") for n in range(12)),
    Step(Action.UPDATE, Phase.ALLOWED, range(1), act="note"),
)
MAILING = Step(Action.EXPORT, Phase.HELD, range(40), reasons.EXPORT_NEEDS_KEY, channel=Channel.DOWNLOAD, act="mailing")
ALL = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_LIMIT, channel=Channel.DOWNLOAD, act="all")
ALL_BY_READ = replace(ALL, action=Action.LIST, channel=Channel.API, act="search_read")
ALL_BY_REST = replace(ALL_BY_READ, channel=Channel.REST, phase=Phase.DENIED, act="rest")
PAGING = (
    *(Step(Action.READ, Phase.RELEASED, range(n, n + 1), act=f"script-{n}") for n in range(100, 129)),
    *(Step(Action.READ, Phase.DENIED, range(n, n + 1), reasons.SCRIPT_PACE, paced_cards=30, act=f"script-{n}") for n in range(129, 132)),
)
LEAVING = replace(MAILING, phase=Phase.DENIED, reason=reasons.EXPORT_NOT_NOW, status=Status.NOTICE_GIVEN, act="after-notice")


def codes(alert: Alert) -> list[str]:
    return [mark.partition(":")[2] for mark in alert.reasons]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def test_one_alert_tells_the_whole_day_and_somebody_is_told_at_each_turn(house: House, mailbox: Mailbox, hook: Hook):
    worker = house.worker(mail_way(mailbox), hook_way(hook))

    def now(*steps: Step) -> list[str]:
        """What the person's open alert says after these steps, one round of the worker later."""
        house.happens(*steps)
        worker.step()
        assert worker.health.well
        return [reason for alert in house.alerts().open_ones() if alert.pseudonym == PERSON for reason in codes(alert)]

    assert now(*MORNING) == []
    assert now(MAILING, replace(MAILING, phase=Phase.RELEASED, reason=reasons.KEY_CONFIRMED)) == []
    assert mailbox.mails == []

    assert now(ALL) == ["export_stopped"]
    assert now(replace(ALL, phase=Phase.NOT_CONFIRMED)) == ["export_stopped"]
    assert [mail["Subject"] for mail in mailbox.mails] == [f"Torwart: Meldung – 3.000 Kunden angefragt, 40 hinausgegangen ({PERSON}, hoch)"]

    assert now(ALL_BY_READ, ALL_BY_REST) == ["export_stopped"]
    assert len(mailbox.mails) == 1

    assert sorted(now(*PAGING)) == ["export_stopped", "script_pace"]
    assert sorted(now(LEAVING)) == ["departing_export", "export_stopped", "script_pace"]

    (alert,) = house.alerts().open_ones()
    assert alert.severity == "high"
    last = mailbox.mails[-1].get_content()
    assert "3.000 Kunden angefragt und angehalten, 100 % des Bestands, in 4 Versuchen auf 3 Wegen." in last
    assert "30 Karten in zehn Minuten im Takt eines Programms geöffnet" in last
    assert "Person im Ausscheiden wollte Kunden mitnehmen: 40 heute hinausgegangen" in last
    assert "Kunden, die das Haus verlassen haben: 40" in last
    assert len(mailbox.mails) == 3
    assert [json.loads(posted.body)["type"] for posted in hook.posted] == ["alert.opened", "alert.grown", "alert.grown"]
    assert json.loads(hook.posted[-1].body)["alert"]["clients_left"] == 40

    worker.step()
    assert len(mailbox.mails) == 3
    worker.stop()


def test_a_second_person_has_an_alert_of_their_own(house: House, mailbox: Mailbox):
    worker = house.worker(mail_way(mailbox))
    house.happens(ALL, replace(ALL, person="P-00000002", act="hers"))
    worker.step()
    assert {alert.pseudonym for alert in house.alerts().open_ones()} == {PERSON, "P-00000002"}
    assert len(mailbox.mails) == 2
    worker.stop()


def test_every_number_of_the_alert_leads_to_its_events(house: House):
    worker = house.worker()
    story = house.happens(ALL, ALL_BY_READ, *PAGING)
    worker.step()
    (alert,) = house.alerts().open_ones()
    assert alert.event_ids["mass_export:export_stopped"] == [story[0].id, story[1].id]
    assert alert.event_ids["script_paging:script_pace"] == [event.id for event in story[-3:]]
    worker.stop()
