"""Tryton's typed values in JSON: numbers with decimals, dates and times, as Python knows them, and back."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, DecimalException
from typing import Any


def from_json(value: Any) -> object:
    """The Decimal, date or datetime that a value stands for; any other value as it is, and what is broken too."""
    if type(value) is not dict:
        return value
    try:
        match value:
            case {"__class__": "Decimal", "decimal": str(number)}:
                return Decimal(number)
            case {"__class__": "date", "year": int(year), "month": int(month), "day": int(day)}:
                return date(year, month, day)
            case {"__class__": "datetime", "year": int(year), "month": int(month), "day": int(day)}:
                return datetime(year, month, day)  # noqa: DTZ001 -- as Tryton has it; no mask leaves a time of day
    except (ValueError, OverflowError, DecimalException):
        return value
    return value


def to_json(value: object) -> Any:
    """A Decimal, date or datetime as Tryton writes it; any other value as it is."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": f"{value:f}"}
        case datetime():
            time = {name: getattr(value, name) for name in ("hour", "minute", "second", "microsecond")}
            return {"__class__": "datetime", "year": value.year, "month": value.month, "day": value.day, **time}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value
