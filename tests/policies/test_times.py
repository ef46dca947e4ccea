"""Points in time, lengths of time, zones and office hours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.times import (
    LONGEST,
    UnreadableError,
    clock,
    duration,
    from_unix,
    in_range,
    local,
    milliseconds,
    timestamp,
    unix_seconds,
    whole_units,
    within_hours,
    zone,
)

BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("2026-05-12T08:30:00Z", datetime(2026, 5, 12, 8, 30, tzinfo=UTC)),
        ("2026-05-12T08:30:00.25+02:00", datetime(2026, 5, 12, 6, 30, 0, 250_000, UTC)),
        ("2024-02-29T23:59:59.123456-00:30", datetime(2024, 3, 1, 0, 29, 59, 123_456, UTC)),
        ("2026-05-12T08:30:00.123456000Z", datetime(2026, 5, 12, 8, 30, 0, 123_456, UTC)),
    ],
)
def test_a_point_in_time_is_read_and_is_in_utc(text, is_read):
    assert timestamp(text) == is_read
    assert timestamp(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-05-12", "2026-05-12T08:30Z", "2026-05-12 08:30:00Z", "2026-05-12T08:30:00", "20260512T083000Z"),
        *("2026-02-30T00:00:00Z", "2026-05-12T24:00:00Z", "2026-05-12T08:30:60Z", "2026-05-12T08:30:00.1234567Z"),
        *(
            "2026-05-12T08:30:00+2:00",
            "2026-05-12T08:30:00+25:00",
            "٢٠٢٦-05-12T08:30:00Z",
            "2026-05-12T08:30:00Z\n",
            "0000-01-01T00:00:00Z",
        ),
    ],
)
def test_what_is_no_point_in_time_says_how_one_is_written(text):
    with pytest.raises(UnreadableError) as error:
        timestamp(text)
    assert "2026-05-12T08:30:00Z" in error.value.hint


def test_a_zone_leads_out_of_the_calendar():
    with pytest.raises(OverflowError):
        timestamp("0001-01-01T00:30:00+01:00")


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("8h", timedelta(hours=8)),
        ("1h30m", timedelta(minutes=90)),
        ("-1.5s", timedelta(seconds=-1.5)),
        ("0", timedelta()),
        ("-0", timedelta()),
        ("250us", timedelta(microseconds=250)),
        ("1000ns", timedelta(microseconds=1)),
        ("0.000001s", timedelta(microseconds=1)),
        ("1s1h", timedelta(seconds=3601)),
        ("87660000h", LONGEST),
    ],
)
def test_a_length_of_time_is_read(text, is_read):
    assert duration(text) == is_read


@pytest.mark.parametrize(
    "text", ["", "8", "h", "1 h", "1d", "+1s", "1h-30m", ".5h", "1.h", "1µs", "inf", "1ns", "0.0000001s", "1h\n", "٣h"]
)
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(UnreadableError):
        duration(text)


def test_no_length_of_time_is_beyond_ten_thousand_years():
    with pytest.raises(OverflowError):
        duration("87660000h1s")
    with pytest.raises(OverflowError):
        duration("999999999999999999h")
    with pytest.raises(OverflowError):
        in_range(LONGEST + timedelta(microseconds=1))
    assert in_range(-LONGEST) == -LONGEST


@given(st.timedeltas(-LONGEST, LONGEST))
def test_whole_units_are_counted_towards_zero(length):
    assert whole_units(timedelta(hours=1))(length) == int(length / timedelta(hours=1))
    assert whole_units(timedelta(seconds=1))(length) * 1000 + milliseconds(length) == whole_units(timedelta(milliseconds=1))(length)


@given(st.datetimes(timezones=st.just(UTC)))
def test_seconds_lead_back_to_the_point_in_time(at):
    assert from_unix(unix_seconds(at)) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("UTC", 0),
        ("Europe/Berlin", 2),
        ("+02:00", 2),
        ("02:00", 2),
        ("-05:30", -5.5),
        ("Asia/Kolkata", 5.5),
        ("America/New_York", -4),
        ("+14:00", 14),
    ],
)
def test_a_zone_is_a_place_or_an_offset(name, hours):
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert local(at, zone(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Belin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("", "UTC"),
        ("../etc/passwd", ""),
        ("Europe", ""),
        ("localtime", ""),
        ("zone.tab", ""),
        ("Europe/" + "x" * 5_000, ""),
        ("+2", ""),
        ("+15:00", ""),
        ("+02:60", ""),
        ("\0", ""),
    ],
)
def test_what_is_no_zone_is_refused_with_the_nearest(name, hint):
    with pytest.raises(UnreadableError) as error:
        zone(name)
    assert hint in error.value.hint


def test_a_time_without_a_zone_is_not_that_of_the_machine():
    with pytest.raises(ValueError, match="zone"):
        local(datetime(2026, 5, 12, 12))  # noqa: DTZ001 -- that is the fault


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("08:30", 510), ("23:59", 1439), ("24:00", 1440)])
def test_a_time_of_day_is_read(text, minutes):
    assert clock(text) == minutes


@pytest.mark.parametrize("text", ["8:00", "24:01", "25:00", "12:60", "12", "", "12:00 ", "١٢:00"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(UnreadableError):
        clock(text)


def within(moment, start, end, place=BERLIN):
    return within_hours(timestamp(moment), clock(start), clock(end), place)


def test_the_start_is_within_and_the_end_is_not():
    assert [within(f"2026-05-12T{hour}Z", "08:00", "18:00") for hour in ("05:59:59", "06:00:00", "15:59:59", "16:00:00")] == [
        False,
        True,
        True,
        False,
    ]


def test_hours_go_over_midnight():
    hours = ("19:59:59", "20:00:00", "22:30:00", "03:59:59", "04:00:00")
    assert [within(f"2026-05-12T{hour}Z", "22:00", "06:00") for hour in hours] == [False, True, True, True, False]
    assert within("2026-05-12T21:59:59Z", "18:00", "24:00")
    assert not within("2026-05-12T22:00:00Z", "18:00", "24:00")


def test_clocks_are_those_of_the_place_in_summer_and_winter():
    assert within("2026-07-01T06:30:00Z", "08:00", "09:00")
    assert not within("2026-01-15T06:30:00Z", "08:00", "09:00")
    assert within("2026-01-15T07:30:00Z", "08:00", "09:00")
    spring = [within(f"2026-03-29T{hour}:30:00Z", "02:00", "03:00") for hour in ("00", "01")]
    assert spring == [False, False]  # on that day no clock in Berlin shows half past two
    autumn = [within(f"2026-10-25T{hour}:30:00Z", "02:00", "03:00") for hour in ("00", "01")]
    assert autumn == [True, True]  # and on this day it does so twice


MINUTES = st.integers(0, 1439)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), MINUTES, MINUTES)  # noqa: DTZ001 -- bounds have none
def test_outside_of_hours_is_within_the_others(at, start, end):
    if start != end:
        assert within_hours(at, start, end, BERLIN) is not within_hours(at, end, start, BERLIN)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.integers(-14, 14))  # noqa: DTZ001
def test_an_offset_is_that_far_from_utc(at, hours):
    name = f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    assert local(at, zone(name)) == at
    assert local(at, zone(name)).replace(tzinfo=UTC) - at == timedelta(hours=hours)
    assert zone(name) == timezone(timedelta(hours=hours))
