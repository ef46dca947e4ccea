"""What joins conditions: `&&`, `||`, and the quantifiers `all`, `exists` and `exists_one` with a limit on how often they ask.

One condition that decides makes up for another that fails, whatever their order is: CEL's rule. Where none decides, the failure is that of
the whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.attributes import BOOL, Facts
from policies.operators import EVALUATION_ERRORS, Evaluate, Part, Scope

MAX_NESTED = 3
"""Quantifiers inside each other."""
MAX_ROUNDS = 10_000
"""How often the body of a quantifier is asked at most, with all rounds of those around it multiplied. One that would be asked more often
fails, and a rule that fails denies. Lists that rules look at have some dozens of items; the limit is for lists that an attacker fills."""


class TooManyRoundsError(ValueError):
    """A list is too long to be gone through."""


def first_that_decides(runs: Sequence[Evaluate], *, decisive: bool) -> Evaluate:
    """`||` if true decides, `&&` if false does."""
    if len(runs) == 2:
        return _either(*runs, decisive=decisive)

    def run(facts: Facts, scope: Scope) -> bool:
        failed: Exception | None = None
        for side in runs:
            try:
                found: bool = side(facts, scope)
                if found is decisive:
                    return found
            except EVALUATION_ERRORS as error:
                failed = error
        if failed is not None:
            raise failed
        return not decisive

    return run


def _either(left: Evaluate, right: Evaluate, *, decisive: bool) -> Evaluate:
    def run(facts: Facts, scope: Scope) -> bool:
        try:
            first: bool = left(facts, scope)
        except EVALUATION_ERRORS:
            second: bool = right(facts, scope)
            if second is not decisive:
                raise
            return second
        return first if first is decisive else bool(right(facts, scope))

    return run


def quantified(kind: str, items: Evaluate, test: Evaluate) -> Part:
    """Compile a quantifier of this kind from its list and its body."""
    return Part(BOOL, _exactly_one(items, test) if kind == "exists_one" else _until(items, test, decisive=kind == "exists"))


def _until(items: Evaluate, test: Evaluate, *, decisive: bool) -> Evaluate:
    def run(facts: Facts, scope: Scope) -> bool:
        found = items(facts, scope)
        if not found:
            return not decisive
        around = (_rounds(len(found), scope), *scope[1:])
        failed: Exception | None = None
        for item in found:
            try:
                holds: bool = test(facts, (*around, item))
                if holds is decisive:
                    return holds
            except EVALUATION_ERRORS as error:
                failed = error
        if failed is not None:
            raise failed
        return not decisive

    return run


def _exactly_one(items: Evaluate, test: Evaluate) -> Evaluate:
    """No item decides alone, so that a failure on any of them is one of the whole."""

    def run(facts: Facts, scope: Scope) -> bool:
        found = items(facts, scope)
        around = (_rounds(len(found), scope), *scope[1:])
        return [test(facts, (*around, item)) for item in found].count(True) == 1

    return run


def _rounds(count: int, scope: Scope) -> int:
    around: int = scope[0] if scope else 1
    if count * around > MAX_ROUNDS:
        raise TooManyRoundsError(f"more than {MAX_ROUNDS} rounds")
    return count * around
