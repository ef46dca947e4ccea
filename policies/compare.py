"""What is different between two decisions on the same act: is the new one narrower, wider, or neither, and in which words.

Wider is whatever lets more go, asks for less, or tells fewer people. What cannot be put in an order (two masks that tell different things)
counts as wider: who widens a rule must say so, and nobody is harmed by one confirmation too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from policies.decision import Allow, Challenge, Decision, Deny, Obligations
from policies.document import written_mask, written_need
from policies.masks import CONTACT_GROUP, Mask, strictest
from policies.needs import AllOf, AnyOf, Approval, Code, Key, Need
from policies.request import AccessRequest, ClientId, KeyClass


class Kind(StrEnum):
    """How the new decision stands to the old one."""

    SAME = "same"
    NARROWER = "narrower"
    WIDER = "wider"
    OTHER = "other"
    """Of a comparison: wider in one thing and narrower in another, or only reasons differ. Of a change: neither."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different."""

    kind: Kind
    words: str
    """What is different, new before old, for example `allow instead of deny (not_for_you)`."""

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is different."""

    kind: Kind
    changes: tuple[Change, ...] = ()

    @property
    def widens(self) -> bool:
        """Whether anything is wider, even if something else is narrower."""
        return any(change.kind is Kind.WIDER for change in self.changes)


def compare(old: Decision, new: Decision, request: AccessRequest | None = None) -> Comparison:
    """Compare two decisions on the same act.

    With the `request`, "everything may go" and "exactly these may go" are the same where these are all that was asked for, and the mask
    of the group `contact` is the same as masks on each of its fields; without it they count as different.
    """
    changes = (*_verdicts(old, new), *_duties(old, new, request), *_reasons(old, new))
    kinds = {change.kind for change in changes}
    if not changes:
        return Comparison(Kind.SAME)
    if Kind.WIDER in kinds and Kind.NARROWER in kinds:
        return Comparison(Kind.OTHER, changes)
    return Comparison(next(kind for kind in (Kind.WIDER, Kind.NARROWER, Kind.OTHER) if kind in kinds), changes)


def verdict(decision: Decision) -> str:
    """`allow`, `challenge` or `deny`."""
    match decision:
        case Allow():
            return "allow"
        case Challenge():
            return "challenge"
        case Deny():
            return "deny"


_WIDTH = {"deny": 0, "challenge": 1, "allow": 2}


def _verdicts(old: Decision, new: Decision) -> Iterator[Change]:
    before, after = verdict(old), verdict(new)
    if before != after:
        kind = Kind.WIDER if _WIDTH[after] > _WIDTH[before] else Kind.NARROWER
        yield Change(kind, f"{after} instead of {before} ({_because(new if kind is Kind.NARROWER else old)})")
    if isinstance(old, Challenge) and isinstance(new, Challenge) and old.need != new.need:
        needs = f"needs {need_in_words(new.need)} instead of {need_in_words(old.need)}"
        if not implies(new.need, old.need):
            yield Change(Kind.WIDER, needs)
        else:
            yield Change(Kind.OTHER if implies(old.need, new.need) else Kind.NARROWER, needs)
    if isinstance(old, Deny) and isinstance(new, Deny) and old.quarantine != new.quarantine:
        yield _either(new.quarantine, "the file is put aside", "the file is no longer put aside")


def _reasons(old: Decision, new: Decision) -> Iterator[Change]:
    if verdict(old) == verdict(new) != "allow" and (before := _because(old)) != (after := _because(new)):
        yield Change(Kind.OTHER, f"reason {after} instead of {before}")


def _because(decision: Decision) -> str:
    return ", ".join(dict.fromkeys(because.reason.code for because in decision.reasons))


def _duties(old: Decision, new: Decision, request: AccessRequest | None) -> Iterator[Change]:
    if isinstance(old, Deny) or isinstance(new, Deny):
        return
    before, after = old.obligations, new.obligations
    if before == after:
        return
    yield from _kept(_keep(before, request), _keep(after, request))
    yield from _masks(before, after, request)
    if before.notify != after.notify:
        yield _either(after.notify, "the reviewer is told", "the reviewer is no longer told")
    if before.watermark != after.watermark:
        yield _either(after.watermark, "with a watermark", "no watermark any more")
    if lost := before.drop_written - after.drop_written:
        yield Change(Kind.WIDER, f"a mask may be written back to {', '.join(sorted(lost))}")
    if gained := after.drop_written - before.drop_written:
        yield Change(Kind.NARROWER, f"no mask is written back to {', '.join(sorted(gained))}")
    if shown := before.hidden - after.hidden:
        yield Change(Kind.WIDER, f"the order of an answer may tell {', '.join(sorted(shown))}")
    if covered := after.hidden - before.hidden:
        yield Change(Kind.NARROWER, f"no order of an answer tells {', '.join(sorted(covered))}")


def _either(more_is_done: bool, words: str, lost: str) -> Change:
    return Change(Kind.NARROWER, words) if more_is_done else Change(Kind.WIDER, lost)


def _keep(duties: Obligations, request: AccessRequest | None) -> frozenset[ClientId] | None:
    if duties.keep is None and request is not None and request.resource.ids is not None:
        return frozenset(request.resource.ids)
    return duties.keep


def _kept(before: frozenset[ClientId] | None, after: frozenset[ClientId] | None) -> Iterator[Change]:
    if before == after:
        return
    if before is None or after is None:
        yield Change(Kind.WIDER if after is None else Kind.NARROWER, f"{_clients(after)} instead of {_clients(before)}")
        return
    more, fewer = len(after - before), len(before - after)
    numbers = f"{_clients(after)} instead of {_clients(before)}"
    if more:
        yield Change(Kind.WIDER, numbers if not fewer else f"{numbers}, {more} of them others than before")
    if fewer:
        yield Change(Kind.NARROWER, numbers if not more else f"{fewer} clients are left out that went before")


def _clients(kept: frozenset[ClientId] | None) -> str:
    return "all clients" if kept is None else f"{len(kept)} client{'' if len(kept) == 1 else 's'}"


def _masks(before: Obligations, after: Obligations, request: AccessRequest | None) -> Iterator[Change]:
    old, new = _by_field(before, request), _by_field(after, request)
    for name in sorted(old.keys() | new.keys()):
        counted: dict[tuple[Kind, str], int] = {}
        here, there = old.get(name, {}), new.get(name, {})
        for client in here.keys() | there.keys():
            one, two = here.get(client), there.get(client)
            if one != two:
                change = _mask(one, two)
                counted[change] = counted.get(change, 0) + 1
        for (kind, words), count in sorted(counted.items()):
            yield Change(kind, f"{name} {words} for {count} client{'' if count == 1 else 's'}")


def _mask(before: Mask | None, after: Mask | None) -> tuple[Kind, str]:
    words = f"{_mask_in_words(after)} instead of {_mask_in_words(before)}"
    if after is None:
        return Kind.WIDER, words
    return (Kind.NARROWER if before is None or strictest(before, after) == after else Kind.WIDER), words


def _mask_in_words(mask: Mask | None) -> str:
    if mask is None:
        return "clear"
    written = written_mask(mask)
    return " ".join(f"{name} {measure}" for name, measure in written.items()) if isinstance(written, dict) else str(written)


def _by_field(duties: Obligations, request: AccessRequest | None) -> dict[str, dict[ClientId, Mask]]:
    """Field -> client -> the strictest mask that holds."""
    fields: dict[str, dict[ClientId, Mask]] = {}
    for one in duties.masks:
        group = request is not None and one.field == CONTACT_GROUP
        for name in request.resource.contact_fields if request is not None and group else (one.field,):
            here = fields.setdefault(name, {})
            for client in one.clients:
                here[client] = strictest(here.get(client), one.mask)
    return fields


def need_in_words(need: Need) -> str:
    """A need as a phrase, for example `key and approval by 2 (owner)`."""
    match need:
        case Key(fresh, least):
            key = {KeyClass.SYNCED: "any key", KeyClass.HARDWARE: "key", KeyClass.VERIFIED: "verified key"}[least]
            return f"{key} within {fresh} seconds" if fresh else key
        case Approval(count, role, _):
            return f"approval by {count} ({role})"
        case AllOf(needs):
            return " and ".join(_inner(one) for one in needs)
        case AnyOf(needs):
            return " or ".join(_inner(one) for one in needs)
        case _:
            return str(written_need(need))


def _inner(need: Need) -> str:
    return f"({need_in_words(need)})" if isinstance(need, AllOf | AnyOf) else need_in_words(need)


def implies(one: Need, other: Need) -> bool:
    """Whether whoever has brought `one` has brought `other` too. True is certain; of deeply mixed needs it may say False too often."""
    match one, other:
        case AnyOf(needs), _:
            return all(implies(part, other) for part in needs)
        case _, AllOf(needs):
            return all(implies(one, part) for part in needs)
        case AllOf(needs), AnyOf(others):
            return any(implies(part, other) for part in needs) or any(implies(one, way) for way in others)
        case _, AnyOf(needs):
            return any(implies(one, way) for way in needs)
        case AllOf(needs), _:
            return any(implies(part, other) for part in needs)
        case Key(fresh, given), Key(allowed, least):
            return fresh <= allowed and given.meets(least)
        case Key(fresh), Code():
            return fresh == 0
        case Approval() as given, Approval() as asked:
            return given.role == asked.role and given.count >= asked.count and given.expires_seconds <= asked.expires_seconds
        case _:
            return one == other
