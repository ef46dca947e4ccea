"""Enrolment: a one-time token from an administrator makes the key of this machine known to Torwart."""

from __future__ import annotations

from pathlib import Path

import httpx

from agent.identity import Identity, IdentityError, load_identity, own_key, save_identity
from agent.server import Server, cause_of
from audit_store.sqlite_file import StoreError, own_folder
from auth.agent_signature import encode, enrolment_bytes, public_bytes


class EnrolmentError(Exception):
    """This machine was not enrolled; the text says what to do."""


def enrol(server: Server, state: Path, token: str, label: str) -> Identity:
    """Make a key, if there is none, and register it. After a lost answer the same call again gives the same agent.

    Raises EnrolmentError; UnreachableError when Torwart does not answer; OSError.
    """
    try:
        own_folder(state, StoreError)
        known = load_identity(state)
        key = own_key(state)
    except (StoreError, IdentityError) as error:
        raise EnrolmentError(str(error)) from error
    if known is not None:
        raise EnrolmentError(f"this machine is enrolled already as agent {known.agent}: to begin anew, revoke it and remove {state}")
    public = public_bytes(key)
    proof = key.sign(enrolment_bytes(origin=server.url, token=token, public_key=public))
    answer = server.post("/api/agents/enrol", {"token": token, "public_key": encode(public), "proof": encode(proof), "label": label[:100]})
    match answer.status_code, cause_of(answer):
        case 200, _:
            identity = _named(answer, server.url)
        case 403, "refused":
            raise EnrolmentError("the token is not valid any more, or was used before: ask for a new one (`torwart people device`)")
        case 503, "not_recorded":
            raise EnrolmentError("Torwart cannot write anything down now: the token stays good, try again later")
        case status, _:
            raise EnrolmentError(f"{server.url} answered {status}: is it Torwart's own address, as `torwart people device` prints it?")
    save_identity(state, identity)
    return identity


def _named(answer: httpx.Response, url: str) -> Identity:
    """Who this machine is from now on. Raises EnrolmentError."""
    try:
        found = answer.json()
        return Identity(str(found["agent"]), str(found["pseudonym"]), url, str(found.get("order_key", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnrolmentError(f"what answers at {url} is not Torwart: is it the address that `torwart people device` prints?") from error
