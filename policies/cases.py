"""Test cases that lie beside the rules: what is given, what is expected. Whoever changes a number writes the case for it.

Reads the files, puts the named people and situations in, and runs everything: `case_text.py` is what people write, `case_run.py` judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from policies.case_run import Question, Result, judge, run
from policies.case_text import (
    MOST,
    ApprovalText,
    CasesText,
    CaseText,
    ExpectText,
    GivenText,
    PersonText,
    RowText,
    SituationText,
    TableText,
)
from policies.load import CASES, read_document
from policies.problems import Document, Loc, PolicyError, PolicyErrors, checked
from policies.request import Action
from policies.rule import Policy

__all__ = ["FIXTURES", "GivenText", "Question", "Result", "case_files", "judge", "questions", "run_cases"]

FIXTURES = "people" + CASES
"""The file of a folder whose people and situations all files of cases there may name."""

type Progress = Callable[[int, int], object]
"""Told how many cases were run, and of how many."""


def case_files(source: Path) -> list[Path]:
    """Files with cases that belong to a folder of rules or to one rule file, whose folder's people it may name."""
    if source.is_dir():
        return sorted(source.glob("*" + CASES))
    beside = source.with_name(source.name.removesuffix(".yaml") + CASES)
    return [path for path in dict.fromkeys((beside, source.with_name(FIXTURES))) if path.exists()] if beside.exists() else []


def run_cases(source: Path, policy: Policy, progress: Progress | None = None) -> list[Result]:
    """Run all cases beside the rules. Raises PolicyErrors for a case file that cannot be used."""
    asked = questions(source)
    results: list[Result] = []
    for question in asked:
        results.append(run(question, policy))
        if progress is not None:
            progress(len(results), len(asked))
    return results


def questions(source: Path) -> list[Question]:
    """Every act that the cases beside the rules ask, in their order. Raises PolicyErrors with all errors of all files."""
    errors: list[PolicyError] = []
    found: list[tuple[Document, CasesText]] = []
    for path in case_files(source):
        try:
            document = read_document(path)
        except PolicyErrors as error:
            errors.extend(error.errors)
            continue
        text = checked(CasesText, document, errors)
        if text is not None:
            found.append((document, text))
    shared = next((text for document, text in found if document.file == FIXTURES), CasesText())
    asked: list[Question] = []
    if any(error.file == FIXTURES for error in errors):
        raise PolicyErrors(errors)  # else every name would be unknown too
    for document, text in found:
        asked += _Reader(document, text, CasesText() if document.file == FIXTURES else shared, errors).questions()
    if errors:
        raise PolicyErrors(errors)
    return asked


@dataclass(slots=True)
class _Reader:
    """Puts what one file names into its cases."""

    document: Document
    text: CasesText
    shared: CasesText
    errors: list[PolicyError]

    def questions(self) -> Iterator[Question]:
        self._twice("people", self.text.people, self.shared.people)
        self._twice("situations", self.text.situations, self.shared.situations)
        for place, case in enumerate(self.text.cases):
            yield from self._case(case, ("cases", place))
        for place, table in enumerate(self.text.tables):
            yield from self._table(table, ("tables", place))

    def _case(self, case: CaseText, loc: Loc) -> Iterator[Question]:
        given = self._given(case.given, (*loc, "given"))
        if given is not None and given.action is not None:
            yield Question(self.document.file, self.document.at(loc).line, case.name, given, given.action, case.expect)

    def _table(self, table: TableText, loc: Loc) -> Iterator[Question]:
        expected = self._expected(table, loc)
        line = self.document.at(loc).line
        for person, situation in product(table.people or ("",), table.situations or ("",)):
            named = {"person": person} if person else {}
            situations = (*table.given.situation, situation) if situation else table.given.situation
            given = self._given(table.given.model_copy(update={**named, "situation": situations}), loc)
            if given is None:
                continue
            for action in Action:
                expect = expected.get((person, situation, action), _DENIED)
                yield Question(self.document.file, line, table.name, given, action, expect)

    def _expected(self, table: TableText, loc: Loc) -> Mapping[tuple[str, str, Action], ExpectText]:
        expected: dict[tuple[str, str, Action], ExpectText] = {}
        for place, row in enumerate([RowText(expect=table.expect or {})] if table.rows is None else table.rows):
            here = (*loc, "rows", place)
            for name in {*row.people} - {*table.people} | {*row.situations} - {*table.situations}:
                self._error(here, f"{name!r} is not among the people and situations of this table", "name it above the rows too")
            people, situations = row.people or table.people or ("",), row.situations or table.situations or ("",)
            for person, situation, action in product(people, situations, row.expect):
                if (person, situation, action) in expected:
                    who = " ".join(word for word in (person, situation) if word)
                    self._error(here, f"{action.value} is expected twice{f' of {who}' if who else ''}", "one of the rows is too many")
                expected[person, situation, action] = row.expect[action]
        return expected

    def _given(self, given: GivenText, loc: Loc) -> GivenText | None:
        """With everything put in that it names; None, and an error, if it is not known or makes no sense."""
        known = len(self.errors)
        parts: list[BaseModel] = [self._named("situations", name, loc) or SituationText() for name in given.situation]
        if given.person is not None and (person := self._named("people", given.person, loc)) is not None:
            parts.append(person)
        values: dict[str, Any] = {}
        for part in (*parts, given):
            values |= {name: getattr(part, name) for name in part.model_fields_set if name != "about"}
        values["approvals"] = tuple(self._approval(approval, loc) for approval in values.get("approvals", ()))
        whole = GivenText.model_construct(**values)
        if len(self.errors) == known:
            self._sensible(whole, loc)
        return whole if len(self.errors) == known else None

    def _sensible(self, given: GivenText, loc: Loc) -> None:
        if given.roles is None:
            self._error(loc, "nobody asks here", "write `person: NAME` with one of `people`, or `roles: [manager]`")
        if given.clients is not None and (given.own is not None or given.others is not None):
            self._error(loc, "the clients are given twice", "either `clients`, or `own` and `others`")
        if sum(group.count for group in given.clients or ()) > MOST:
            self._error(loc, f"more than {MOST:,} clients", "a case with fewer shows the same")

    def _approval(self, approval: ApprovalText, loc: Loc) -> ApprovalText:
        if approval.roles is not None:
            return approval
        person = self._named("people", approval.by, loc)
        return approval if person is None else approval.model_copy(update={"roles": person.roles})

    def _named(self, kind: str, name: str, loc: Loc) -> Any:
        known: Mapping[str, PersonText | SituationText] = {**getattr(self.shared, kind), **getattr(self.text, kind)}
        if name not in known:
            self._error(loc, f"{name!r} is not one of the {kind}", f"known: {', '.join(sorted(known)) or 'none'}")
        return known.get(name)

    def _twice(self, kind: str, here: Mapping[str, object], shared: Mapping[str, object]) -> None:
        for name in here.keys() & shared.keys():
            self._error((kind, name), f"{name!r} is already one of the {kind} in {FIXTURES}", "give it another name")

    def _error(self, loc: Loc, message: str, hint: str) -> None:
        self.errors.append(self.document.error(loc, message, hint))


_DENIED = ExpectText(decision="deny")
