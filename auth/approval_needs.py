"""Who may answer a request for approval, and when enough of them have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from audit_store.moments import EPOCH
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.tables import Person
from policies.document import read_need
from policies.needs import AllOf, AnyOf, Approval, Need, holds
from policies.request import ApprovalProof


def approvals_in(need: Need) -> tuple[Approval, ...]:
    """The approvals of a need that holds nothing else. Raises ValueError for any other."""
    match need:
        case Approval():
            return (need,)
        case AllOf(needs) | AnyOf(needs):
            return tuple(one for part in needs for one in approvals_in(part))
        case _:
            raise ValueError("a request for approval asks for approvals alone")


def fulfilled(need: Need, proofs: Iterable[ApprovalProof], now: datetime) -> bool:
    """Whether distinct people have given what the need asks for, none of it too long ago. Whose act it is was checked before."""
    given = tuple(proofs)
    match need:
        case Approval(count, role, expires_seconds):
            oldest = now - timedelta(seconds=expires_seconds)
            fresh = [proof for proof in given if holds(role, proof.roles) and proof.at >= oldest]
            return len({proof.approver for proof in fresh}) >= count or any(proof.alone for proof in fresh)
        case AllOf(needs):
            return all(fulfilled(one, given, now) for one in needs)
        case AnyOf(needs):
            return any(fulfilled(one, given, now) for one in needs)
        case _:
            raise ValueError("a request for approval asks for approvals alone")


def fault(request: ApprovalRequest, person: Person) -> str | None:
    """Why this person may not answer; None: may."""
    if person.id == request.subject_id or (person.id == request.requester_id and not request.alone):
        return "own"
    if not may_sign_in(person):
        return "person"
    if not any(holds(one.role, person.roles) for one in approvals_in(read_need(request.need))):
        return "role"
    return None


def enough(request: ApprovalRequest, able: list[Person]) -> bool:
    """Whether these people could fulfil the request together, without its requester."""
    others = [one for one in able if one.id != request.requester_id]
    proofs = [ApprovalProof(one.id, frozenset(one.roles), EPOCH, True, frozenset(), frozenset()) for one in others]
    return fulfilled(read_need(request.need), proofs, EPOCH)


def longest(request: ApprovalRequest) -> timedelta:
    """How long an answer may be old at most."""
    return timedelta(seconds=max(one.expires_seconds for one in approvals_in(read_need(request.need))))
