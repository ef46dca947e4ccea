"""Results of cases as JUnit XML, the form that CI servers read: `testsuites`, a `testsuite` per file, a `testcase` per decision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree

from policies.case_run import Result
from policies.problems import PolicyError

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (section 2.2); a quoted text of YAML can."""


def junit(results: Sequence[Result], seconds: float) -> bytes:
    """One document; `seconds` is what the whole run took. A red case has a `failure` that says what differs."""
    suites = _suites(len(results), sum(not result.green for result in results), 0, seconds)
    for file, group in groupby(results, key=lambda result: result.file):
        here = list(group)
        red = sum(not result.green for result in here)
        suite = ElementTree.SubElement(suites, "testsuite", name=_plain(file), tests=str(len(here)), failures=str(red), errors="0")
        for result in here:
            case = ElementTree.SubElement(suite, "testcase", classname=_plain(file), name=_plain(f"{result.title}: {result.action.value}"))
            if not result.green:
                failure = ElementTree.SubElement(case, "failure", type="decision", message=_plain("; ".join(result.wrong)))
                failure.text = _plain("\n".join((f"{file}:{result.line}", *result.wrong, *result.because)))
    return _written(suites)


def junit_errors(errors: Iterable[PolicyError]) -> bytes:
    """A document for rules or cases that could not be read at all: an `error` for each place."""
    found = list(errors)
    suites = _suites(len(found), 0, len(found), 0.0)
    suite = ElementTree.SubElement(suites, "testsuite", name="policy", tests=str(len(found)), failures="0", errors=str(len(found)))
    for error in found:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_plain(error.file), name=f"{_plain(error.file)}:{error.line}:{error.column}"
        )
        ElementTree.SubElement(case, "error", type="policy", message=_plain(str(error)))
    return _written(suites)


def _suites(tests: int, failures: int, errors: int, seconds: float) -> ElementTree.Element:
    numbers = {"tests": str(tests), "failures": str(failures), "errors": str(errors), "time": f"{seconds:.3f}"}
    return ElementTree.Element("testsuites", {"name": "torwart policy test", **numbers})


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _written(suites: ElementTree.Element) -> bytes:
    ElementTree.indent(suites)
    document: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"
