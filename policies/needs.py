"""What can be missing before an act may happen, and whether it is there: a key's touch, other people's approval, a word of one's own.

A need is a tree of AND and OR. A limit is none of these: what a rule denies, no proof lifts (attacks X24).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, assert_never

from policies.request import AccessRequest, Action, ApprovalProof, ClientId, CodeProof, KeyClass, KeyProof, Proof


class RequirementKind(StrEnum):
    """What can be missing."""

    KEY = "key"
    """A touch of a hardware key with user verification, bound to this act."""
    CODE = "code"
    """A code of the person's authenticator app for this act, or the key, which is always worth more. Only where little is at stake."""
    APPROVAL = "approval"
    """Other people say yes to this act, each with the own key."""
    JUSTIFY = "justify"
    """The person writes why."""
    ACKNOWLEDGE = "acknowledge"
    """The person has read the warning and goes on."""


BY_CODE = frozenset({Action.LIST, Action.READ, Action.SEARCH, Action.CREATE, Action.UPDATE})
"""Acts for which a code can do. Whatever carries clients away, destroys, or opens a further road demands the key (promises E86)."""


@dataclass(frozen=True, slots=True)
class Key:
    """A touch of the person's own key."""

    fresh_seconds: int = 0
    """A touch in this session that is not older counts too; 0: only a touch bound to exactly this act."""
    key_class: KeyClass = KeyClass.HARDWARE
    """At least such a key."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code of the person's authenticator app for exactly this act; a touch for it counts too. On acts beyond `BY_CODE` it is the key."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Approval by distinct other people. Nobody approves an act of his own."""

    count: int = 1
    role: str = "owner"
    """One, or several with `|` between them: any of these counts."""
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


type Need = Key | Code | Approval | Justify | Acknowledge | AllOf | AnyOf


def missing(need: Need, request: AccessRequest, going: Sequence[ClientId], act: Action | None = None) -> Need | None:
    """What of a need is still missing, if these clients go out; None: nothing. `act` is the class of its effect, else what it is named."""
    match need:
        case Key():
            return None if _touched(request, going, need) else need
        case Code():
            if (act or request.action) not in BY_CODE:
                return missing(Key(), request, going)
            return None if _proven(request, going) else need
        case Approval(count, role, expires_seconds):
            oldest = request.context.at - timedelta(seconds=expires_seconds)
            given = [proof for proof in request.approvals if _approves(proof, request, going, role) and proof.at >= oldest]
            enough = len({proof.approver for proof in given}) >= count or any(proof.alone for proof in given)
            return None if enough else need
        case Justify():
            return None if request.justified or _said(request, going, "justified") else need
        case Acknowledge():
            return None if request.acknowledged or _said(request, going, "acknowledged") else need
        case AllOf(needs):
            left = tuple(open_ for one in needs if (open_ := missing(one, request, going, act)) is not None)
            return None if not left else left[0] if len(left) == 1 else AllOf(left)
        case AnyOf(needs):
            ways = tuple(open_ for one in needs if (open_ := missing(one, request, going, act)) is not None)
            if len(ways) < len(needs):
                return None
            different = tuple(dict.fromkeys(ways))  # where a code is not enough, key or code is key or key
            return different[0] if len(different) == 1 else AnyOf(different)
    assert_never(need)


def holds(role: str, roles: Iterable[str]) -> bool:
    """Whether somebody with these roles counts for an approval's role; `owner|admin` is either."""
    return not set(role.split("|")).isdisjoint(roles)


def kinds(need: Need) -> tuple[RequirementKind, ...]:
    """The kinds of a need, each once, in their order."""
    match need:
        case Key():
            return (RequirementKind.KEY,)
        case Code():
            return (RequirementKind.CODE,)
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
    `CODE` among it says that a code does in the place of the key, together with everything else that is asked for.
    """
    asked = _to_ask(need)
    coded = _by_code(need) if asked is not None else None
    return asked if asked is None or coded is None or RequirementKind.CODE not in coded else asked | coded


def _to_ask(need: Need) -> frozenset[RequirementKind] | None:
    match need:
        case Key() | Code():
            return frozenset({RequirementKind.KEY})
        case Justify():
            return frozenset({RequirementKind.KEY, RequirementKind.JUSTIFY})
        case Acknowledge():
            return frozenset({RequirementKind.KEY, RequirementKind.ACKNOWLEDGE})
        case Approval():
            return None
        case AllOf(needs):
            return _all([_to_ask(one) for one in needs])
        case AnyOf(needs):
            return next((one for one in map(_to_ask, needs) if one is not None), None)
    assert_never(need)


def _by_code(need: Need) -> frozenset[RequirementKind] | None:
    """What is asked of a person who gives a code and touches no key; None: that cannot do. Without a `Code` in it the need knows none."""
    match need:
        case Key() | Approval():
            return None
        case Code():
            return frozenset({RequirementKind.CODE})
        case Justify():
            return frozenset({RequirementKind.JUSTIFY})
        case Acknowledge():
            return frozenset({RequirementKind.ACKNOWLEDGE})
        case AllOf(needs):
            return _all([_by_code(one) for one in needs])
        case AnyOf(needs):
            ways = [one for one in map(_by_code, needs) if one is not None]
            return next((one for one in ways if RequirementKind.CODE in one), ways[0] if ways else None)
    assert_never(need)


def _all(parts: Sequence[frozenset[RequirementKind] | None]) -> frozenset[RequirementKind] | None:
    return None if None in parts else frozenset().union(*[one for one in parts if one is not None])


def key_asked(need: Need) -> KeyClass:
    """What class of key the person needs for what `to_ask` says. A word of one's own asks for no special key."""
    match need:
        case Key(key_class=least):
            return least
        case Code() | Justify() | Acknowledge() | Approval():
            return KeyClass.SYNCED
        case AllOf(needs):
            return max(map(key_asked, needs), key=list(KeyClass).index)
        case AnyOf(needs):
            return key_asked(next((one for one in needs if to_ask(one) is not None), needs[0]))
    assert_never(need)


def of_others(need: Need) -> Need | None:
    """The approvals that others have to give first, and nothing else: an Approval, or AND and OR of them; None: none is needed.

    Of several ways all that the person cannot go alone count: others choose which.
    """
    match need:
        case Approval():
            return need
        case AllOf(needs):
            parts = tuple(dict.fromkeys(one for one in map(of_others, needs) if one is not None))
            return None if not parts else parts[0] if len(parts) == 1 else AllOf(parts)
        case AnyOf(needs):
            if to_ask(need) is not None:
                return None
            ways = tuple(dict.fromkeys(one for one in map(of_others, needs) if one is not None))
            return ways[0] if len(ways) == 1 else AnyOf(ways)
        case _:
            return None


def whose(need: Need) -> str:
    """Whose approvals a need asks for, the same in every language: `owner`, `2 × owner`, `owner + head_of_sales`, `owner / 2 × manager`."""
    match need:
        case Approval(count, role):
            return role if count == 1 else f"{count} × {role}"
        case AllOf(needs) | AnyOf(needs):
            parts = [f"({said})" if isinstance(one, AnyOf) and isinstance(need, AllOf) else said for one in needs if (said := whose(one))]
            return (" + " if isinstance(need, AllOf) else " / ").join(parts)
        case _:
            return ""


def covers(proof: KeyProof, request: AccessRequest, going: Sequence[ClientId]) -> bool:
    """Whether nothing goes out or is written that was not signed. Presence without PIN or biometry is no proof (attacks X23)."""
    return proof.user_verified and _signed(proof.ids, proof.fields, request, going)


def _touched(request: AccessRequest, going: Sequence[ClientId], need: Key) -> bool:
    proof = request.proof
    if isinstance(proof, KeyProof) and proof.key_class.meets(need.key_class) and covers(proof, request, going):
        return True
    proven, key_class = request.principal.proven_at, request.principal.proven_with
    if need.fresh_seconds == 0 or proven is None or key_class is None or not key_class.meets(need.key_class):
        return False
    return timedelta(0) <= request.context.at - proven <= timedelta(seconds=need.fresh_seconds)


def _proven(request: AccessRequest, going: Sequence[ClientId]) -> bool:
    """Whether a code, or a touch, was given for exactly this act."""
    proof = request.proof
    if isinstance(proof, CodeProof):
        return _signed(proof.ids, proof.fields, request, going)
    return proof is not None and covers(proof, request, going)


def _said(request: AccessRequest, going: Sequence[ClientId], what: Literal["justified", "acknowledged"]) -> bool:
    """Whether the person said it with the touch that signs exactly this act, or with the code for it where one can do."""
    proof: Proof | None = request.proof
    return proof is not None and getattr(proof, what) is True and _proven(request, going)


def _approves(proof: ApprovalProof, request: AccessRequest, going: Sequence[ClientId], role: str) -> bool:
    if (proof.approver == request.principal.id and not proof.alone) or not holds(role, proof.roles) or not proof.user_verified:
        return False
    return proof.at <= request.context.at and _signed(proof.ids, proof.fields, request, going)


def _signed(ids: frozenset[ClientId], fields: frozenset[str], request: AccessRequest, going: Sequence[ClientId]) -> bool:
    resource = request.resource
    return ids.issuperset(going) and fields.issuperset(resource.fields) and fields.issuperset(resource.written_fields)
