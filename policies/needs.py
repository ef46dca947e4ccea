"""What can be missing before an act may happen, and whether it is there: a key's touch, other people's approval, a word of one's own.

A need is a tree of AND and OR. A limit is none of these: what a rule denies, no proof lifts (attacks X24).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, assert_never

from policies.request import AccessRequest, ApprovalProof, ClientId, KeyProof


class RequirementKind(StrEnum):
    """What can be missing."""

    KEY = "key"
    """A touch of a hardware key with user verification, bound to this act."""
    APPROVAL = "approval"
    """Other people say yes to this act, each with the own key."""
    JUSTIFY = "justify"
    """The person writes why."""
    ACKNOWLEDGE = "acknowledge"
    """The person has read the warning and goes on."""


@dataclass(frozen=True, slots=True)
class Key:
    """A touch of the person's own key."""

    fresh_seconds: int = 0
    """A touch in this session that is not older counts too; 0: only a touch bound to exactly this act."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Approval by distinct other people. Nobody approves an act of his own."""

    count: int = 1
    role: str = "owner"
    expires_seconds: int = 3_600
    """An approval that is older is none."""


@dataclass(frozen=True, slots=True)
class Justify:
    """A reason in the person's own words."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A warning that was read and overridden."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these are missing."""

    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these is enough."""

    needs: tuple[Need, ...]


type Need = Key | Approval | Justify | Acknowledge | AllOf | AnyOf


def missing(need: Need, request: AccessRequest, going: Sequence[ClientId]) -> Need | None:
    """What of a need is still missing, if these clients go out; None: nothing."""
    match need:
        case Key(fresh_seconds):
            return None if _touched(request, going, fresh_seconds) else need
        case Approval(count, role, expires_seconds):
            oldest = request.context.at - timedelta(seconds=expires_seconds)
            given = {proof.approver for proof in request.approvals if _approves(proof, request, going, role) and proof.at >= oldest}
            return None if len(given) >= count else need
        case Justify():
            return None if request.justified or _said(request, going, "justified") else need
        case Acknowledge():
            return None if request.acknowledged or _said(request, going, "acknowledged") else need
        case AllOf(needs):
            left = tuple(open_ for one in needs if (open_ := missing(one, request, going)) is not None)
            return None if not left else left[0] if len(left) == 1 else AllOf(left)
        case AnyOf(needs):
            ways = tuple(open_ for one in needs if (open_ := missing(one, request, going)) is not None)
            return AnyOf(ways) if len(ways) == len(needs) else None
    assert_never(need)


def kinds(need: Need) -> tuple[RequirementKind, ...]:
    """The kinds of a need, each once, in their order."""
    match need:
        case Key():
            return (RequirementKind.KEY,)
        case Approval():
            return (RequirementKind.APPROVAL,)
        case Justify():
            return (RequirementKind.JUSTIFY,)
        case Acknowledge():
            return (RequirementKind.ACKNOWLEDGE,)
        case AllOf(needs) | AnyOf(needs):
            return tuple(dict.fromkeys(kind for one in needs for kind in kinds(one)))
    assert_never(need)


def to_ask(need: Need) -> frozenset[RequirementKind] | None:
    """What the person is asked for, so that nothing is missing; None: something that only others can give.

    Of several ways it is the first that the person can go alone. The key is always among what is asked: it proves who says the rest.
    """
    match need:
        case Key():
            return frozenset({RequirementKind.KEY})
        case Justify():
            return frozenset({RequirementKind.KEY, RequirementKind.JUSTIFY})
        case Acknowledge():
            return frozenset({RequirementKind.KEY, RequirementKind.ACKNOWLEDGE})
        case Approval():
            return None
        case AllOf(needs):
            asked = [to_ask(one) for one in needs]
            return None if None in asked else frozenset().union(*[one for one in asked if one is not None])
        case AnyOf(needs):
            return next((one for one in map(to_ask, needs) if one is not None), None)
    assert_never(need)


def covers(proof: KeyProof, request: AccessRequest, going: Sequence[ClientId]) -> bool:
    """Whether nothing goes out or is written that was not signed. Presence without PIN or biometry is no proof (attacks X23)."""
    return proof.user_verified and _signed(proof.ids, proof.fields, request, going)


def _touched(request: AccessRequest, going: Sequence[ClientId], fresh_seconds: int) -> bool:
    if request.proof is not None and covers(request.proof, request, going):
        return True
    proven = request.principal.proven_at
    return fresh_seconds > 0 and proven is not None and timedelta(0) <= request.context.at - proven <= timedelta(seconds=fresh_seconds)


def _said(request: AccessRequest, going: Sequence[ClientId], what: Literal["justified", "acknowledged"]) -> bool:
    """Whether the person said it with the touch that signs exactly this act."""
    proof = request.proof
    return proof is not None and getattr(proof, what) is True and covers(proof, request, going)


def _approves(proof: ApprovalProof, request: AccessRequest, going: Sequence[ClientId], role: str) -> bool:
    if proof.approver == request.principal.id or role not in proof.roles or not proof.user_verified:
        return False
    return proof.at <= request.context.at and _signed(proof.ids, proof.fields, request, going)


def _signed(ids: frozenset[ClientId], fields: frozenset[str], request: AccessRequest, going: Sequence[ClientId]) -> bool:
    resource = request.resource
    return ids.issuperset(going) and fields.issuperset(resource.fields) and fields.issuperset(resource.written_fields)
