"""The section `recovery` of the configuration: what happens when a key is lost."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

SECTION = "recovery"


class RecoverySettings(BaseModel):
    """How long a lost key takes to be replaced, and who hears of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_hours: float = Field(default=24, ge=1, le=24 * 14)
    """From the request to the new key: time for the person and the reviewers to say that it was not them."""
    in_person_delay_hours: float = Field(default=1, ge=0, le=24 * 14)
    """The same where the person stands before an administrator who opened it."""
    open_hours: float = Field(default=72, ge=1, le=24 * 14)
    """How long after the delay the new key can be registered; then it has to be asked for again."""
    break_glass_hours: float = Field(default=4, gt=0, le=24)
    """How long the code in the sealed envelope makes somebody an administrator."""
    tell: tuple[str, ...] = ()
    """Addresses outside the house that hear of every use of the envelope, beside all reviewers."""
