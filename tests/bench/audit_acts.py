"""The acts that the benchmarks of the record are made of, and a gateway's process that records them.

`python -m tests.bench.audit_acts FOLDER COUNT`: sixteen connections record so many acts into the spool in FOLDER, beginning with a line on
stdin.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from audit_store.event import Event, Phase, access_event
from audit_store.spool import Spool
from auth.garbage import settle
from policies.decision import Allow
from policies.reasons import ALLOWED, Because
from policies.request import AccessRequest, Action, Channel, Context, Principal, Resource, Status, Usage
from tests.audit_store.acts import NOW

CONNECTIONS = 16
DIFFERENT = 1_000
"""Questions that differ in person, clients and number of clients (1 to 40)."""
PRODUCER = "gateway"
_DECISION = Allow((Because(ALLOWED),), rules=("1:own",))
_FIELDS = frozenset({"name", "phone", "email", "street"})


def questions() -> list[AccessRequest]:
    """What the gateway has in its hand when an answer of the CRM has been judged."""
    return [_question(number) for number in range(DIFFERENT)]


def event_of(question: AccessRequest, number: int) -> Event:
    """The event of its delivery, built as the gateway builds it."""
    ids = frozenset(question.resource.ids or ())
    return access_event(
        request=question,
        decision=_DECISION,
        phase=Phase.ALLOWED,
        shown=ids,
        taken=frozenset(),
        rows=len(ids),
        fields=_FIELDS,
        route="rpc model.party.party.read",
        bytes_out=1_000 + number,
        digest="0" * 56 + f"{number:08x}",
        http_status=200,
        method="POST",
    )


def _question(number: int) -> AccessRequest:
    ids = tuple(str(number * 41 + step * 3) for step in range(1 + number % 40))
    return AccessRequest(
        act_id=f"{number:032x}",
        principal=Principal(f"person-{number % 50}", f"P-{number % 50:08X}", frozenset({"manager"}), Status.ACTIVE),
        action=Action.READ,
        resource=Resource("client", "party.party", ids, own=frozenset(ids[::2]), fields=_FIELDS),
        context=Context(NOW, Channel.API),
        usage=Usage(base=3_000, book=150),
    )


async def _record(spool: Spool, count: int) -> None:
    asked = questions()

    async def connection(first: int) -> None:
        for number in range(first, count, CONNECTIONS):
            await spool.append_soon(event_of(asked[number % DIFFERENT], number))

    await asyncio.gather(*(connection(first) for first in range(CONNECTIONS)))


def main(folder: Path, count: int) -> None:
    """Say that it is ready, wait for a line, record."""
    spool = Spool.open(folder, PRODUCER)
    settle()
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(_record(spool, count))
    spool.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
