"""Enrolment of agents, and the filter by which they recognise what may be a client's."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from audit_store.spool import SpoolError
from auth.agent_signature import decode
from auth.agents import AgentRefusedError
from console.agent_request import asking, problem, refused, unwell
from console.visitor import services_of
from detectors.knowledge import KnowledgeError

router = APIRouter(prefix="/api/agents")


class Wish(BaseModel):
    """A new agent: its token, its public key and the proof that it has the private one (`auth.agent_signature`)."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=200)
    public_key: str = Field(max_length=64)
    proof: str = Field(max_length=128)
    label: str = Field(default="", max_length=200)


@router.post("/enrol")
def enrol(request: Request, wish: Wish) -> Response:
    """Register the key of an agent. One answer for every cause of a refusal."""
    try:
        public_key, proof = decode(wish.public_key), decode(wish.proof)
    except ValueError:
        public_key = proof = b""
    try:
        agent = services_of(request).agents.enrol(wish.token, public_key, proof, wish.label)
    except AgentRefusedError:
        return problem(403, "refused", "The token is not valid any more, or was used before: ask for a new one.")
    except SpoolError:
        return unwell()
    return JSONResponse({"agent": agent.id, "pseudonym": agent.pseudonym})


@router.get("/filter")
def desk_filter(request: Request) -> Response:
    """The filter as it is now; 304 where the agent has it. Holds no client in clear, and not the key of the index (promise 12)."""
    services = services_of(request)
    try:
        asking(services, request)
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
