"""Writing down: every record of the gateway goes through here, and returns when it is on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit_store.event import Event, refused_event
from audit_store.spool import Spool
from policies.reasons import Because
from policies.request import Principal


@dataclass(frozen=True, slots=True)
class Record:
    """Appends to this gateway's spool."""

    spool: Spool
    now: Callable[[], datetime]

    async def __call__(self, event: Event) -> None:
        """Raises SpoolError: then nothing may be released."""
        await self.spool.append_soon(event)

    async def refused(self, because: Because, act_id: str, route: str, principal: Principal | None) -> None:
        """A request that was refused before it could be judged; nothing reached the CRM. Raises SpoolError."""
        pseudonym = principal.pseudonym if principal else None
        await self.spool.append_soon(refused_event(at=self.now(), reason=because, route=route, pseudonym=pseudonym, act_id=act_id))
