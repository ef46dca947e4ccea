"""The section `record` of the configuration: how much disk the producers' own records take, and for how long."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from audit_store.replica import AGENT_BYTES
from audit_store.spool_room import CAP_BYTES
from audit_store.spool_trim import KEPT_DAYS

SECTION = "record"
_LEAST_BYTES = 16 * 1024**2


class RecordSettings(BaseModel):
    """Limits of the spools, in which every process records before it releases anything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spool_bytes: int = Field(default=CAP_BYTES, ge=_LEAST_BYTES)
    """The most that one process's spool may take. At 80 % there is an alarm; when it is full nothing is released, until there is room."""
    spool_days: int = Field(default=KEPT_DAYS, ge=KEPT_DAYS, le=3_650)
    """How long events stay in a spool that the log has: what a store further on loses in that time can be sent again."""
    agent_bytes: int = Field(default=AGENT_BYTES, ge=_LEAST_BYTES)
    """The most that one agent's record may take on the server's disk; more is refused with 507 and an alarm."""
