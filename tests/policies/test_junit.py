"""JUnit XML as CI servers read it."""

from lxml import etree

from policies.case_run import Result
from policies.decision import Allow, Deny
from policies.junit import junit, junit_errors
from policies.problems import PolicyError
from policies.reasons import ALLOWED, NOT_FOR_YOU, Because
from policies.request import Action

YES, NO = Allow((Because(ALLOWED),), rules=("1:reads",)), Deny((Because(NOT_FOR_YOU),))
WRONG = ("decision: expected allow, got deny", "kept: expected 3, got none")
RESULTS = [
    Result("a.cases.yaml", 3, "may read", Action.READ, YES),
    Result("a.cases.yaml", 7, "may <not> & list\x07\x1b", Action.LIST, NO, WRONG),
    Result("b.cases.yaml", 2, "may read", Action.READ, YES, who="anna, at night"),
]


def test_every_decision_is_a_case_and_a_red_one_says_what_differs():
    root = etree.fromstring(junit(RESULTS, 1.5))
    assert root.tag == "testsuites"
    assert root.attrib == {"name": "torwart policy test", "tests": "3", "failures": "1", "errors": "0", "time": "1.500"}
    suites = root.findall("testsuite")
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("a.cases.yaml", "2", "1"),
        ("b.cases.yaml", "1", "0"),
    ]
    cases = root.findall("testsuite/testcase")
    names = [case.get("name") for case in cases]
    assert names == [
        "may read: read",
        "may <not> & list\ufffd\ufffd: list",
        "may read (anna, at night): read",
    ]
    assert [case.get("classname") for case in cases] == ["a.cases.yaml", "a.cases.yaml", "b.cases.yaml"]
    (failure,) = root.iter("failure")
    assert failure.get("message") == "decision: expected allow, got deny; kept: expected 3, got none"
    assert failure.text.splitlines() == [
        "a.cases.yaml:7",
        *WRONG,
        "reason: not_for_you",
        "decided by: no rule",
    ]


def test_nothing_that_was_run_is_a_document_too():
    root = etree.fromstring(junit([], 0))
    assert (root.get("tests"), list(root)) == ("0", [])


def test_what_cannot_be_read_is_an_error_with_its_place():
    root = etree.fromstring(junit_errors([PolicyError("a.yaml", 3, 9, "'x' is not known here", "did you mean y?")]))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "1")
    (case,) = root.iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("a.yaml", "a.yaml:3:9")
    (error,) = root.iter("error")
    assert error.get("message") == "a.yaml:3:9: 'x' is not known here (did you mean y?)"
