"""Typed values of Tryton's JSON: what goes in comes out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.crm.profiles.tryton_values import from_json, to_json


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"__class__": "Decimal", "decimal": "1234.50"}, Decimal("1234.50")),
        ({"__class__": "date", "year": 2026, "month": 5, "day": 12}, date(2026, 5, 12)),
        ("text", "text"),
        (7, 7),
        (1.5, 1.5),
        (True, True),
        (None, None),
    ],
)
def test_a_value_is_read_and_written_as_tryton_does_it(said: Any, value: object) -> None:
    assert from_json(said) == value
    assert to_json(value) == said


def test_a_time_loses_its_time_of_day_as_every_mask_on_it_does() -> None:
    day = {"__class__": "datetime", "year": 2026, "month": 5, "day": 12}
    midnight = dict.fromkeys(("hour", "minute", "second", "microsecond"), 0)
    assert from_json(day | {"hour": 13, "minute": 14, "second": 15, "microsecond": 16}) == datetime(2026, 5, 12, tzinfo=UTC).replace(
        tzinfo=None
    )
    assert to_json(from_json(day)) == day | midnight


def test_a_large_number_is_written_without_an_exponent() -> None:
    assert to_json(Decimal("1E+3")) == {"__class__": "Decimal", "decimal": "1000"}


@pytest.mark.parametrize(
    "said",
    [
        {"__class__": "Decimal", "decimal": "many"},
        {"__class__": "Decimal", "decimal": 7},
        {"__class__": "date", "year": 2026, "month": 13, "day": 1},
        {"__class__": "date", "year": 10**30, "month": 1, "day": 1},
        {"__class__": "timedelta", "seconds": 7},
        {"__class__": "date"},
        {},
        {"year": 2026, "month": 5, "day": 12},
    ],
)
def test_what_is_none_stays_as_it_is(said: Any) -> None:
    assert from_json(said) is said
