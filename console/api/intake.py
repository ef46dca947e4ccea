"""`POST /api/intake`: what an agent's spool holds beyond its copy here, signed (`auth.agent_signature`).

The answer says where the copy ends now.

    {"rows": [{"epoch": 1, "sequence": 7, "event": "{...}", "hash": "64 hexadecimal digits"}, ...]}
    200 {"head": {"epoch": 1, "sequence": 7, "hash": "..."}, "orders": 3}

`orders` is the highest counter of the orders that wait for this agent (`GET /api/agents/orders`), 0 if none does.

`event` is the canonical text that was hashed. No rows: only the answer. 409 is a problem document (RFC 9457) with `cause` and `head`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from audit_store.spool import Head, SpoolError, Stored
from audit_store.spool_room import SpoolFullError
from auth.agents import AgentRefusedError, KnownAgent
from console.agent_request import asking, problem, refused, unwell
from console.intake import IntakeRefusedError
from console.services import Services
from console.visitor import services_of

router = APIRouter(prefix="/api/intake")
ROWS_MAX = 2_000
_Place = Annotated[int, Field(ge=1, lt=1 << 62)]


class Row(BaseModel):
    """One event with its place in the agent's chain."""

    model_config = ConfigDict(extra="forbid", strict=True)

    epoch: _Place
    sequence: _Place
    event: str
    hash: str = Field(pattern="^[0-9a-f]{64}$")

    def stored(self, producer: str) -> Stored:
        """As the agent's spool has it."""
        return Stored(producer, self.epoch, self.sequence, self.event.encode(), bytes.fromhex(self.hash))


class Delivery(BaseModel):
    """A batch in order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rows: list[Row] = Field(max_length=ROWS_MAX)


@router.post("")
async def deliver(request: Request) -> Response:
    """Keep the rows, durably, before the answer."""
    body = await request.body()
    return await run_in_threadpool(_deliver, services_of(request), request, body)


def _deliver(services: Services, request: Request, body: bytes) -> Response:
    try:
        agent = asking(services, request, body)
        try:
            rows = _rows(agent, body)
        except ValueError:
            services.agent_alarms.refused("delivery_unreadable", agent.producer, agent.pseudonym)
            return problem(400, "delivery_unreadable", "The delivery could not be read.")
        try:
            head = services.intake.deliver(agent, rows)
            return JSONResponse({"head": _said(head), "orders": services.orders.highest(agent.id)})
        except IntakeRefusedError as error:
            return problem(
                409, error.cause, "An event does not continue the record, or is not this agent's to say.", head=_said(error.head)
            )
    except AgentRefusedError as error:
        return refused(error)
    except SpoolFullError:
        return problem(507, "quota", "This agent has used up its room on the server. Nothing is lost: come again.")
    except SpoolError:
        return unwell()


def _rows(agent: KnownAgent, body: bytes) -> list[Stored]:
    try:
        return [row.stored(agent.producer) for row in Delivery.model_validate_json(body).rows]
    except (ValidationError, UnicodeEncodeError) as error:
        raise ValueError("no delivery") from error


def _said(head: Head) -> dict[str, Any]:
    return {"epoch": head.epoch, "sequence": head.sequence, "hash": head.hash.hex()}
