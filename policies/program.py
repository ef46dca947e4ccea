"""Conditions on records of many rules as one list of steps: what several conditions share is worked out once.

A step joins two sets of records, to those that are in both or to those that are in either. Nothing is turned round on the way: a leaf has
two sets, where it is true and where it is false, and `!` asks for the other one. Where a leaf failed, it is in neither, and what comes of
such sets is what CEL says: a side that decides makes up for one that failed. A record that a condition is neither true nor false of is
one that it failed for. That can only be where one of its leaves failed, so what is false is worked out for no other condition.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from policies.where import Both, Choice, Leaf, Logic, Negation, Where, leaves

type Join = Callable[[int, int], int]
type Step = tuple[Join, int, int]
"""How to join which two of the sets that are known before it. Its own place is the next one."""

_REMEMBERED = 32
"""Of sets of leaves that fail together. Beyond that it is as if all of them had failed."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is worked out, in this order. Leaf n stands at place 2n where it is true and at 2n + 1 where it is false; the steps follow."""

    steps: tuple[Step, ...]
    places: Mapping[Where, int]
    """Where the records of each condition stand."""


@dataclass(frozen=True, slots=True)
class Program:
    """The steps for some conditions."""

    leaves: tuple[Leaf, ...]
    true: Steps
    """The records that each condition is true of."""
    _doubts: dict[frozenset[int], Steps] = field(default_factory=dict, repr=False, compare=False)

    def doubts(self, failed: frozenset[int]) -> Steps:
        """The records that those conditions are false of which may have failed, where the leaves of these numbers did."""
        known = self._doubts.get(failed)
        if known is None:
            if len(self._doubts) >= _REMEMBERED:
                failed = frozenset(range(len(self.leaves)))
            broken = {self.leaves[number] for number in failed}
            doubtful = [where for where in self.true.places if not broken.isdisjoint(leaves(where.logic))]
            known = self._doubts[failed] = _steps(self.leaves, doubtful, wanted=False)
        return known


def program(conditions: Iterable[Where | None]) -> Program:
    """The program of these conditions; None, of a rule about all records, needs none."""
    wheres = list(dict.fromkeys(where for where in conditions if where is not None))
    found = tuple(dict.fromkeys(leaf for where in wheres for leaf in leaves(where.logic)))
    return Program(found, _steps(found, wheres, wanted=True))


def _steps(known: tuple[Leaf, ...], wheres: Iterable[Where], *, wanted: bool) -> Steps:
    compiler = _Compiler(known)
    places = {where: compiler.place(where.logic, wanted=wanted) for where in wheres}
    return Steps(tuple(compiler.steps), places)


class _Compiler:
    """Finds the place of a set of records, and adds the steps that are missing before it."""

    def __init__(self, known: tuple[Leaf, ...]) -> None:
        self.steps: dict[Step, int] = {}
        self._first = 2 * len(known)
        self._places: dict[tuple[Logic, bool], int] = {}
        for number, leaf in enumerate(known):
            self._places[leaf, True], self._places[leaf, False] = 2 * number, 2 * number + 1

    def place(self, logic: Logic, *, wanted: bool) -> int:
        """Where the records stand that a condition is true of, or, if that is wanted, false of."""
        place = self._places.get((logic, wanted))
        if place is None:
            place = self._places[logic, wanted] = self._made(logic, wanted=wanted)
        return place

    def _made(self, logic: Logic, *, wanted: bool) -> int:
        match logic:
            case Negation(part):
                return self.place(part, wanted=not wanted)
            case Both(parts, any_):
                join: Join = operator.or_ if any_ is wanted else operator.and_
                return reduce(lambda one, other: self._joined(join, one, other), [self.place(part, wanted=wanted) for part in parts])
            case Choice(test, yes, no):
                left = self._joined(operator.and_, self.place(test, wanted=True), self.place(yes, wanted=wanted))
                right = self._joined(operator.and_, self.place(test, wanted=False), self.place(no, wanted=wanted))
                return self._joined(operator.or_, left, right)
        raise AssertionError("every leaf has its place from the start")

    def _joined(self, join: Join, one: int, other: int) -> int:
        step = (join, min(one, other), max(one, other))
        return self.steps.setdefault(step, self._first + len(self.steps))
