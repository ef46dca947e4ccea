"""Writing down: every record of the gateway goes through here, and returns when it is on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from audit_store.event import Event, Phase, access_event, refused_event
from audit_store.followers import Followers
from audit_store.gathered import Gathered
from audit_store.spool import Spool, SpoolError
from gateway.crm.profile import Delivered
from policies.decision import Decision
from policies.reasons import Because
from policies.request import AccessRequest, ClientId, Principal

_NONE: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """Appends to this gateway's spool. Every method raises SpoolError: then nothing may be released."""

    spool: Spool
    followers: Followers
    now: Callable[[], datetime]
    gathered: Gathered[_Refusal] = field(default_factory=Gathered)

    async def __call__(self, event: Event) -> None:
        """Any event; what it counts as was noted before."""
        self.followers.wrote(await self.spool.append_soon(event))

    async def act(
        self,
        question: AccessRequest,
        decision: Decision,
        phase: Phase,
        route: str,
        *,
        http_status: int | None = None,
        bytes_out: int = 0,
        event_id: str | None = None,
    ) -> None:
        """A phase of an act in which no client goes out. `event_id`: under which it was noted."""
        await self(
            access_event(
                request=question,
                at=self.now(),
                decision=decision,
                phase=phase,
                shown=_NONE,
                taken=_NONE,
                rows=0,
                fields=question.resource.fields,
                route=route,
                bytes_out=bytes_out,
                http_status=http_status,
                event_id=event_id,
            )
        )

    async def released(
        self,
        question: AccessRequest,
        decision: Decision,
        delivered: Delivered,
        route: str,
        *,
        manifest: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """What is about to go out, with its true numbers; an export with the digest of its bytes and the name of its manifest.

        `event_id`: under which it was noted.
        """
        body = delivered.response.body
        await self(
            access_event(
                request=question,
                at=self.now(),
                decision=decision,
                phase=Phase.RELEASED,
                shown=delivered.shown,
                taken=delivered.taken,
                rows=delivered.rows,
                fields=delivered.fields,
                route=route,
                bytes_out=len(body),
                digest=sha256(body).hexdigest() if manifest is not None else None,
                manifest=manifest,
                http_status=delivered.response.status,
                event_id=event_id,
            )
        )

    async def refused(self, because: Because, act_id: str, route: str, principal: Principal | None, source: str) -> str:
        """A request that was refused before it could be judged; nothing reached the CRM. The number of the act that the client is told.

        What comes again and again from the same person, or `source` where nobody is known, is counted (`audit_store.gathered`): it is
        told the number of the first one, whose event is on disk.
        """
        pseudonym = principal.pseudonym if principal else None
        about = _Refusal(because, act_id, route, pseudonym)
        road = (route, because.reason.code)
        first = self.gathered.first_of((pseudonym or source, *road), ("", *road), about, replace(about, pseudonym=None))
        if first is None:
            await self(about.event(self.now()))
        await self.count_out()
        return (first or about).act_id

    async def count_out(self, *, all_of_them: bool = False) -> None:
        """Record what was counted long enough."""
        for about, times in self.gathered.due(all_of_them=all_of_them):
            try:
                await self(about.event(self.now(), times))
            except SpoolError:
                self.gathered.again((about.pseudonym, about.route, about.because.reason.code, "late"), about, times)
                raise


@dataclass(frozen=True, slots=True)
class _Refusal:
    because: Because
    act_id: str
    route: str
    pseudonym: str | None

    def event(self, at: datetime, times: int | None = None) -> Event:
        return refused_event(at=at, reason=self.because, route=self.route, pseudonym=self.pseudonym, act_id=self.act_id, times=times)
