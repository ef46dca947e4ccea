"""What may go out after its person has confirmed it: stopped, confirmed with the key, sent again, let out once (`docs/step-up.md`).

No page of ours is there to hold a request open, and nothing is kept to be sent later: the person sends the same content again. What is
confirmed is this person, this server, this content and the clients in it; anything else is another act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from auth.act import ONLY_THE_KEY, Summary, act_digest
from auth.stepup import StepUp, TooManyOpenError
from gateway.forward.framing import Asked
from gateway.forward.uploads import boundary
from policies import reasons
from policies.decision import Challenge
from policies.needs import RequirementKind, key_asked, to_ask
from policies.reasons import Reason
from policies.request import AccessRequest, KeyProof

MAX_PARTS = 10_000
"""Of a form with more, the line between the parts is content like the rest: as many as the scanner reads of one archive."""


@dataclass(frozen=True, slots=True)
class Confirmations:
    """The acts of the way out; one for a process and its event loop."""

    stepup: StepUp
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Ten repeats of an upload at once open one act: the second looks for it only when the first has opened it."""

    def given(self, question: AccessRequest, digest: str) -> KeyProof | None:
        """The proof of an act that was confirmed, once; None: nobody has confirmed this."""
        person = question.principal
        found = self.stepup.take_matching(person.id, person.session_id or "", digest)
        return found[1] if found is not None and isinstance(found[1], KeyProof) else None  # of an upload a code is no proof

    async def ask(self, question: AccessRequest, challenge: Challenge, digest: str, held: Callable[[], Awaitable[object]]) -> str | None:
        """The number of the act that waits for the person; None: three wait already.

        `held` records it, before anybody hears of it. Raises what `held` raises: then nothing was opened.
        """
        reason = challenge.reasons[0].reason if challenge.reasons else reasons.NOT_FOR_YOU
        summary = summary_of(question, challenge, reason)
        return await self.hold(question, digest, summary, to_ask(challenge.need) or ONLY_THE_KEY, held)

    async def hold(
        self,
        question: AccessRequest,
        digest: str,
        summary: Summary,
        asks: frozenset[RequirementKind],
        held: Callable[[], Awaitable[object]],
        begun: Callable[[str], object] | None = None,
    ) -> str | None:
        """As `ask`, for what the summary says. `begun` is told the number of an act that was opened now, before anybody hears of it."""
        person = question.principal
        async with self.opening:
            waiting = self.stepup.open_of(person.id, person.session_id or "")
            known = next((act for act in waiting if act.digest == digest), None)
            if known is not None:
                return known.id
            await held()
            try:
                act = self.stepup.open(
                    principal=person,
                    digest=digest,
                    summary=summary,
                    ids=question.resource.ids or (),
                    fields=(),
                    act_id=question.act_id,
                    asks=asks,
                )
            except TooManyOpenError:
                return None
            if begun is not None:
                begun(act.id)
            return act.id


def summary_of(question: AccessRequest, challenge: Challenge, reason: Reason, values: Mapping[str, int | str] | None = None) -> Summary:
    """What the person is shown. `values` for the reason's sentence: none that tells how many clients were recognised (attacks X11)."""
    return Summary(
        action=question.action.value,
        asked=challenge.asked,
        allowed=challenge.allowed,
        fields=(),
        destination=f"{question.context.channel.value}:{question.context.destination}",
        reason_code=reason.code,
        warnings=tuple(warning.reason.code for warning in challenge.warnings),
        key_class=key_asked(challenge.need).value,
        reason_values=values or {},
    )


def may_ask(asked: Asked) -> bool:
    """Whether a person can have meant this request and can be told about it: no picture, no frame, nothing fetched ahead (attacks X16).

    A page's own script may have sent it: that an upload by script is none of a person's cannot be seen here.
    """
    if asked.upgrade or "prefetch" in (asked.header("sec-purpose") or asked.header("purpose") or ""):
        return False
    return asked.header("sec-fetch-dest") in (None, "empty", "document") and asked.header("sec-fetch-mode") != "no-cors"


async def act_of(question: AccessRequest, asked: Asked, body: bytes) -> str:
    """The digest of exactly this act: person, upload, server, content, and the clients that were recognised."""
    content = await asyncio.to_thread(_content, asked, body)
    return act_digest(
        person_id=question.principal.id,
        action=question.action.value,
        ids=question.resource.ids or (),
        fields=(),
        destination=f"{asked.scheme}://{asked.host}:{asked.port} {content}",
    )


def _content(asked: Asked, body: bytes) -> str:
    """SHA-256, hexadecimal, of the body, or of the target where there is none.

    Of a form without the line between its parts: browsers make up a new one each time the same form is sent.
    """
    hashed = sha256(b"torwart content 1")
    for part in _parts(asked, body):  # each with its length: no two contents can give the same bytes
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()


def _parts(asked: Asked, body: bytes) -> Iterator[bytes | memoryview]:
    if not body:
        yield b"target"
        yield asked.target.encode("ascii")
        return
    mark = boundary(asked)
    line = b"\r\n--" + (mark or b"")
    if mark is None or body.count(line) > MAX_PARTS:
        yield b"body"
        yield body
        return
    seen, start = memoryview(body), 0
    if body.startswith(line[2:]):  # as browsers begin: nothing stands before the first part
        yield b"form"
        start = len(line) - 2
    else:
        yield b"form with a preamble"
    while (end := body.find(line, start)) >= 0:
        yield seen[start:end]
        start = end + len(line)
    yield seen[start:]
