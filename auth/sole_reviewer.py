"""A firm in which one person alone could say yes: delay and a notice to an address outside stand for the second person."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class SoleReviewer(BaseModel):
    """The section `sole_reviewer`. Without it, what needs a second person waits until there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")]
    """Mail address outside the house, for example of the tax adviser: told of each request before it can be approved. Nothing is approved
    while the mail is not handed over."""
    delay_hours: Annotated[float, Field(gt=0, le=720, allow_inf_nan=False)] = 24.0
    """How long after the notice the one person may say yes, with the own key."""
