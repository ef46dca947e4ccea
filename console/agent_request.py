"""Requests of agents: whose they are, and how they are refused. A stranger is told nothing but that."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from auth.agent_signature import AGENT_HEADER, COUNTER_HEADER, SIGNATURE_HEADER, decode
from auth.agents import AgentRefusedError, KnownAgent
from console.services import Services

_COUNTER_DIGITS = 19


def asking(services: Services, request: Request, body: bytes = b"") -> KnownAgent:
    """The agent that has signed this request. Raises AgentRefusedError, SpoolError."""
    agent, counter, signature = (_one(request, name) for name in (AGENT_HEADER, COUNTER_HEADER, SIGNATURE_HEADER))
    try:
        number = int(counter) if counter.isascii() and counter.isdecimal() and len(counter) <= _COUNTER_DIGITS else 0
        signed = decode(signature)
    except ValueError:
        number, signed = 0, b""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return services.agents.authenticate(agent=agent[:64], counter=number, signature=signed, method=request.method, target=target, body=body)


def refused(error: AgentRefusedError) -> Response:
    """One answer for every cause but one: an agent that has lost its counter is told it, having signed with its key."""
    if error.cause == "counter" and error.counter is not None:
        return problem(409, "counter", "A request with this counter or a later one was accepted before.", counter=error.counter)
    if error.cause == "removed":
        return problem(403, "removed", "This agent was revoked: enrol it again with a new token.")
    return problem(401, "refused", "The request was refused.")


def unwell() -> Response:
    """Nothing was kept; the agent comes again."""
    return problem(503, "not_recorded", "It could not be recorded now. Nothing is lost: come again.")


def problem(status: int, cause: str, title: str, **more: Any) -> Response:
    """A problem document (RFC 9457); `cause` is a word of ours."""
    document = {"type": "about:blank", "title": title, "status": status, "cause": cause, **more}
    return JSONResponse(document, status, media_type="application/problem+json")


def _one(request: Request, name: str) -> str:
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else ""
