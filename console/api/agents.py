"""Enrolment of agents, and the filter by which they recognise what may be a client's."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from audit_store.spool import SpoolError
from auth.agent_signature import decode, encode
from auth.agents import AgentRefusedError
from auth.order_key import public_order_key
from console.agent_request import asking, problem, refused, unwell
from console.visitor import services_of
from detectors.knowledge import KnowledgeError

router = APIRouter(prefix="/api/agents")
COUNTERS = 10**17
"""An agent that says it had as many orders is not believed: a counter must have room to grow (`auth.agent_order`)."""


class Wish(BaseModel):
    """A new agent: its token, its public key and the proof that it has the private one (`auth.agent_signature`)."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=200)
    public_key: str = Field(max_length=64)
    proof: str = Field(max_length=128)
    label: str = Field(default="", max_length=200)


@router.post("/enrol")
def enrol(request: Request, wish: Wish) -> Response:
    """Register the key of an agent. One answer for every cause of a refusal.

    With its name the agent gets the key whose orders it obeys, once: a later one is never taken (`auth.agent_order`).
    """
    try:
        public_key, proof = decode(wish.public_key), decode(wish.proof)
    except ValueError:
        public_key = proof = b""
    try:
        services = services_of(request)
        agent = services.agents.enrol(wish.token, public_key, proof, wish.label)
    except AgentRefusedError:
        return problem(403, "refused", "The token is not valid any more, or was used before: ask for a new one.")
    except SpoolError:
        return unwell()
    order_key = public_order_key(services.installation.state)
    pinned = {"order_key": encode(order_key)} if order_key is not None else {}
    return JSONResponse({"agent": agent.id, "pseudonym": agent.pseudonym, **pinned})


@router.get("/orders")
def orders(request: Request, after: Annotated[int, Query(ge=0, lt=COUNTERS)] = 0) -> Response:
    """Signed orders for this agent above a counter, as they were signed. They wait until the agent has told what became of them."""
    services = services_of(request)
    try:
        agent = asking(services, request)
        found = services.orders.waiting(agent.id, after)
    except AgentRefusedError as error:
        return refused(error)
    except SpoolError:
        return unwell()
    signed = [(row.signed, row.signature) for row in found if row.signed is not None and row.signature is not None]
    return JSONResponse({"orders": [{"order": order.decode("ascii"), "signature": encode(signature)} for order, signature in signed]})


@router.get("/filter")
def desk_filter(request: Request) -> Response:
    """The filter as it is now; 304 where the agent has it. Holds no client in clear, and not the key of the index (promise 12)."""
    services = services_of(request)
    try:
        if asking(services, request).gone:
            return problem(403, "gone", "The person has left: nothing is given to this machine any more.")
        data = services.index.desk_filter()
    except AgentRefusedError as error:
        return refused(error)
    except SpoolError:
        return unwell()
    except KnowledgeError:
        return problem(503, "no_index", "There is no index of the clients yet: `torwart index build` makes it.")
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return Response(data, media_type="application/octet-stream", headers={"etag": tag})
