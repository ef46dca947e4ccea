from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit_store.alerts import Alerts, Signal
from audit_store.database import open_database
from audit_store.event import Event, EventAction, Phase, plain_event
from audit_store.log import Log
from audit_store.search import search
from audit_store.spool import Spool
from detectors.base import RULE_FAILED, Rule, rules
from detectors.cases import PERSON, START, Step, events
from detectors.deed import Deed
from detectors.runner import Runner
from detectors.view import View
from policies import reasons
from policies.request import Action, Channel

HELD = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY)
ORDINARY = Step(Action.LIST, Phase.RELEASED, range(40))


@dataclass
class House:
    """The record of an installation, the gateway's part and the console's."""

    engine: Engine
    gateway: Spool
    console: Spool
    log: Log

    def happens(self, *steps: Step) -> list[Event]:
        story = events(steps)
        for event in story:
            self.gateway.append(event)
        self.log.take(self.gateway)
        return story

    def alerts(self) -> Alerts:
        return Alerts(self.engine, self.console.append)

    def runner(self, using: Mapping[str, Rule] | None = None, alerts: Alerts | None = None) -> Runner:
        later = START + timedelta(days=10)
        return Runner(self.engine, self.log, alerts or self.alerts(), self.console.append, using=using, now=lambda: later)

    def recorded(self, action: EventAction) -> list[dict]:
        self.log.take(self.console)
        return [logged.document for logged in search(self.log, action=action)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    engine = open_database(tmp_path / "torwart.db")
    gateway, console = (Spool.open(tmp_path / "spool" / name, name) for name in ("gateway", "console"))
    log = Log.open(tmp_path / "log")
    yield House(engine, gateway, console, log)
    for part in (gateway, console, log):
        part.close()
    engine.dispose()


def test_an_export_of_the_whole_base_raises_one_alert_that_names_its_event(house: House):
    ordinary, held = house.happens(ORDINARY, HELD)
    assert house.runner().step() == 2
    (alert,) = house.alerts().open_ones()
    assert alert.pseudonym == PERSON
    assert alert.severity == "high"
    assert held.id in str(alert.event_ids)
    assert ordinary.id not in str(alert.event_ids)


def test_further_attempts_grow_the_same_alert(house: House):
    runner = house.runner()
    house.happens(HELD)
    runner.step()
    house.happens(replace(HELD, action=Action.LIST, channel=Channel.REST, act="second"))
    runner.step()
    assert len(house.alerts().open_ones()) == 1


def test_every_event_is_dealt_with_once_even_over_restarts(house: House):
    house.happens(ORDINARY, HELD)
    house.runner().step()
    before = house.alerts().revision()
    again = house.runner()
    assert again.step() == 0
    assert again.position == 2
    assert house.alerts().revision() == before


def test_a_restart_remembers_the_day(house: House):
    house.happens(replace(HELD, act="first"))
    house.runner().step()
    runner = house.runner()
    house.happens(replace(HELD, act="second"))
    runner.step()
    day = runner.day(PERSON, START)
    assert day is not None
    assert day.stopped_exports == {"first", "second"}


def test_a_crash_after_the_alert_and_before_the_cursor_makes_no_second_alert_and_no_second_reason(house: House):
    class Dying(Alerts):
        def raise_or_grow(self, signal: Signal):
            super().raise_or_grow(signal)
            raise RuntimeError("the process ends here")

    house.happens(ORDINARY, HELD)
    dying = house.runner(alerts=Dying(house.engine, house.console.append))
    with pytest.raises(RuntimeError):
        dying.step()
    (before,) = house.alerts().open_ones()
    assert house.runner().step() == 2
    (after,) = house.alerts().open_ones()
    assert after.id == before.id
    assert after.event_ids == before.event_ids
    assert len(house.recorded(EventAction.ALERT_OPENED)) == 1


def test_a_step_that_failed_is_taken_up_by_the_next_one_of_the_same_runner(house: House):
    class Failing(Alerts):
        failing = True

        def raise_or_grow(self, signal: Signal):
            if self.failing:
                raise OSError("no space")
            return super().raise_or_grow(signal)

    alerts = Failing(house.engine, house.console.append)
    runner = house.runner(alerts=alerts)
    house.happens(HELD)
    with pytest.raises(OSError, match="no space"):
        runner.step()
    alerts.failing = False
    assert runner.step() == 1
    assert len(alerts.open_ones()) == 1
    day = runner.day(PERSON, START)
    assert day is not None
    assert day.stopped_exports == {"act-0"}


def test_a_flood_grows_the_alert_in_few_steps_and_loses_no_event(house: House):
    story = house.happens(*(replace(HELD, act=f"act-{n}") for n in range(300)))
    house.runner().step()
    (alert,) = house.alerts().open_ones()
    assert alert.event_ids["mass_export:export_stopped"] == [event.id for event in story]
    assert alert.numbers["mass_export:export_stopped"]["attempts"] == 300
    assert len(house.recorded(EventAction.ALERT_GROWN)) == 1


def test_a_rule_that_raises_is_flagged_and_silences_no_other(house: House):
    def broken(deed: Deed, view: View) -> Signal | None:
        raise KeyError(deed.act_id)

    using = {"broken": replace(rules()["script_paging"], id="broken", judge=broken), "mass_export": rules()["mass_export"]}
    house.happens(HELD, replace(HELD, act="again"))
    runner = house.runner(using)
    assert runner.step() == 2
    assert runner.faults == {"broken": 2}
    (alert,) = house.alerts().open_ones()
    assert {"broken", "mass_export"} <= set(alert.rules)
    assert RULE_FAILED in str(alert.reasons)
    (flagged,) = house.recorded(EventAction.SELF_TEST)
    assert flagged["event"]["outcome"] == "failure"
    assert "KeyError" in str(flagged["torwart"])


def test_an_event_that_cannot_be_read_is_flagged_and_the_next_one_judged(house: House):
    strange = events((HELD,))[0]
    del strange.document["torwart"]["clients"]
    house.gateway.append(strange)
    house.happens(HELD)
    runner = house.runner()
    assert runner.step() == 2
    assert runner.faults == {"event": 1}
    assert len(house.alerts().open_ones()) == 1


def test_events_about_other_things_are_passed_over(house: House):
    house.gateway.append(plain_event(EventAction.GATEWAY_STARTED, at=START))
    house.log.take(house.gateway)
    runner = house.runner()
    assert runner.step() == 1
    assert runner.position == 1
    assert house.alerts().open_ones() == []


def test_two_people_have_two_alerts(house: House):
    house.happens(HELD, replace(HELD, person="P-00000002"))
    house.runner().step()
    assert {alert.pseudonym for alert in house.alerts().open_ones()} == {PERSON, "P-00000002"}


def test_an_agent_that_was_refused_is_an_alert_about_its_person_and_grows_that_of_the_day(house: House):
    _, refused = house.happens(HELD, Step(Action.SYSTEM, Phase.DENIED, refused_agent="fork"))
    house.runner().step()
    (alert,) = house.alerts().open_ones()
    assert alert.pseudonym == PERSON
    assert "agent_refused:refused" in alert.reasons
    assert alert.event_ids["agent_refused:refused"] == [refused.id]


def test_a_rule_that_fails_to_hear_is_flagged_and_silences_no_other(house: House):
    def fails(_document: object) -> None:
        raise KeyError("user")

    broken = replace(rules()["mass_export"], hears=fails)
    house.happens(Step(Action.SYSTEM, Phase.DENIED, refused_agent="fork"), HELD)
    runner = house.runner({**rules(), "mass_export": broken})
    assert runner.step() == 2
    (alert,) = house.alerts().open_ones()
    assert {"agent_refused:refused", "mass_export:export_stopped"} <= set(alert.reasons)
    assert runner.faults["mass_export"] == 1
