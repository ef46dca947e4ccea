"""Orders to agents: who wants a file put aside or put back, what was signed, and what became of it (decision 0011).

Nothing is signed here: a stage of the background work does it (`console.orders`), so that the key need not lie where pages are served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, func, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from audit_store.handles import handle_of
from audit_store.sealing import seal
from auth.agent_order import Order, Verb
from auth.agents import producer_of
from auth.console_sessions import may_sign_in
from auth.storage import database_now, reading, writing
from auth.tables import Agent, AgentOrder, AgentOrderCounter, Person

ORDER_HOURS = 24
"""An order waits so long for a machine that is away. When it comes back later, its files are looked at again and judged anew."""
FETCHED_MAX = 50
"""Orders in one answer; the rest come with the next."""
RELEASE_DAYS = 30
"""For so long a content that was released on a machine is not put aside there again: a stick that is plugged in anew brings it anew."""
REASON_MAX = 500
REVIEWERS = frozenset({"owner", "security", "admin"})
EXPIRED = "expired"


class OrderError(Exception):
    """It cannot be ordered; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A file that was ordered to be put aside, with the last order about it."""

    first: AgentOrder
    last: AgentOrder
    person: Person

    @property
    def handle(self) -> str:
        return handle_of(self.first.act_id)

    @property
    def state(self) -> str:
        """`ordered`, `aside`, `left` (it could not be put aside), `release_ordered`, `given_back`."""
        if self.last.verb == Verb.QUARANTINE:
            return {"done": "aside", "failed": "left", "refused": "left", "expired": "left"}.get(self.last.state, "ordered")
        return {"done": "given_back", "wanted": "release_ordered", "signed": "release_ordered"}.get(self.last.state, "aside")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent says of an order."""

    verb: Verb | None
    """None: it says of neither; it refused."""
    state: str
    """`done`, `failed` or `refused`."""
    cause: str | None


class Orders:
    """The orders of one installation. Every order is recorded before it holds."""

    def __init__(self, engine: Engine, record: Callable[[Event], object]) -> None:
        self._engine = engine
        self._record = record

    def put_aside(self, agent_id: str, act_id: str, event_id: str, digest: str | None, pseudonym: str) -> bool:
        """Have a file put aside, once for each act; False if it was ordered before, released on this machine, or the agent is gone."""
        with writing(self._engine) as session:
            agent = session.get(Agent, agent_id)
            if agent is None or agent.removed_at is not None:
                return False
            known = select(AgentOrder.id).where(AgentOrder.act_id == act_id, AgentOrder.verb == Verb.QUARANTINE)
            now = database_now(session)
            if session.scalar(known) is not None or self._was_released(session, agent_id, digest, now):
                return False
            self._want(session, AgentOrder(agent_id=agent_id, verb=Verb.QUARANTINE, act_id=act_id, event_id=event_id, digest=digest), now)
            self._say(EventAction.QUARANTINE_ORDERED, None, pseudonym, act_id)
        return True

    def release(self, handle: str, by: str, reason: str) -> Aside:
        """Have a file put back that was put aside, named by its act or its handle; `by` is the person id of who decided it. The reason is
        recorded under the key of whose file it is: with that person's erasure it goes, that and by whom it was released stays.

        Raises OrderError for a file that is not aside, for one's own, without a reason, and for somebody who reviews nothing.
        """
        if not reason.strip() or len(reason) > REASON_MAX:
            raise OrderError(f"say why, in at most {REASON_MAX} characters: it is recorded under encryption")
        found = self.find(handle)
        with writing(self._engine) as session:
            reviewer = session.get(Person, by)
            if reviewer is None or not may_sign_in(reviewer) or REVIEWERS.isdisjoint(reviewer.roles):
                raise OrderError(f"only {', '.join(sorted(REVIEWERS))} may release a file")
            if found.person.id == by:
                raise OrderError("nobody releases their own file: ask another reviewer")
            last = _last(session, found.first)
            if last.verb == Verb.QUARANTINE and last.state != "done":
                raise OrderError(f"{handle} is not aside ({last.state}{f', {last.cause}' if last.cause else ''})")
            if last.verb == Verb.RELEASE and last.state not in ("failed", "refused", "expired"):
                raise OrderError(f"{handle} was released before ({last.state})")
            first = found.first
            wanted = AgentOrder(
                agent_id=first.agent_id,
                verb=Verb.RELEASE,
                act_id=first.act_id,
                event_id=first.event_id,
                digest=first.digest,
                by=by,
                reason=reason.strip(),
            )
            now = database_now(session)
            self._want(session, wanted, now)
            sealed = seal(session, found.person.pseudonym, reason.strip(), now)
            self._say(EventAction.RELEASE_ORDERED, reviewer.pseudonym, found.person.pseudonym, first.act_id, sealed)
        return Aside(first, wanted, found.person)

    def find(self, word: str) -> Aside:
        """The file of an act, or of a handle in upper or lower case. Raises OrderError.

        A handle is short enough for an agent to make another one's by trying (attacks X29): then only the whole id of the act will do.
        """
        files, wanted = self.all(), word.strip()
        if (of_act := [aside for aside in files if aside.first.act_id == wanted.lower()]) and len(of_act) == 1:
            return of_act[0]
        found = [aside for aside in files if aside.handle == wanted.upper()]
        if len(found) > 1:
            several = ", ".join(f"{aside.first.act_id} of {aside.person.pseudonym}" for aside in found)
            raise OrderError(f"several files are called {wanted.upper()}, name the act instead: {several}")
        if not found:
            raise OrderError(f"there is no file {word!r}: `torwart quarantine list` names all")
        return found[0]

    def all(self) -> list[Aside]:
        """Files that were ordered to be put aside, oldest first."""
        with reading(self._engine) as session:
            asked = select(AgentOrder, Person).join(Agent, Agent.id == AgentOrder.agent_id).join(Person, Person.id == Agent.person_id)
            asked = asked.where(AgentOrder.verb == Verb.QUARANTINE).order_by(AgentOrder.id)
            return [Aside(row[0], _last(session, row[0]), row[1]) for row in session.execute(asked)]

    # the channel

    def sign(self, sign: Callable[[Order], bytes]) -> int:
        """Sign what is wanted, in order; how many that were. Raises what `sign` raises: then the rest waits."""
        with reading(self._engine) as session:
            wanted = list(session.scalars(select(AgentOrder.id).where(AgentOrder.state == "wanted").order_by(AgentOrder.id)))
        for number in wanted:
            with writing(self._engine) as session:
                row = session.get_one(AgentOrder, number)
                counter = session.get(AgentOrderCounter, row.agent_id)
                if counter is None:
                    counter = AgentOrderCounter(agent_id=row.agent_id, counter=0)
                    session.add(counter)
                counter.counter += 1
                expires = (database_now(session) + timedelta(hours=ORDER_HOURS)).replace(microsecond=0)
                order = Order(row.agent_id, counter.counter, expires, Verb(row.verb), row.event_id, row.digest, handle_of(row.act_id))
                row.signature, row.signed = sign(order), order.signed_bytes()
                row.counter, row.expires_at, row.state = order.counter, expires, "signed"
        return len(wanted)

    def waiting(self, agent_id: str, after: int) -> list[AgentOrder]:
        """Signed orders for an agent above a counter, in their order, at most `FETCHED_MAX`.

        An agent that has seen a higher counter than we ever gave knows more than we do: our database came from a backup. What is signed
        from then on goes on from there, and so does what waited under a number that was used before.
        """
        with reading(self._engine) as session:
            counter = session.get(AgentOrderCounter, agent_id)
            asked = select(AgentOrder).where(self._open(agent_id, after, datetime.now(UTC))).order_by(AgentOrder.counter)
            found = list(session.scalars(asked.limit(FETCHED_MAX)))
        if after > (counter.counter if counter else 0):
            self._catch_up(agent_id, after)
        return found

    def highest(self, agent_id: str) -> int:
        """The highest counter that waits for an agent; 0: nothing waits."""
        with reading(self._engine) as session:
            return session.scalar(select(func.max(AgentOrder.counter)).where(self._open(agent_id, 0, datetime.now(UTC)))) or 0

    def answered(self, agent_id: str, counter: int, answer: Answer, done: Callable[[AgentOrder], object]) -> bool:
        """What an agent says of an order; `done` is called before it counts as carried out. False: it is not this agent's, or was
        answered before. A release that failed, because its folder was away, may be done later.
        """
        with writing(self._engine) as session:
            row = session.scalar(select(AgentOrder).where(AgentOrder.agent_id == agent_id, AgentOrder.counter == counter))
            if row is None or answer.verb not in (None, row.verb) or row.state in ("done", "refused"):
                return False
            if row.state == "failed" and answer.state != "done":
                return False
            if answer.state == "done":
                done(row)
            row.state, row.cause, row.answered_at = answer.state, answer.cause, database_now(session)
        return True

    def expire(self) -> int:
        """End what nobody has fetched in time, recorded; how many orders that were."""
        with reading(self._engine) as session:
            late = select(AgentOrder.id).where(AgentOrder.state == "signed", AgentOrder.expires_at < database_now(session))
            numbers = list(session.scalars(late))
        for number in numbers:
            with writing(self._engine) as session:
                row = session.get_one(AgentOrder, number)
                if row.state != "signed":
                    continue
                row.state, row.cause, row.answered_at = EXPIRED, EXPIRED, database_now(session)
                whose = session.scalar(select(Person.pseudonym).join(Agent, Agent.person_id == Person.id).where(Agent.id == row.agent_id))
                action = EventAction.FILE_QUARANTINED if row.verb == Verb.QUARANTINE else EventAction.FILE_RELEASED
                facts: dict[str, int | str] = {"cause": EXPIRED}
                machine = producer_of(row.agent_id)
                self._record(
                    plain_event(
                        action, at=datetime.now(UTC), pseudonym=whose, subject=machine, outcome="failure", numbers=facts, act_id=row.act_id
                    )
                )
        return len(numbers)

    # pieces

    @staticmethod
    def _open(agent_id: str, after: int, now: datetime) -> ColumnElement[bool]:
        mine = and_(AgentOrder.agent_id == agent_id, AgentOrder.state == "signed")
        return and_(mine, AgentOrder.counter > after, AgentOrder.expires_at > now)

    def _catch_up(self, agent_id: str, after: int) -> None:
        with writing(self._engine) as session:
            session.merge(AgentOrderCounter(agent_id=agent_id, counter=after))
            again = update(AgentOrder).where(AgentOrder.agent_id == agent_id, AgentOrder.state == "signed", AgentOrder.counter <= after)
            session.execute(again.values(state="wanted", counter=None, signed=None, signature=None))

    @staticmethod
    def _want(session: Session, row: AgentOrder, now: datetime) -> None:
        row.state, row.wanted_at = "wanted", now
        session.add(row)

    @staticmethod
    def _was_released(session: Session, agent_id: str, digest: str | None, now: datetime) -> bool:
        if digest is None:
            return False
        same = and_(AgentOrder.agent_id == agent_id, AgentOrder.digest == digest, AgentOrder.verb == Verb.RELEASE)
        since = now - timedelta(days=RELEASE_DAYS)
        done = and_(AgentOrder.state == "done", AgentOrder.answered_at > since)
        return session.scalar(select(AgentOrder.id).where(same, done).limit(1)) is not None

    def _say(self, action: EventAction, by: str | None, whose: str, act_id: str, sealed: Mapping[str, str] | None = None) -> None:
        self._record(plain_event(action, at=datetime.now(UTC), pseudonym=by, subject=whose, act_id=act_id, sealed=sealed))


def open_orders(session: Session, person_id: str) -> int:
    """How many orders about files of a person wait for an answer of the machine."""
    theirs = select(func.count()).select_from(AgentOrder).join(Agent, Agent.id == AgentOrder.agent_id)
    return session.scalar(theirs.where(Agent.person_id == person_id, AgentOrder.state.in_(("wanted", "signed")))) or 0


def _last(session: Session, first: AgentOrder) -> AgentOrder:
    asked = select(AgentOrder).where(AgentOrder.act_id == first.act_id).order_by(AgentOrder.id.desc()).limit(1)
    return session.scalars(asked).one()
