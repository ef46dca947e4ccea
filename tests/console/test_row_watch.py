"""The look at all rows: it fails while one is forged, and asks the database only now and then."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from audit_store.event import EventAction
from auth.row_alarms import ForgedRowsError, RowAlarms
from auth.tables import Person
from console.row_watch import LOOK_EVERY, RowWatch
from tests.services.house import House


def test_it_fails_while_a_row_is_forged_and_tells_once(house: House, anna: Person) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    watch = RowWatch(RowAlarms(house.engine, house.events, house.pseudonyms), lambda: now[0])
    watch.step()
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE people SET team = 'north'"))
    watch.step()
    assert house.events.of(EventAction.AUTHORITY_ALARM) == [], "it was not time to look again"
    for _ in range(3):
        now[0] += LOOK_EVERY / 2 + timedelta(seconds=1)
        try:
            watch.step()
        except ForgedRowsError:
            continue
    with pytest.raises(ForgedRowsError):
        watch.step()
    assert len(house.events.of(EventAction.AUTHORITY_ALARM)) == 1
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE people SET team = NULL"))
    now[0] += LOOK_EVERY
    watch.step()
