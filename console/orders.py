"""The stage of orders: hears what agents made of them, signs what is wanted, ends what nobody fetched (decision 0011).

A consumer of the log with a cursor of its own. It needs the database, the log and the key of orders, and nothing of the pages: it may run
where the pages do not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine

from audit_store.consumer import position_of, put_position
from audit_store.event import Event, EventAction, Phase, phase_event
from audit_store.log import Log, Logged, Source
from audit_store.log_marks import Within
from audit_store.search import search
from auth.agent_order import Order, Verb
from auth.orders import Answer, Orders
from auth.tables import AgentOrder
from console.agent_event import ANSWERS

CONSUMER = "orders"
_BATCH = 500
_PHASES = {Verb.QUARANTINE: Phase.PUT_ASIDE, Verb.RELEASE: Phase.PUT_BACK}
_PHASES_MAX = 10
_AGENT = "agent-"
_ANSWER = frozenset(("action", one) for one in ANSWERS)
_ANSWERED = f"sequence > ? AND action IN ({', '.join('?' * len(ANSWERS))})"


class OrderStage:
    """One per installation, one thread at a time."""

    def __init__(
        self,
        *,
        engine: Engine,
        log: Log,
        own: Source,
        record: Callable[[Event], object],
        orders: Orders,
        sign: Callable[[Order], bytes],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`own` is the spool that `record` writes to. `sign` signs one order (`auth.order_key.signed_order`); what it raises leaves the
        orders waiting.
        """
        self._engine = engine
        self._log = log
        self._own = own
        self._record = record
        self._orders = orders
        self._sign = sign
        self._now = now
        self._position: int | None = None

    def step(self) -> None:
        """One round. Raises what the log, the database, the spool and the key raise: then nothing is skipped."""
        self._hear()
        self._orders.expire()
        self._orders.sign(self._sign)

    def _hear(self) -> None:
        position = position_of(self._engine, CONSUMER) if self._position is None else self._position
        while batch := self._log.where(_ANSWERED, (position, *sorted(ANSWERS)), limit=_BATCH, within=Within(position, groups=(_ANSWER,))):
            self._log.take(self._own)  # what was written before a crash must be in the log before it is asked for
            for logged in batch:
                if logged.producer.startswith(_AGENT):
                    self._answer(logged)
            position = batch[-1].sequence
            put_position(self._engine, CONSUMER, position)
        self._position = position

    def _answer(self, logged: Logged) -> None:
        """What a machine says of one of its own orders; whatever else it says changes nothing."""
        event, ours = logged.document["event"], logged.document["torwart"]
        counter, words = ours.get("numbers", {}).get("order"), ours.get("words", {})
        if not isinstance(counter, int):
            return  # a refusal of what was never an order
        verb = {EventAction.FILE_QUARANTINED: Verb.QUARANTINE, EventAction.FILE_RELEASED: Verb.RELEASE}.get(event["action"])
        state = "refused" if verb is None else "done" if event["outcome"] == "success" else "failed"
        answer = Answer(verb, state, str(words.get("cause", ""))[:40] or None)
        self._orders.answered(logged.producer.removeprefix(_AGENT), counter, answer, self._say)

    def _say(self, order: AgentOrder) -> None:
        """The act's next phase: pages, rules and alerts read it like any other."""
        phase = _PHASES[Verb(order.verb)]
        acts = search(self._log, action=EventAction.ACCESS, act=order.act_id, limit=_PHASES_MAX)
        if acts and all(one.document["torwart"]["act"]["phase"] != phase for one in acts):
            self._record(phase_event(acts[0].document, phase, self._now()))
