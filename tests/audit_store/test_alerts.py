"""Alerts: one for each person and day, that grows and loses nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import StaticPool

from audit_store.alerts import EVENT_IDS_MAX, NOTE_MAX, AlertError, Alerts, Signal
from audit_store.database import Base, open_database
from audit_store.event import Event, EventAction
from audit_store.spool import SpoolError
from tests.audit_store.acts import NOW

SIGNAL = Signal("mass_export", "P-00000001", NOW, "medium", "export_stopped", {"asked": 3000, "share": "100"}, ("event-1",))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "torwart.db")
    yield engine
    engine.dispose()


@pytest.fixture
def record() -> list[Event]:
    return []


@pytest.fixture
def alerts(engine: Engine, record: list[Event]) -> Alerts:
    return Alerts(engine, record.append)


def test_the_first_signal_opens_an_alert(alerts: Alerts, record: list[Event]) -> None:
    alert = alerts.raise_or_grow(SIGNAL)
    assert alerts.get(alert.id) is not None
    assert (alert.pseudonym, alert.day, alert.state, alert.severity) == ("P-00000001", "2026-05-12", "open", "medium")
    assert (alert.rules, alert.reasons, alert.title) == (["mass_export"], ["mass_export:export_stopped"], "mass_export")
    assert alert.numbers == {"mass_export:export_stopped": {"asked": 3000, "share": "100"}}
    assert alert.event_ids == {"mass_export:export_stopped": ["event-1"]}
    assert alert.opened_at == alert.updated_at == NOW
    (opened,) = record
    assert opened.action is EventAction.ALERT_OPENED
    assert opened.document["torwart"]["subject"] == "P-00000001"
    assert opened.document["torwart"]["words"]["alert"] == alert.id
    assert opened.document["event"]["severity"] == 47


def test_everything_of_one_person_and_day_is_one_alert(alerts: Alerts, record: list[Event]) -> None:
    first = alerts.raise_or_grow(SIGNAL)
    later = NOW + timedelta(hours=3)
    alerts.raise_or_grow(replace(SIGNAL, at=later, numbers={"asked": 40, "share": "1.3"}, event_ids=("event-2",)))
    alerts.raise_or_grow(Signal("script_paging", "P-00000001", later, "high", "paced", {"cards": 30}, ("event-3",)))
    (alert,) = alerts.open_ones()
    assert alert.id == first.id
    assert alert.rules == ["mass_export", "script_paging"]
    assert alert.reasons == ["mass_export:export_stopped", "script_paging:paced"]
    assert alert.numbers == {"mass_export:export_stopped": {"asked": 3000, "share": "1.3"}, "script_paging:paced": {"cards": 30}}
    assert alert.event_ids == {"mass_export:export_stopped": ["event-1", "event-2"], "script_paging:paced": ["event-3"]}
    assert alert.severity == "high"
    assert (alert.opened_at, alert.updated_at) == (NOW, later)
    assert [event.action for event in record] == [EventAction.ALERT_OPENED, EventAction.ALERT_GROWN, EventAction.ALERT_GROWN]


def test_other_people_and_other_days_have_alerts_of_their_own(alerts: Alerts) -> None:
    alerts.raise_or_grow(SIGNAL)
    alerts.raise_or_grow(replace(SIGNAL, pseudonym="P-00000002"))
    alerts.raise_or_grow(replace(SIGNAL, at=NOW + timedelta(days=1)))
    assert sorted((alert.pseudonym, alert.day) for alert in alerts.open_ones()) == [
        ("P-00000001", "2026-05-12"),
        ("P-00000001", "2026-05-13"),
        ("P-00000002", "2026-05-12"),
    ]


def test_a_weaker_signal_does_not_weaken_the_alert(alerts: Alerts) -> None:
    alerts.raise_or_grow(replace(SIGNAL, severity="high"))
    assert alerts.raise_or_grow(replace(SIGNAL, severity="low", event_ids=("event-2",))).severity == "high"


def test_the_same_signal_again_changes_nothing(alerts: Alerts, record: list[Event]) -> None:
    before = alerts.raise_or_grow(SIGNAL)
    after = alerts.raise_or_grow(SIGNAL)
    assert (after.revision, len(record)) == (before.revision, 1)


def test_every_change_is_a_new_revision_and_reading_is_none(alerts: Alerts) -> None:
    assert alerts.revision() == 0
    seen = []
    alert = alerts.raise_or_grow(SIGNAL)
    seen.append(alerts.revision())
    alerts.raise_or_grow(replace(SIGNAL, pseudonym="P-00000002"))
    seen.append(alerts.revision())
    alerts.raise_or_grow(replace(SIGNAL, event_ids=("event-2",)))
    seen.append(alerts.revision())
    alerts.look(alert.id, "P-99999999")
    seen.append(alerts.revision())
    alerts.close(alert.id, "explained", "P-99999999")
    seen.append(alerts.revision())
    assert seen == sorted(set(seen))
    alerts.list()
    alerts.notified(alert.id, NOW)
    assert alerts.revision() == seen[-1]


def test_a_reason_keeps_a_bounded_number_of_events_and_its_numbers_grow_on(alerts: Alerts) -> None:
    for number in range(0, EVENT_IDS_MAX + 100, 50):
        events = tuple(f"event-{place}" for place in range(number, number + 50))
        alert = alerts.raise_or_grow(replace(SIGNAL, numbers={"asked": number}, event_ids=events))
    assert len(alert.event_ids["mass_export:export_stopped"]) == EVENT_IDS_MAX
    assert alert.numbers["mass_export:export_stopped"]["asked"] == EVENT_IDS_MAX + 50


def test_closing_keeps_the_verdict_and_the_words_stay_out_of_the_record(alerts: Alerts, record: list[Event]) -> None:
    alert = alerts.raise_or_grow(SIGNAL)
    closed = alerts.close(alert.id, "explained", "P-99999999", "Serienbrief, mit Frau Meier abgesprochen")
    assert (closed.state, closed.closed_by, closed.note) == ("explained", "P-99999999", "Serienbrief, mit Frau Meier abgesprochen")
    assert alerts.open_ones() == []
    assert [row.id for row in alerts.list()] == [alert.id]
    assert record[-1].action is EventAction.ALERT_CLOSED
    assert record[-1].pseudonym == "P-99999999"
    assert record[-1].document["torwart"]["words"]["verdict"] == "explained"
    assert b"Meier" not in record[-1].canonical()
    long = alerts.raise_or_grow(replace(SIGNAL, event_ids=("event-2",)))
    assert len(alerts.close(long.id, "false", None, "x" * 10_000).note or "") == NOTE_MAX


def test_a_closed_alert_is_not_closed_again_and_an_unknown_verdict_is_none(alerts: Alerts) -> None:
    alert = alerts.raise_or_grow(SIGNAL)
    with pytest.raises(AlertError, match="no verdict"):
        alerts.close(alert.id, "open", "P-99999999")
    alerts.close(alert.id, "false", "P-99999999")
    with pytest.raises(AlertError, match="closed already"):
        alerts.close(alert.id, "confirmed", "P-99999999")
    with pytest.raises(AlertError, match="closed already"):
        alerts.look(alert.id, "P-99999999")
    for act in (lambda: alerts.close("nothing", "false", None), lambda: alerts.notified("nothing", NOW)):
        with pytest.raises(AlertError, match="there is no alert"):
            act()
    assert alerts.get("nothing") is None


def test_after_closing_something_new_opens_another_alert_and_the_same_does_not(alerts: Alerts) -> None:
    first = alerts.raise_or_grow(SIGNAL)
    alerts.close(first.id, "explained", "P-99999999")
    assert alerts.raise_or_grow(SIGNAL).id == first.id
    second = alerts.raise_or_grow(replace(SIGNAL, event_ids=("event-2",)))
    assert second.id != first.id
    assert [alert.id for alert in alerts.open_ones()] == [second.id]


def test_one_that_is_looked_at_goes_on_growing(alerts: Alerts) -> None:
    alert = alerts.raise_or_grow(SIGNAL)
    assert alerts.look(alert.id, "P-99999999").state == "looking"
    grown = alerts.raise_or_grow(replace(SIGNAL, event_ids=("event-2",)))
    assert (grown.id, grown.state) == (alert.id, "looking")


def test_the_most_severe_come_first_and_then_the_newest(alerts: Alerts) -> None:
    for person, severity, hours in (("P-1", "low", 3), ("P-2", "high", 1), ("P-3", "high", 2), ("P-4", "medium", 0)):
        alerts.raise_or_grow(replace(SIGNAL, pseudonym=person, severity=severity, at=NOW + timedelta(hours=hours)))
    assert [alert.pseudonym for alert in alerts.open_ones()] == ["P-3", "P-2", "P-4", "P-1"]
    assert [alert.pseudonym for alert in alerts.list()] == ["P-1", "P-3", "P-2", "P-4"]


def test_what_cannot_be_recorded_does_not_happen(engine: Engine) -> None:
    def full(event: Event) -> None:
        raise SpoolError("no space")

    alerts = Alerts(engine, full)
    with pytest.raises(SpoolError):
        alerts.raise_or_grow(SIGNAL)
    assert alerts.list() == []
    opened = Alerts(engine, lambda event: None).raise_or_grow(SIGNAL)
    for act in (
        lambda: alerts.raise_or_grow(replace(SIGNAL, event_ids=("event-2",))),
        lambda: alerts.close(opened.id, "false", None),
        lambda: alerts.look(opened.id, "P-99999999"),
    ):
        with pytest.raises(SpoolError):
            act()
    after = alerts.get(opened.id)
    assert after is not None
    assert (after.state, after.event_ids, after.revision) == (opened.state, opened.event_ids, opened.revision)


def test_a_severity_that_is_none_is_refused(alerts: Alerts) -> None:
    with pytest.raises(ValueError, match="no severity"):
        alerts.raise_or_grow(replace(SIGNAL, severity="urgent"))


def test_signals_from_many_threads_lose_nothing(engine: Engine, tmp_path: Path) -> None:
    other = open_database(tmp_path / "torwart.db")
    both = (Alerts(engine, lambda event: None), Alerts(other, lambda event: None))

    def signal(number: int) -> None:
        both[number % 2].raise_or_grow(
            replace(SIGNAL, reason=f"reason-{number % 5}", numbers={"asked": number}, event_ids=(f"event-{number}",))
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(signal, range(60)))
    (alert,) = both[0].open_ones()
    assert {event for events in alert.event_ids.values() for event in events} == {f"event-{number}" for number in range(60)}
    assert sorted(numbers["asked"] for numbers in alert.numbers.values()) == [55, 56, 57, 58, 59]
    assert alert.revision == 60
    other.dispose()


SIGNALS = st.lists(
    st.builds(
        Signal,
        rule=st.sampled_from(["a", "b"]),
        pseudonym=st.just("P-00000001"),
        at=st.just(NOW),
        severity=st.sampled_from(["low", "medium", "high"]),
        reason=st.sampled_from(["x", "y"]),
        numbers=st.dictionaries(st.sampled_from(["n", "m"]), st.integers(0, 9) | st.sampled_from(["one", "1.5"])),
        event_ids=st.lists(st.sampled_from(["1", "2", "3"])).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


@given(SIGNALS)
def test_no_order_of_signals_loses_a_reason_an_event_or_the_highest_number(signals: list[Signal]) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    alerts = Alerts(engine, lambda event: None)
    for signal in signals:
        alert = alerts.raise_or_grow(signal)
    assert set(alert.reasons) == set(alert.numbers) == set(alert.event_ids) == {signal.mark for signal in signals}
    assert set(alert.rules) == {signal.rule for signal in signals}
    assert alert.severity == max((signal.severity for signal in signals), key=["low", "medium", "high"].index)
    for signal in signals:
        assert set(signal.event_ids) <= set(alert.event_ids[signal.mark])
        assert set(signal.numbers) <= set(alert.numbers[signal.mark])
    engine.dispose()


def test_the_database_itself_forbids_a_second_open_alert(engine: Engine) -> None:
    (index,) = [index for index in inspect(engine).get_indexes("alerts") if index["name"] == "ix_alerts_one_open_per_day"]
    assert index["unique"]
    assert index["column_names"] == ["pseudonym", "day"]
