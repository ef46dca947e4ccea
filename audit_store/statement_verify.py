"""Compares the record with what was stated about it: with signed statements, best with those of places outside this machine.

Two steps: `Collected` looks at the statements themselves (is each signed by a key that is trusted, does each follow the one before it, does
one number stand for one statement everywhere), `Comparison` is then shown every entry of the log and says what is not as it was stated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from audit_store.log_verify import Problem
from audit_store.merkle import Frontier, leaf_hash
from audit_store.statement import KEYS, End, Head, NewKey, Statement, StatementError, Tree, entry_bytes, fingerprint

_DAY_MS = 24 * 60 * 60 * 1000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What one place has."""

    name: str
    statements: Sequence[Statement | StatementError]
    whole: bool = False
    """Every statement must be in it, up to its newest one: a gap is a loss."""
    took: Mapping[str, int] = field(default_factory=dict)
    """Signer -> the number up to which it has taken statements."""
    own: bool = False
    """It is this machine: no place outside can have more."""


@dataclass(slots=True)
class Collected:
    """The statements of all places that are good, and what is wrong with the others."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    """Public keys that are trusted: those given, and those that they lead to."""

    @property
    def newest(self) -> datetime | None:
        """Time of the newest statement."""
        return max((statement.time for statement in self.statements), default=None)


def collect(places: Iterable[Kept], trusted: Iterable[str]) -> Collected:
    """Look at all statements, places outside first: where two differ, theirs counts.

    `trusted` are fingerprints or public keys (hexadecimal) that are known from elsewhere.
    """
    found, variants = Collected(), _Variants()
    for place in places:
        _take(place, variants, found.problems)
        if place.own:
            found.problems += _lost_here(place, variants)
    keys = [one for signer, numbers in variants.items() if signer.partition("-")[0] == KEYS for same in numbers.values() for _, one in same]
    found.keys = _trusted_keys(keys, list(trusted), found.problems)
    for signer in sorted(variants):
        found.statements += _signed(_chosen(variants[signer], found), found)
    return found


class _Variants(defaultdict[str, defaultdict[int, list[tuple[str, Statement]]]]):
    """Signer -> number -> place and statement, each text once."""

    def __init__(self) -> None:
        super().__init__(lambda: defaultdict(list))


def _take(place: Kept, variants: _Variants, problems: list[Problem]) -> None:
    """Put the place's statements to those of the others."""
    own: defaultdict[str, set[int]] = defaultdict(set)
    for one in place.statements:
        if isinstance(one, StatementError):
            problems.append(Problem(None, None, None, f"{place.name}: a statement cannot be read: {one}"))
            continue
        own[one.signer].add(one.number)
        same = variants[one.signer][one.number]
        for at, (name, known) in enumerate(same):
            if one.text == known.text:
                same[at] = (name, replace(known, signatures={**one.signatures, **known.signatures}))
                break
        else:
            same.append((place.name, one))
    for signer in sorted(own.keys() | place.took.keys()):
        numbers, last = own[signer], max(place.took.get(signer, 0), *own[signer], 0)
        if place.whole and len(numbers) < last:
            gap = next(number for number in range(1, last + 1) if number not in numbers)
            problems.append(Problem(None, None, None, f"{place.name}: {last - len(numbers)} statements are missing, {signer} {gap} first"))


def _chosen(variants: Mapping[int, Sequence[tuple[str, Statement]]], found: Collected) -> dict[int, Statement]:
    """One statement for each number. Two that are signed are a fork: both were true once."""
    chosen: dict[int, Statement] = {}
    forked = False
    for number in sorted(variants):
        same = variants[number]
        if len(same) > 1:
            signed = [(place, one) for place, one in same if any(one.signed_by(key) for key in found.keys)]
            for place, one in same:
                if signed and (place, one) not in signed:
                    text = f"{place}: statement {_named(one)} was changed: its signature does not fit"
                    found.problems.append(Problem(None, None, None, text))
            if len(signed) > 1 and not forked:
                forked = True  # all later ones differ too
                (_, first), (place, second) = signed[:2]
                text = f"{_named(first)} and {_named(second)} ({place}) are two statements: this machine was set back to an older state"
                found.problems.append(_about(first, text))
            same = signed or same
        chosen[number] = same[0][1]
    return chosen


def _lost_here(place: Kept, variants: _Variants) -> list[Problem]:
    """What places outside have of this machine, and it has not."""
    numbers: defaultdict[str, int] = defaultdict(int)
    for one in place.statements:
        if isinstance(one, Statement):
            numbers[one.signer] = max(numbers[one.signer], one.number)
    found = []
    for signer in sorted(variants):
        first, last = numbers[signer] + 1, max(variants[signer])
        if last >= first:
            text = f"{place.name} has lost its statements {signer} {first} to {last}: it was set back to an older state, or they were cut"
            found.append(Problem(None, None, None, text))
    return found


def _trusted_keys(statements: Iterable[Statement], trusted: list[str], problems: list[Problem]) -> list[bytes]:
    """The keys that were named, and all that key statements signed by both connect with them, older and newer."""
    named = [one for one in statements if isinstance(one.body, NewKey)]
    publics = {one.body.public for one in named if isinstance(one.body, NewKey) and one.signed_by(one.body.public)}
    keys = {public for public in publics if fingerprint(public) in trusted}
    keys |= {bytes.fromhex(word) for word in trusted if len(word) == 64}
    grown = True
    while grown:
        grown = False
        for one in named:
            signers = {public for public in publics | keys if one.signed_by(public)}
            if signers & keys and not signers <= keys:
                keys |= signers
                grown = True
    for one in named:
        if one.number > 1 and len({public for public in publics | keys if one.signed_by(public)}) < 2:
            problems.append(_about(one, "the key was changed without the one before it: somebody has said that it was lost"))
    for word in trusted:
        if word not in {fingerprint(key) for key in keys} and len(word) != 64:
            problems.append(Problem(None, None, None, f"no statement names the key {word}: give its 64 hexadecimal digits"))
    return sorted(keys)


def _signed(statements: Mapping[int, Statement], found: Collected) -> list[Statement]:
    """Those of one signer that are signed, and are what the next one says came before it.

    The newest of a piece without gaps stands for all before it: they are chained, so one signature for a piece is looked at.
    """
    good: list[Statement] = []
    following: Statement | None = None
    for number in sorted(statements, reverse=True):
        one = statements[number]
        next_one = following if following is not None and following.number == number + 1 else None
        chained = next_one is not None and next_one.before == one.digest
        if next_one is not None and not chained:
            found.problems.append(_about(next_one, f"statement {next_one.name} does not follow {one.name}: one of them was exchanged"))
        if chained or any(one.signed_by(key) for key in found.keys):
            good.append(one)
            following = one
        else:
            found.problems.append(_about(one, f"statement {one.name} is not signed by a key that is trusted"))
    return good[::-1]


class Comparison:
    """Is shown the log from its first entry on, and names what is not as it was stated."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.entries = 0
        """How many it was shown."""
        self._trees: defaultdict[int, list[tuple[Tree, Statement]]] = defaultdict(list)
        self._ends: defaultdict[tuple[str, int, int], dict[bytes, Statement]] = defaultdict(dict)
        self._broken: list[Problem] = []
        self._said: list[Problem] = []
        self._spans: list[tuple[int, int, Statement]] = []
        newest: tuple[Tree, Statement] | None = None
        for one in statements:
            match one.body:
                case Tree() as tree:
                    self._trees[tree.last].append((tree, one))
                    newest = (tree, one) if newest is None or one.time > newest[1].time else newest
                    if tree.broken is not None:
                        self._broken.append(_about(one, f"statement {_named(one)} breaks with those before it: {tree.broken}"))
                case Head(end):
                    self._end(end, one)
        if newest is not None:  # the ends in those before it stand below their roots, too
            for end in newest[0].ends:
                self._end(end, newest[1])
        self._frontier = Frontier()
        self._agreed = 0
        self._differs = False
        self._number = 0
        self._day: date | None = None
        self._day_ends = 0

    def __call__(self, sequence: int, received: int, producer: str, epoch: int, number: int, digest: bytes) -> list[Problem]:
        """One entry; what is wrong up to it."""
        if received >= self._day_ends:
            self._next_day(received)
        self._frontier.append(leaf_hash(entry_bytes(sequence, received, producer, epoch, number, digest)))
        self._number = sequence
        self.entries += 1
        found: list[Problem] = []
        if (stated := self._ends.pop((producer, epoch, number), None)) is not None:
            for said, statement in stated.items():
                if said != digest:
                    found.append(Problem(sequence, producer, number, f"is another event than was stated in {_named(statement)}"))
        self._said += found
        if (trees := self._trees.pop(sequence, None)) is not None:
            self._compare(trees)
        return found

    def finish(self, known: Iterable[Problem], waiting: Callable[[str, int, int], bytes | None] = lambda *_: None) -> list[Problem]:
        """What is left to say: entries that are not as they were stated, where none of the problems that are `known` is in their midst and
        says more, and those that the log does not have.

        `waiting` finds the hash of an event (producer, epoch, sequence) that its producer has and the log has not taken yet.
        """
        found = [*self._broken, *self._differing({problem.sequence for problem in known if problem not in self._said})]
        beyond = [last for last in self._trees if last > self._number]
        if beyond:
            first, last = self._number + 1, max(beyond)
            text = "missing" if last == first else f"missing, and all up to {last}"
            found.append(Problem(first, None, None, f"{text}: stated in {_named(self._trees[last][0][1])}"))
        holes = [last for last in self._trees if last <= self._number]
        if holes:
            found.append(Problem(min(holes), None, None, f"is not in the log: stated in {_named(self._trees[min(holes)][0][1])}"))
        missing: dict[str, tuple[int, Statement]] = {}
        for (producer, epoch, number), stated in self._ends.items():
            there = waiting(producer, epoch, number)
            for said, statement in stated.items():
                if there is None and number >= missing.get(producer, (0, statement))[0]:
                    missing[producer] = (number, statement)
                elif there is not None and there != said:
                    found.append(Problem(None, producer, number, f"is another event than was stated in {_named(statement)}"))
        for producer, (number, statement) in sorted(missing.items()):
            found.append(Problem(None, producer, number, f"missing: stated in {_named(statement)}"))
        return found

    def _end(self, end: End, statement: Statement) -> None:
        self._ends[end.producer, end.epoch, end.sequence].setdefault(end.hash, statement)

    def _next_day(self, received: int) -> None:
        day = received // _DAY_MS
        self._day, self._day_ends = _EPOCH + timedelta(days=day), (day + 1) * _DAY_MS
        self._frontier, self._differs, self._agreed = Frontier(), False, self._number

    def _compare(self, trees: list[tuple[Tree, Statement]]) -> None:
        root = self._frontier.root()
        for tree, statement in trees:
            if (tree.day, tree.size, tree.root) == (self._day, self._frontier.size, root):
                self._agreed = tree.last
            elif not self._differs:
                self._differs = True  # every later one of this day differs too
                self._spans.append((self._agreed + 1, tree.last, statement))

    def _differing(self, known: set[int | None]) -> list[Problem]:
        found = []
        for first, last, statement in self._spans:
            if not any(number is not None and first <= number <= last for number in known):
                where = "is not what was stated" if first == last else f"to {last}: not all is what was stated"
                found.append(Problem(first, None, None, f"{where} in {_named(statement)}"))
        return found


def _about(statement: Statement, text: str) -> Problem:
    match statement.body:
        case Head(end):
            return Problem(None, end.producer, end.sequence, text)
        case Tree() as tree:
            return Problem(tree.last, None, None, text)
        case NewKey():
            return Problem(None, None, None, text)


def _named(statement: Statement) -> str:
    return f"{statement.name} of {statement.time:%Y-%m-%d %H:%M:%S} UTC"
