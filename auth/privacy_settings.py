"""Who is told when a name behind a pseudonym is shown, and for how long it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PrivacySettings(BaseModel):
    """The section `privacy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    officer: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")] | None = None
    """Mail address of the data-protection officer: told of every name that two people have revealed."""
    reveal_hours: Annotated[float, Field(gt=0, le=720, allow_inf_nan=False)] = 24.0
    """How long a revealed name is shown to the reviewer who asked, for the case that was named."""
