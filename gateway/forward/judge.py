"""The route of what goes out, from top to bottom: who, where to, what is in it, may it go, write it down, then let it go or say why not.

What may go once its person has confirmed it, or others have approved it, is stopped, too: the person sends it again, and then it goes
(`gateway.forward.confirm`, `gateway.forward.consents`).

No proxy library is known here. What is raised is a fault of ours, and the guard denies.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from audit_store.event import Content, Event, EventAction, ExportLink, Phase, access_event, plain_event, refused_event
from audit_store.followers import Followers
from audit_store.history import History
from audit_store.manifests import Manifests
from audit_store.spool import Spool, SpoolError
from audit_store.turns import Turns
from auth.directory import Directory
from detectors.marked import named_by_marks
from detectors.verdict import UNINSPECTABLE, Unread, Verdict
from gateway.channels.destinations import Destinations
from gateway.exchange import Response
from gateway.forward import framing
from gateway.forward.answers import Answers
from gateway.forward.confirm import Confirmations, act_of, may_ask
from gateway.forward.consents import Consent, Consents, Seen, asked_of_others, others_of, place_of
from gateway.forward.credentials import LogIns, barred
from gateway.forward.framing import Asked, FramingError, Wire
from gateway.forward.heads import Heads
from gateway.forward.places import NoSuchNameError, PlaceError, Places
from gateway.forward.reading import Scans, joined, read_upload, with_digest
from gateway.forward.uploads import HEAD, LARGE, RECORDED_BYTES, Shape, file_names, is_upload, shape
from gateway.unasked import unasked
from policies import reasons
from policies.decision import Allow, Challenge, Decision, Deny
from policies.engine import decide
from policies.needs import to_ask, whose
from policies.reasons import Because
from policies.request import AccessRequest, Action, ClientId, Context, Principal, Resource
from policies.rule import Policy

NOBODY: frozenset[ClientId] = frozenset()


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything the route needs, made once per process (`gateway.forward.assemble`)."""

    directory: Directory
    logins: LogIns
    places: Places
    destinations: Destinations
    scanner: Scans
    heads: Heads
    history: History
    followers: Followers
    turns: Turns
    manifests: Manifests
    policy: Callable[[], Policy]
    spool: Spool
    confirmations: Confirmations
    consents: Consents
    answers: Answers
    now: Callable[[], datetime]

    async def connect(self, connection_id: str, host: str, port: int, credential: str | None) -> Response | None:
        """A CONNECT: None lets the tunnel be opened, an answer refuses it."""
        self.directory.refresh()
        person = self.logins.person(connection_id, credential)
        if person is None:
            return await self._nobody(None, credential)
        return await self._refusal(None, person, host.lower(), port, tunnel=True)

    async def head(self, wire: Wire) -> Response | None:
        """The head of a request whose body is still to come: None lets the body be read."""
        asked = await self._admitted(wire)
        return asked if isinstance(asked, Response) else None

    async def request(self, wire: Wire, body: bytes, *, announced: int | None = None) -> Asked | Response:
        """Judge a whole request: itself if it may go out, else the answer. `announced`: bytes of a body that is too large to be read."""
        asked = await self._admitted(wire)
        if isinstance(asked, Response):
            return asked
        confirmable, file_digest = False, None
        if announced is not None:
            verdict, kind = Verdict(unread=(Unread.TOO_LARGE,), size=announced), LARGE
        elif not is_upload(asked, body):
            verdict, kind = await self.heads.read(asked, target=True), HEAD
            if not (verdict.clients or verdict.unread or verdict.marks):
                return asked
        else:
            kind = shape(asked, body)
            if body:
                parts, file_digest = await with_digest(self._parts(asked, body), body[kind.file])
            else:
                parts = await self._parts(asked, body)
            verdict = joined(parts)
            beside = parts[1:] if body else parts[-1:]  # no digest holds it, so nobody confirms what could not be read there
            confirmable = may_ask(asked) and not any(one.unread for one in beside)
        return await self._upload(asked, body, verdict, kind, file_digest, confirmable=confirmable) or asked

    async def message(self, asked: Asked, content: bytes) -> bool:
        """Judge one message of a WebSocket that `asked` opened: True lets it go on. What was not allowed is recorded.

        What a person would have to confirm first does not go on either: no page could say so, and a program does not send it again.
        """
        self.directory.refresh()
        if not content:
            return self._person(asked) is not None
        verdict, digest = await with_digest(self.scanner.scan(content), content)
        kind = Shape("message", None, named=False, file=slice(0, len(content)))
        return await self._upload(asked, content, verdict, kind, digest, confirmable=False) is None

    def place(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a place that was judged. Raises PlaceError."""
        return self.places.judged(host, port)

    def reached(self, host: str, port: int, peer: str, local: str | None) -> None:
        """Compare the peer that was really reached. Raises PlaceError."""
        self.places.admitted(host, port, peer, local)

    async def refused(self, what: str, connection_id: str | None = None) -> None:
        """Record what was stopped without a request that could be judged. Raises SpoolError."""
        pseudonym = self.logins.pseudonym(connection_id) if connection_id is not None else None
        reason = Because(reasons.PLACE_REFUSED, {"what": what})
        await self.spool.append_soon(refused_event(at=self.now(), reason=reason, route="proxy", pseudonym=pseudonym))

    async def unread_tunnel(self, connection_id: str, host: str, sent: int, received: int) -> None:
        """Record, at its end, a connection whose TLS went through unread: a blind spot has its bytes counted (law 12)."""
        numbers: dict[str, int | str] = {"host": host, "bytes_sent": sent, "bytes_received": received}
        pseudonym = self.logins.pseudonym(connection_id)
        await self.spool.append_soon(plain_event(EventAction.TUNNEL_UNREAD, at=self.now(), pseudonym=pseudonym, numbers=numbers))

    def disconnected(self, connection_id: str) -> None:
        """The client has gone."""
        self.logins.forget(connection_id)

    def withdrawn(self) -> Iterator[str]:
        """Connections that must end now, because their person may do nothing any more."""
        self.directory.refresh()
        return self.logins.withdrawn()

    # who, and where to

    async def _admitted(self, wire: Wire) -> Asked | Response:
        """A request as it is read, of who may send to where it goes; else the answer that refuses it."""
        self.directory.refresh()
        asked = await self._read(wire)
        if isinstance(asked, Response):
            return asked
        person = self.logins.person(asked.connection_id, asked.header("proxy-authorization"))
        if person is None:
            return await self._nobody(asked, asked.header("proxy-authorization"))
        return await self._refusal(asked, person, asked.host, asked.port, tunnel=asked.scheme == "https") or asked

    async def _read(self, wire: Wire) -> Asked | Response:
        try:
            return framing.read(wire)
        except FramingError as error:
            reason = reasons.PLACE_REFUSED if error.status == 403 else reasons.UNREADABLE
            return await self._refused(None, None, Because(reason, {"what": error.what}), status=error.status)

    def _person(self, asked: Asked) -> Principal | None:
        person = self.logins.person(asked.connection_id, asked.header("proxy-authorization"))
        return None if person is None or barred(person) else person

    async def _refusal(self, asked: Asked | None, person: Principal, host: str, port: int, *, tunnel: bool) -> Response | None:
        if barred(person):
            return await self._refused(asked, person, Because(reasons.FROZEN))
        try:
            await self.places.judge(host, port, tunnel=tunnel)
        except NoSuchNameError:
            return self.answers.nowhere(asked, person.language)
        except PlaceError as error:
            return await self._refused(asked, person, Because(reasons.PLACE_REFUSED, {"what": error.what}))
        return None

    async def _nobody(self, asked: Asked | None, credential: str | None) -> Response:
        """A browser asks once without a log-in: only one that was tried and is none is recorded."""
        act_id = secrets.token_urlsafe(16)
        if credential is not None:
            because = Because(reasons.NO_PRINCIPAL, {"what": "unknown proxy log-in"})
            await self.spool.append_soon(refused_event(at=self.now(), reason=because, route="proxy", act_id=act_id, http_status=407))
        return self.answers.log_in(asked)

    async def _refused(self, asked: Asked | None, person: Principal | None, because: Because, *, status: int | None = None) -> Response:
        act_id = secrets.token_urlsafe(16)
        pseudonym = person.pseudonym if person is not None else None
        language = person.language if person is not None else None
        answer = self.answers.stopped(asked, because, act_id, language, status=status)
        event = refused_event(at=self.now(), reason=because, route="proxy", pseudonym=pseudonym, act_id=act_id, http_status=answer.status)
        return await self._recorded(event, answer, asked, act_id, language)

    async def _recorded[A: Response | None](
        self, event: Event, answer: A, asked: Asked | None, act_id: str, language: str | None
    ) -> A | Response:
        """The answer when the event is on disk; else the one that nothing goes out unrecorded."""
        try:
            self.followers.wrote(await self.spool.append_soon(event))
        except SpoolError:
            return self.answers.stopped(asked, Because(reasons.NOT_RECORDED), act_id, language)
        return answer

    # what is in it, and may it go

    async def _parts(self, asked: Asked, body: bytes) -> list[Verdict]:
        """The verdicts on an upload: on its body, on its address where that carries content, last on its head."""
        return [*await read_upload(self.scanner, asked, body), await self.heads.read(asked, target=bool(body))]

    async def _upload(
        self, asked: Asked, body: bytes, verdict: Verdict, kind: Shape, file_digest: str | None, *, confirmable: bool
    ) -> Response | None:
        """The decision on something that was scanned: None lets it go out, and then it is recorded where it must be.

        `file_digest`: None where there is no body. `confirmable`: what was read is all of it, and the person can be told.
        """
        size = verdict.size if not body else len(body[kind.file])
        content = Content(size, file_digest, kind.extension, await self._exports(asked, verdict))
        person = self._person(asked)  # the scan took its time: a freeze acts now
        if person is None:
            return await self._nobody_now(asked)
        act_id = secrets.token_urlsafe(16)
        try:
            if not verdict.clients:
                return await self._judged(asked, body, verdict, kind, content, act_id, confirmable=confirmable)
            async with self.turns.of(person.pseudonym):
                return await self._judged(asked, body, verdict, kind, content, act_id, confirmable=confirmable)
        except SpoolError:
            return self.answers.stopped(asked, Because(reasons.NOT_RECORDED), act_id, person.language)

    async def _judged(
        self, asked: Asked, body: bytes, verdict: Verdict, kind: Shape, content: Content, act_id: str, *, confirmable: bool
    ) -> Response | None:
        """Judge, count and record; where clients would go out, in the turn of their person. Raises SpoolError."""
        await self.followers.take_over()
        asking = self._asking(asked, act_id, verdict)
        if asking is None:
            return await self._nobody_now(asked)
        question, decision = asking
        consent = None
        if isinstance(decision, Challenge) and confirmable:
            act = await act_of(question, asked, body)
            await self.followers.take_over()
            asking = self._asking(asked, act_id, verdict)
            if asking is None:
                return await self._nobody_now(asked)
            question, decision, consent = self._consented(*asking, act)
            if isinstance(decision, Challenge) and to_ask(decision.need) is None:
                return await self._others_asked(asked, body, question, decision, content, kind, act)
            question, decision = self._confirmed(question, decision, act)
            if isinstance(decision, Challenge):
                return await self._held(asked, question, decision, content, kind, act)
        if consent is not None and isinstance(decision, Allow):
            decision = self.consents.use(consent, question, decision) or decision
        person = question.principal
        if not isinstance(decision, Allow):
            return await self._denied(asked, question, decision, content, kind)
        sent = frozenset(verdict.clients)
        if (
            question.proof is None
            and consent is None
            and not (sent or verdict.unread or content.exports or kind.named or len(body) >= RECORDED_BYTES)
        ):
            return None  # an ordinary form
        digest = consent.digest if consent is not None else None
        event = self._event(asked, question, decision, Phase.ALLOWED, content, kind, bytes_out=len(body), digest=digest)
        # Counted before anything is awaited: of two uploads under way at once, the second must see the first.
        self.history.note(person.pseudonym, question.context.at, sent=sent, event_id=event.id)
        return await self._recorded(event, None, asked, question.act_id, person.language)

    def _asking(self, asked: Asked, act_id: str, verdict: Verdict) -> tuple[AccessRequest, Decision] | None:
        """The question as things stand now, and what the rules say; None: the log-in has ended, or its person may do nothing any more."""
        self.directory.refresh()
        person = self._person(asked)
        if person is None:
            return None
        question = self._question(act_id, asked, person, verdict)
        return question, _whole(question, decide(question, self.policy()))

    def _consented(self, question: AccessRequest, decision: Decision, act: str) -> tuple[AccessRequest, Decision, Consent | None]:
        """The same where nobody else has approved it; else with what others have said yes to, which is not used up yet."""
        consent = self.consents.given(question, decision, act)
        if consent is None:
            return question, decision, None
        question = replace(question, approvals=consent.proofs)
        decided = _whole(question, decide(question, self.policy()))
        if isinstance(decided, Allow):  # nothing else is asked: it is the act that was held
            question = replace(question, act_id=consent.request_id)
        return question, decided, consent

    def _confirmed(self, question: AccessRequest, decision: Decision, act: str) -> tuple[AccessRequest, Decision]:
        """The same where nobody has confirmed it; else with the proof, which is used up. A limit holds all the same (attacks X24)."""
        if not isinstance(decision, Challenge) or (proof := self.confirmations.given(question, act)) is None:
            return question, decision
        question = replace(question, act_id=proof.grant_id, proof=proof)
        decided = _whole(question, decide(question, self.policy()))
        if question.principal.session_id is not None:
            self.directory.touched(question.principal.session_id, proof.confirmed_at, proof.key_class)
        if isinstance(decided, Challenge):
            decided = Deny((Because(reasons.NOT_WHAT_WAS_SIGNED),), decided.rules, observed=decided.observed)
        return question, decided

    async def _nobody_now(self, asked: Asked) -> Response:
        return await self._refused(asked, None, Because(reasons.NO_PRINCIPAL, {"what": "log-in ended meanwhile"}))

    def _question(self, act_id: str, asked: Asked, person: Principal, verdict: Verdict) -> AccessRequest:
        at = self.now()
        clients, book = frozenset(verdict.clients), self.directory.book(person.id)
        return AccessRequest(
            act_id=act_id,
            principal=person,
            action=Action.UPLOAD,
            resource=Resource(type="content", ids=tuple(sorted(clients)), own=clients & book),
            context=Context(at=at, channel=self.destinations.kind(asked.host), source_ip=asked.source_ip, destination=asked.host),
            usage=self.history.usage(
                person.pseudonym,
                at,
                own=book,
                sent=clients,
                base=self.directory.base_size(at),
                book=self.directory.book_size(person.id, at),
            ),
            findings=verdict.findings("body"),
        )

    async def _held(self, asked: Asked, question: AccessRequest, challenge: Challenge, content: Content, kind: Shape, act: str) -> Response:
        """The way to its confirmation. Recorded as held by the first of those that ask for the same."""
        person = question.principal
        event = self._event(asked, question, challenge, Phase.HELD, content, kind, digest=act)
        try:
            act_id = await self.confirmations.ask(question, challenge, act, partial(self.spool.append_soon, event))
        except SpoolError:
            return self.answers.stopped(asked, Because(reasons.NOT_RECORDED), question.act_id, person.language)
        if act_id is None:
            return await self._denied(asked, question, Deny((Because(reasons.TOO_MANY_OPEN),), challenge.rules), content, kind)
        return self.answers.held(asked, act_id, person.language)

    async def _others_asked(
        self, asked: Asked, body: bytes, question: AccessRequest, challenge: Challenge, content: Content, kind: Shape, act: str
    ) -> Response:
        """The way to the page where others are asked to approve it, or to the one that says that they were. Raises SpoolError."""
        language = question.principal.language
        about: dict[str, int | str] = {"who": whose(others_of(challenge)), "asked": challenge.asked}
        waits = self.consents.waits(question, challenge, act)
        if isinstance(waits, Because):
            return await self._denied(asked, question, Deny((waits, *challenge.reasons), challenge.rules), content, kind)
        if waits is not None:
            answer = self.answers.consent(asked, waits, language, waits=True)
            denial = Deny((Because(reasons.APPROVAL_WAITS, about), *challenge.reasons), challenge.rules)
            event = self._event(asked, replace(question, act_id=waits), denial, Phase.DENIED, content, kind, http_status=answer.status)
            return await self._recorded(event, answer, asked, waits, language)
        held = replace(challenge, reasons=(Because(reasons.APPROVAL_NEEDED, about), *challenge.reasons))
        digest = asked_of_others(challenge, act)
        event = self._event(asked, question, held, Phase.HELD, content, kind, digest=digest)
        files = await asyncio.to_thread(file_names, asked, body)
        exports = {link.name: link.clients for link in content.exports}
        unread = tuple(one.detector for one in question.findings if one.kind == UNINSPECTABLE)
        seen = Seen(place_of(asked), files, exports, unread)
        act_id = await self.consents.ask(question, challenge, act, seen, partial(self.spool.append_soon, event))
        if act_id is None:
            return await self._denied(asked, question, Deny((Because(reasons.TOO_MANY_OPEN),), challenge.rules), content, kind)
        return self.answers.consent(asked, act_id, language, waits=False)

    async def _denied(self, asked: Asked, question: AccessRequest, decision: Decision, content: Content, kind: Shape) -> Response:
        person = question.principal
        if isinstance(decision, Challenge):  # nobody can be asked for this, or not on this road
            decision = unasked(decision)
        because = decision.reasons[0] if decision.reasons else Because(reasons.NOT_FOR_YOU)
        answer = self.answers.stopped(asked, because, question.act_id, person.language)
        event = self._event(asked, question, decision, Phase.DENIED, content, kind, http_status=answer.status)
        return await self._recorded(event, answer, asked, question.act_id, person.language)

    def _event(
        self,
        asked: Asked,
        question: AccessRequest,
        decision: Decision,
        phase: Phase,
        content: Content,
        kind: Shape,
        *,
        bytes_out: int = 0,
        http_status: int | None = None,
        digest: str | None = None,
    ) -> Event:
        proof = question.proof
        return access_event(
            request=question,
            decision=decision,
            phase=phase,
            shown=NOBODY,
            taken=NOBODY,
            rows=0,
            fields=(),
            route=f"proxy {kind.form}",
            bytes_out=bytes_out,
            digest=proof.act_digest if proof is not None else digest,
            http_status=http_status,
            method=asked.method,
            content=content,
        )

    async def _exports(self, asked: Asked, verdict: Verdict) -> tuple[ExportLink, ...]:
        """The exports that the clients in an upload came from, and those that marks in it name."""
        links: list[ExportLink] = []
        if verdict.clients:
            pseudonym = self.logins.pseudonym(asked.connection_id)
            found = await asyncio.to_thread(self.manifests.explain, tuple(verdict.clients), verdict.keys, pseudonym=pseudonym)
            links = [link.short() for link in found]
        if not verdict.marks:
            return tuple(links)
        codes = [mark.code for mark in verdict.marks]
        marked = await asyncio.to_thread(self.manifests.of_marks, codes)
        return named_by_marks(marked.values(), verdict.clients, links)


def _whole(question: AccessRequest, decision: Decision) -> Decision:
    """What goes out cannot be cut: where the rules let a part of its clients go, nothing goes."""
    if isinstance(decision, Deny) or decision.obligations.keep is None:
        return decision
    if decision.obligations.keep >= frozenset(question.resource.ids or ()):
        return decision
    return Deny((Because(reasons.NOT_FOR_YOU),), decision.rules, observed=decision.observed)
