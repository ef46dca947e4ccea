"""Times in the tables."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from audit_store.moments import EPOCH, Moment, microseconds


@pytest.mark.parametrize(
    "at", [EPOCH, datetime(2026, 5, 12, 8, 30, 0, 123456, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_a_time_survives_to_the_microsecond(at: datetime) -> None:
    column = Moment()
    assert column.process_result_value(column.process_bind_param(at, None), None) == at


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    berlin = timezone(timedelta(hours=2))
    assert microseconds(datetime(2026, 5, 12, 10, tzinfo=berlin)) == microseconds(datetime(2026, 5, 12, 8, tzinfo=UTC))


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        microseconds(datetime(2026, 5, 12, 8))  # noqa: DTZ001 -- the fault that is tested


def test_no_time_stays_no_time() -> None:
    assert Moment().process_bind_param(None, None) is None
    assert Moment().process_result_value(None, None) is None
