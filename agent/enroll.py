"""Enrolment: a one-time token from an administrator makes the key of this machine known to Torwart."""

from __future__ import annotations

from pathlib import Path

from agent.identity import Identity, IdentityError, load_identity, own_key, save_identity
from agent.server import Server
from audit_store.sqlite_file import StoreError, own_folder
from auth.agent_signature import encode, enrolment_bytes, public_bytes

CREATED = 200


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
    if answer.status_code == 403:
        raise EnrolmentError("the token is not valid any more, or was used before: ask for a new one (`torwart people device`)")
    if answer.status_code != CREATED:
        raise EnrolmentError(f"Torwart answered {answer.status_code}: is {server.url} its own address?")
    found = answer.json()
    identity = Identity(str(found["agent"]), str(found["pseudonym"]), server.url, str(found.get("order_key", "")))
    save_identity(state, identity)
    return identity
