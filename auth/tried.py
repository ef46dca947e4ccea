"""Whether what was cut is really refused: each piece is tried as its holder would, and every gateway is asked (law 10).

Nothing is believed because it was written: the pieces go through the code that answers requests, read anew from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import Engine, select

from audit_store.event import Event, EventAction, plain_event
from auth.agents import Agents
from auth.approval_tables import ApprovalRequest
from auth.attendance import WAIT_SECONDS, Attending, attending
from auth.console_sessions import ConsoleSessions
from auth.cut import Cut
from auth.directory import Directory
from auth.enrolment import usable_tokens
from auth.stepup import StepUp
from auth.storage import reading
from auth.tables import Act, CrmSession, Person

SIGN_IN = "sign_in"
"""A new sign-in to Torwart's pages, as if the person's key had been verified."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried."""

    kind: str
    """As in `auth.cut.Cut`, or `SIGN_IN`."""
    refused: bool


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the trying showed."""

    tried: tuple[Tried, ...]
    gateways: tuple[Attending, ...]

    @property
    def holds(self) -> bool:
        """Everything was refused, and every gateway that runs knows of it."""
        return all(one.refused for one in self.tried) and all(one.knows for one in self.gateways)


@dataclass(frozen=True, slots=True)
class Trial:
    """Tries what a person has who is frozen or gone."""

    engine: Engine
    record: Callable[[Event], object]
    directory: Callable[[], Directory]
    console_sessions: ConsoleSessions
    stepup: StepUp
    agents: Agents
    wait_seconds: float = WAIT_SECONDS
    """How long gateways are waited for."""

    def of(self, person: Person, cut: Iterable[Cut], by: str | None = None) -> Withdrawal:
        """Try everything that was cut, and a new sign-in; recorded with its outcome. `by` is a pseudonym, None for the command line."""
        pieces = sorted(cut, key=lambda piece: piece.kind)
        tried = [Tried(piece.kind, self._refused(person, piece)) for piece in pieces if piece.kind not in _CRM]
        tried += self._crm(person, [piece for piece in pieces if piece.kind in _CRM])
        tried.append(Tried(SIGN_IN, self._no_sign_in(person)))
        found = Withdrawal(tuple(tried), tuple(attending(self.engine, self.wait_seconds)))
        numbers: dict[str, int | str] = {
            "tried": len(tried),
            "refused": sum(one.refused for one in tried),
            "gateways": len(found.gateways),
            "unanswered": sum(not one.knows for one in found.gateways),
        }
        outcome = "success" if found.holds else "failure"
        at = datetime.now(UTC)
        self.record(plain_event(EventAction.CUT_TRIED, at=at, pseudonym=by, subject=person.pseudonym, outcome=outcome, numbers=numbers))
        return found

    def _crm(self, person: Person, pieces: list[Cut]) -> list[Tried]:
        """Credentials of the CRM and log-ins of the proxy, as a gateway looks them up."""
        with reading(self.engine) as session:
            asked = select(CrmSession.id, CrmSession.credential_hash).where(CrmSession.person_id == person.id)
            hashes: dict[str, str] = dict(session.execute(asked).all())
        directory = self.directory()
        try:
            return [Tried(piece.kind, _denied(directory, hashes[piece.id])) for piece in pieces]
        finally:
            directory.close()

    def _refused(self, person: Person, piece: Cut) -> bool:
        match piece.kind:
            case "console":
                return piece.id not in {row.id for row in self.console_sessions.of(person.id)}
            case "act":
                with reading(self.engine) as session:
                    act = session.get_one(Act, piece.id)
                return self.stepup.take(act.id, act.digest) is None
            case "approval":
                with reading(self.engine) as session:
                    return session.get_one(ApprovalRequest, piece.id).state not in ("draft", "open", "given")
            case "key_token":
                with reading(self.engine) as session:
                    return usable_tokens(session, person.id) == 0
            case "agent_token":
                return not self.agents.may_enrol(person.id)
            case "agent":
                return self.agents.gives_nothing(piece.id)
        return False  # of a new kind nobody has said how it is tried

    def _no_sign_in(self, person: Person) -> bool:
        try:
            self.console_sessions.open(person.id, None)
        except PermissionError:
            return True
        self.console_sessions.end_all(person.id, "tried")
        return False


_CRM = frozenset({"session", "token", "api_key", "proxy"})


def counted(tried: Iterable[Tried]) -> list[tuple[str, int, int]]:
    """Kind, how many were tried, how many were refused."""
    ordered = sorted(tried, key=lambda one: one.kind)
    groups = [(kind, list(those)) for kind, those in groupby(ordered, key=lambda one: one.kind)]
    return [(kind, len(those), sum(one.refused for one in those)) for kind, those in groups]


def _denied(directory: Directory, hashed: str) -> bool:
    view = directory.session_of_hash(hashed)
    return view is None or directory.principal(view).frozen
