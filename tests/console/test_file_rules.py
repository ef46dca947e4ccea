"""What rules say of a file that has come to a place already: put aside, or only recorded; frozen people are no exception."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from audit_store.event import Phase
from auth.tables import Person
from console.file_rules import NO_RULE, FileRules
from policies.decision import Allow, Deny
from policies.request import AccessRequest, Action, Channel, Context, Resource, Status, Usage
from tests.services.console import Pages, deed
from tests.services.put_aside import RULES, put_sticks_aside

CASES = """\
about: Nothing.
people:
  paul: {roles: [manager], about: sends offers}
cases:
  - name: what no rule is about is denied
    given: {person: paul, resource: content, own: 1, channel: cloud, action: upload}
    expect: deny
"""
HEAD = "about: Try.\nrules:\n  - id: try\n    about: Try.\n    roles: any\n    actions: [file_copy]\n    resource: content\n"
SAYS = (
    "    when: resource.asked >= 1\n    effect: deny\n    reason: clients_leave\n",
    "    effect: allow\n    notify: true\n",
    "    effect: require\n    require: key\n    reason: send_warned\n",
    "    mode: observe\n    effect: deny\n    reason: clients_leave\n",
)


@pytest.fixture
def judge(pages: Pages) -> Callable[..., Allow | Deny]:
    anna = pages.add("Anna Feldmann")

    def of(clients: int = 1, channel: Channel = Channel.REMOVABLE, person: Person = anna) -> Allow | Deny:
        services = pages.services
        rules = FileRules(services.installation.state, services.log, lambda: datetime.now(UTC))
        directory = services.directory()
        directory.refresh()
        request = AccessRequest(
            act_id="file-1",
            principal=directory.person(person.id),
            action=Action.FILE_COPY,
            resource=Resource(type="content", ids=tuple(map(str, range(clients)))),
            context=Context(at=datetime.now(UTC), channel=channel),
            usage=Usage(base=3_000, book=0),
        )
        try:
            found = rules.decide(request, directory)
        finally:
            directory.close()
        assert isinstance(found, Allow | Deny)
        return found

    return of


def test_a_rule_that_puts_aside_is_the_decision_with_its_reason_and_name(pages: Pages, judge: Callable[..., Allow | Deny]) -> None:
    put_sticks_aside(pages.services.installation.state)
    found = judge()
    assert isinstance(found, Deny)
    assert (found.quarantine, found.rules, [one.reason.code for one in found.reasons]) == (True, ("1:stick-put-aside",), ["clients_leave"])
    assert judge(0) == judge(1, Channel.FOLDER) == NO_RULE


def test_without_any_rules_it_has_only_happened(judge: Callable[..., Allow | Deny]) -> None:
    assert judge() == NO_RULE


def test_spoilt_rules_do_not_let_files_go(pages: Pages, judge: Callable[..., Allow | Deny]) -> None:
    state = pages.services.installation.state
    put_sticks_aside(state)
    spoilt = state / "policies" / "versions" / "0002"
    spoilt.mkdir(mode=0o700)
    (spoilt / "rules.yaml").write_text("rules: []", encoding="utf-8")
    found = judge()
    assert isinstance(found, Deny)
    assert found.quarantine


@pytest.mark.parametrize("change", ["frozen", "gone"])
def test_whoever_is_frozen_or_gone_is_no_exception(pages: Pages, judge: Callable[..., Allow | Deny], change: str) -> None:
    put_sticks_aside(pages.services.installation.state)
    person = pages.services.people.by_account("anna")
    assert person is not None
    if change == "frozen":
        pages.services.people.freeze(person.id, None)
    else:
        pages.services.people.set_status(person.id, Status.GONE, None)
    found = judge()
    assert isinstance(found, Deny)
    assert found.quarantine


@pytest.mark.parametrize(("says", "number"), [(says, number) for number, says in enumerate(SAYS)])
def test_what_cannot_be_asked_afterwards_is_recorded_and_changes_nothing(
    pages: Pages, judge: Callable[..., Allow | Deny], says: str, number: int
) -> None:
    put_sticks_aside(pages.services.installation.state, HEAD + says, CASES)
    found = judge()
    match number:
        case 0:
            assert isinstance(found, Deny)
            assert (found.quarantine, found.rules) == (False, ("1:try",))
        case 1:
            assert isinstance(found, Allow)
            assert (found.obligations.notify, found.rules, found.reasons) == (True, ("1:try",), ())
        case 2:
            assert found == NO_RULE  # nothing allows it, and no rule denies it
        case _:
            assert found == Allow((), observed=("1:try",))


def test_what_the_person_has_had_counts(pages: Pages, judge: Callable[..., Allow | Deny]) -> None:
    rules = RULES.replace("resource.asked >= 1", "usage.after.shown_day >= 30")
    put_sticks_aside(pages.services.installation.state, rules, CASES)
    assert judge() == NO_RULE
    person = pages.services.people.by_account("anna")
    assert person is not None
    pages.record(deed(person, Action.READ, Phase.RELEASED, range(40), at=datetime.now(UTC) - timedelta(minutes=1), act_id="act-9"))
    found = judge()
    assert isinstance(found, Deny)
    assert found.quarantine
