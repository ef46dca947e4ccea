"""Points in time, lengths of time and office hours in conditions: read, calculated with and taken apart as in CEL.

Two limits of our own: nothing is finer than a microsecond, and a time without a zone is an error, never the zone of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
LONGEST = timedelta(seconds=315_576_000_000)
"""Ten thousand years: `google.protobuf.Duration` holds no more, so neither does CEL."""

_DAY, _HOUR, _SIXTY = r"\d{4}-\d\d-\d\d", r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_TIMESTAMP = re.compile(f"{_DAY}T{_HOUR}:{_SIXTY}:{_SIXTY}(?P<fraction>[.][0-9]+)?(?:Z|[+-]{_HOUR}:{_SIXTY})", re.ASCII)
_DURATION = re.compile(r"-?(?:\d{1,18}(?:\.\d{1,18})?(?:h|ms|us|ns|m|s))+|-?0", re.ASCII)
_PIECE = re.compile(r"(\d+)(?:\.(\d+))?(h|ms|us|ns|m|s)", re.ASCII)
_NANOSECONDS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<hours>\d\d):(?P<minutes>[0-5]\d)", re.ASCII)
_PLACE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
"""Names of places begin large; `localtime` and the like are files beside them, and differ from machine to machine."""
_CLOCK = re.compile(r"(?P<hours>[01]\d|2[0-3]):(?P<minutes>[0-5]\d)|24:00", re.ASCII)
_LAST_OFFSET_HOURS = 14
"""No place on earth is further from UTC."""


class UnreadableError(ValueError):
    """A text is not what it should be. `hint` says how it would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def timestamp(text: str) -> datetime:
    """The point in time of an RFC 3339 text, in UTC. Raises UnreadableError, or OverflowError outside of the years 1 to 9999."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None or len((match["fraction"] or "").rstrip("0")) > len(".123456"):
        raise UnreadableError("this is not a point in time", "for example 2026-05-12T08:30:00Z or 2026-05-12T08:30:00.25+02:00")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableError("there is no such day or hour", "for example 2026-05-12T08:30:00Z") from None
    return read.astimezone(UTC)


def duration(text: str) -> timedelta:
    """The length of time of a text like `8h` or `1h30m`. Raises UnreadableError, or OverflowError beyond ten thousand years."""
    if _DURATION.fullmatch(text) is None:
        raise UnreadableError("this is not a length of time", 'for example "8h", "90s" or "1h30m"; a day is "24h"')
    nanoseconds = 0
    for number, fraction, unit in _PIECE.findall(text):
        parts, rest = divmod(int(number + fraction) * _NANOSECONDS[unit], 10 ** len(fraction))
        nanoseconds += parts
        if rest:
            raise UnreadableError("this is finer than a microsecond", "write at most six digits after the point of a second")
    microseconds, rest = divmod(nanoseconds, 1_000)
    if rest:
        raise UnreadableError("this is finer than a microsecond", "write at most six digits after the point of a second")
    if microseconds > LONGEST // MICROSECOND:
        raise OverflowError("a duration is longer than 10,000 years")
    return timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)


def in_range(length: timedelta) -> timedelta:
    """The length of time, if CEL can hold it. Raises OverflowError."""
    if not -LONGEST <= length <= LONGEST:
        raise OverflowError("a duration is longer than 10,000 years")
    return length


def zone(text: str) -> tzinfo:
    """The time zone of a name of the IANA data base or of a fixed offset like `+02:00`. Raises UnreadableError."""
    offset = _OFFSET.fullmatch(text)
    if offset is not None and int(offset["hours"]) <= _LAST_OFFSET_HOURS:
        away = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-away if offset["sign"] == "-" else away)
    if _PLACE.fullmatch(text) is not None:
        try:
            return ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            pass  # said below, with the nearest name
    near = get_close_matches(text, _names(), n=1)
    raise UnreadableError("there is no such time zone", f"did you mean {near[0]}?" if near else "for example Europe/Berlin, UTC or +02:00")


@cache
def _names() -> frozenset[str]:
    """All of them: it takes a walk through hundreds of files, so only a mistake costs it."""
    return frozenset(available_timezones())


def clock(text: str) -> int:
    """Minutes since midnight of a time of day, `00:00` to `24:00`. Raises UnreadableError."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise UnreadableError("this is not a time of day", "two digits each, for example 08:00 or 24:00")
    return 24 * 60 if match["hours"] is None else int(match["hours"]) * 60 + int(match["minutes"])


def local(at: datetime, place: tzinfo = UTC) -> datetime:
    """The point in time on the clocks of a place. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a point in time has no zone")
    return at.astimezone(place)


def within_hours(at: datetime, start: int, end: int, place: tzinfo) -> bool:
    """Whether the clocks of a place show `start` or later, but not yet `end`; an end before the start is that of the next day."""
    here = local(at, place)
    minute = here.hour * 60 + here.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def unix_seconds(at: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (local(at) - EPOCH) // SECOND


def from_unix(seconds: int) -> datetime:
    """The point in time so many seconds after 1970. Raises OverflowError outside of the years 1 to 9999."""
    return EPOCH + timedelta(seconds=seconds)


def whole_units(unit: timedelta) -> Callable[[timedelta], int]:
    """How often a unit fits into a length of time, towards zero."""
    return lambda length: length // unit if length >= timedelta() else -(-length // unit)


def milliseconds(length: timedelta) -> int:
    """The milliseconds beside the whole seconds, with the sign of the length of time."""
    part = abs(length) % SECOND // timedelta(milliseconds=1)
    return part if length >= timedelta() else -part
