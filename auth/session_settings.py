"""The section `sessions` of the configuration: how long a sign-in to Torwart's own pages lasts."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

SECTION = "sessions"


class SessionSettings(BaseModel):
    """Limits of a sign-in to Torwart's pages: one without use, one whatever happens. Then the key is asked for again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle_minutes: int = Field(default=60, ge=5, le=12 * 60)
    """A sign-in that was not used for so long is over."""
    hours: int = Field(default=8, ge=1, le=24)
    """A working day. NIST SP 800-63B-4, section 2.2.3, allows 24 hours where a second factor was asked for."""

    @property
    def idle(self) -> timedelta:
        return timedelta(minutes=self.idle_minutes)

    @property
    def lifetime(self) -> timedelta:
        return timedelta(hours=self.hours)
