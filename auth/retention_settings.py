"""The section `retention` of the configuration: how long the record keeps what, and whose events stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from audit_store.looks import PSEUDONYM
from audit_store.retention import DEFAULT_DAYS, LEAST_DAYS, Kept
from auth.config_file import ConfigError, Sections
from auth.record_settings import RecordSettings

SECTION = "retention"
_MOST_DAYS = 36_500


def _days(kept: Kept) -> Any:
    return Field(default=DEFAULT_DAYS[kept], ge=LEAST_DAYS[kept], le=_MOST_DAYS)


class RetentionSettings(BaseModel):
    """After so many days the content of an event is taken out of the record; its place and its hash stay. `null`: it is kept for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reading_days: int | None = _days(Kept.READING)
    """Ordinary reading in the CRM that was let through, and files that an agent saw."""
    evidence_days: int | None = _days(Kept.EVIDENCE)
    """Exports, changes, uploads, copied files, what was denied, held or confirmed, alerts, keys, people and rules."""
    sign_ins_days: int | None = _days(Kept.SIGN_INS)
    """Sign-ins and sign-outs."""
    looks_days: int | None = _days(Kept.LOOKS)
    """Who looked at what is stored about whom."""
    trouble_days: int | None = _days(Kept.TROUBLE)
    """How Torwart itself is doing: starts, self-tests, calls that could not be read."""
    hold: tuple[str, ...] = ()
    """Pseudonyms of people whose events all stay, for example because of a lawsuit. Where an alert is open they stay by themselves."""

    @field_validator("hold", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("hold")
    @classmethod
    def _pseudonyms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PSEUDONYM.fullmatch(one) for one in value):
            raise ValueError("names pseudonyms such as P-7F3A91C2: `torwart people list` shows them")
        return value

    @property
    def days(self) -> Mapping[Kept, int]:
        """Days of the classes that are not kept for ever."""
        found = {kept: getattr(self, f"{kept.value}_days") for kept in Kept}
        return {kept: days for kept, days in found.items() if days is not None}


def read_retention(sections: Sections, record: RecordSettings) -> RetentionSettings:
    """The section of a configuration file; without it the defaults hold. Raises ConfigError.

    A spool must not keep longer than the log what is over: it gives up its oldest events only.
    """
    settings = sections.parse(SECTION, RetentionSettings)
    short = {kept: days for kept, days in settings.days.items() if days < record.spool_days}
    if short:
        member = f"{min(short, key=lambda kept: short[kept]).value}_days"
        line = sections.line(SECTION, member) if SECTION in sections else sections.line("record", "spool_days")
        raise ConfigError(
            [f"{sections.path}:{line}: retention.{member} is shorter than record.spool_days ({record.spool_days}) — lower spool_days"]
        )
    return settings
