"""Answers from the record itself: what the log's own index finds, and a look at every event that the index does not have yet.

An answer is therefore never behind the log. Where too much is not indexed (the index is being built), the answer says which part of the log
was not looked at. No row is given out that its own event does not bear out, whatever the index says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit_store.log import Entry, Log, Logged
from audit_store.log_file import parsed, received_at
from audit_store.search import Conditions, Question, is_answer
from audit_store.search_index import IndexReader, SearchIndexError, Tally, report_damage
from audit_store.search_marks import Marks

SCAN_MAX = 20_000
"""Events that are read one by one for one answer: a second or two. The index is seldom further behind."""
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Events that meet a question, in its order."""

    rows: tuple[Logged, ...]
    unsearched: tuple[int, int] | None = None
    """First and last sequence of the events that were not looked at; None: the answer is whole, up to its limit."""


@dataclass(frozen=True, slots=True)
class Sums:
    """How often, by person and deed."""

    tallies: tuple[Tally, ...]
    unsearched: tuple[int, int] | None = None


@dataclass(slots=True)
class _Budget:
    """What may still be read one by one."""

    left: int
    unsearched: tuple[int, int] | None = field(default=None)


class Searcher:
    """Asks one log and the index beside it. May be used from several threads."""

    def __init__(self, log: Log, folder: Path, *, scan_max: int = SCAN_MAX) -> None:
        """`folder` is where the index lies (`state/log`); it need not be there."""
        self._log = log
        self._folder = folder
        self._scan_max = scan_max

    def ask(self, question: Question) -> Answer:
        """The events that meet the question. Raises QuestionRefusedError, LogError."""
        conditions = question.conditions()
        if conditions is None or question.size == 0:
            return Answer(())
        with IndexReader.opened(self._folder, self._log) as index:
            try:
                return self._ask(question, conditions, index)
            except SearchIndexError as error:  # the log has everything
                self._noticed(error)
                return self._ask(question, conditions, None)

    def count(self, question: Question) -> Sums:
        """How many events meet the question, by person and deed, with the first and the last time; its limit and order mean nothing here.

        Raises QuestionRefusedError, LogError.
        """
        conditions = question.conditions()
        if conditions is None:
            return Sums(())
        with IndexReader.opened(self._folder, self._log) as index:
            try:
                return self._count(question, conditions, index)
            except SearchIndexError as error:
                self._noticed(error)
                return self._count(question, conditions, None)

    def _noticed(self, error: SearchIndexError) -> None:
        if error.damaged:
            report_damage(self._folder)

    def _ask(self, question: Question, conditions: Conditions, index: IndexReader | None) -> Answer:
        indexed = index.position if index is not None else 0
        budget = _Budget(self._scan_max)
        wanted = question.size
        rows: list[Logged] = []
        edge = question.edge
        if question.newest_first:
            end = self._end() if edge is None else min(self._end(), edge - 1)
            rows += self._scanned(question, conditions, self._backwards(indexed, end, budget), wanted)
            if len(rows) < wanted and index is not None:
                rows += self._found(question, conditions, index, 0, min(indexed, end), wanted - len(rows))
        else:
            start = edge or 0
            if index is not None:
                rows += self._found(question, conditions, index, start, indexed, wanted)
            if len(rows) < wanted:
                rows += self._scanned(question, conditions, self._forwards(max(start, indexed), budget), wanted - len(rows))
        return Answer(tuple(rows), budget.unsearched)

    def _count(self, question: Question, conditions: Conditions, index: IndexReader | None) -> Sums:
        found = index.tally(conditions, question) if index is not None else []
        sums = {(one.person, one.deed): one for one in found}
        budget = _Budget(self._scan_max)
        for entry in self._backwards(index.position if index is not None else 0, self._end(), budget):
            document = parsed(entry.canonical)
            if is_answer(document, conditions, question.span):
                marks = Marks(document)
                known = sums.get((marks.person, marks.deed), Tally(marks.person, marks.deed, 0, None, None))
                sums[marks.person, marks.deed] = known.with_one(marks.at)
        return Sums(tuple(sums.values()), budget.unsearched)

    def _end(self) -> int:
        newest = self._log.tail(1)
        return newest[-1].sequence if newest else 0

    def _found(
        self, question: Question, conditions: Conditions, index: IndexReader, after: int, until: int, wanted: int
    ) -> Iterator[Logged]:
        """What the index finds above `after` and up to `until`, as far as the log bears it out."""
        found = 0
        while after < until:
            numbers = index.find(conditions, question, after=after, until=until, limit=wanted - found)
            for entry in self._entries(numbers):
                document = parsed(entry.canonical)
                if is_answer(document, conditions, question.span):
                    found += 1
                    yield _row(entry, document)
            if found >= wanted or not numbers:
                return
            if question.newest_first:
                until = numbers[-1] - 1
            else:
                after = numbers[-1]

    def _entries(self, numbers: Sequence[int]) -> Iterator[Entry]:
        """The entries of these sequences, in their order; what the log has no more is left out. Neighbours are read together."""
        place = 0
        while place < len(numbers):
            step = 1 if place + 1 < len(numbers) and numbers[place + 1] > numbers[place] else -1
            end = place + 1
            while end < len(numbers) and numbers[end] == numbers[end - 1] + step:
                end += 1
            first, last = sorted((numbers[place], numbers[end - 1]))
            yield from self._log.entries(first - 1, last - first + 1, until=last)[::step]
            place = end

    def _forwards(self, after: int, budget: _Budget) -> Iterator[Entry]:
        while batch := self._log.entries(after, _BATCH):
            for entry in batch:
                if budget.left <= 0:
                    budget.unsearched = (entry.sequence, self._end())
                    return
                budget.left -= 1
                yield entry
            after = batch[-1].sequence

    def _backwards(self, after: int, end: int, budget: _Budget) -> Iterator[Entry]:
        while end > after:
            if budget.left <= 0:
                budget.unsearched = (after + 1, end)
                return
            start = max(after, end - min(_BATCH, budget.left))
            budget.left -= end - start
            yield from reversed(self._log.entries(start, end - start, until=end))
            end = start

    @staticmethod
    def _scanned(question: Question, conditions: Conditions, entries: Iterator[Entry], wanted: int) -> Iterator[Logged]:
        for entry in entries:
            document = parsed(entry.canonical)
            if is_answer(document, conditions, question.span):
                yield _row(entry, document)
                wanted -= 1
                if wanted <= 0:
                    return


def _row(entry: Entry, document: dict[str, object]) -> Logged:
    return Logged(entry.sequence, received_at(entry.received), entry.producer, entry.epoch, entry.producer_sequence, document)
