"""`torwart policy explain`: the whole trace of an act, found by the number that its refusal shows."""

import json
from pathlib import Path

import pytest

from audit_store.event import Phase, refused_event
from policies.reasons import UNREADABLE, Because
from tests.audit_store.acts import NOW, access
from tests.console.cli.policy.test_diff import Firm, firm, looks

__all__ = ["firm"]


def test_a_held_export_is_explained_rule_by_rule(firm: Firm) -> None:
    firm.record(firm.export("act-one", 250, before=200, touched=False))
    said = firm.run("explain", "act-one").stdout
    for expected in (
        f"{firm.pseudonym} (Anna Kern)  Export  held",
        "Rules of version 1, in force at that time.",
        "Still missing: a touch of the key.",
        "manager-exports",
        "other status",
        "250, own: 250, of others: 0",
        "200 → 450",
    ):
        assert expected in said, said
    assert [look["subject"] for look in looks(firm)] == ["an act", "an act"]  # a word without a digit could be a name
    assert looks(firm)[1]["words"]["about"] == firm.pseudonym


def test_the_trace_for_programs_has_codes_and_numbers(firm: Firm) -> None:
    firm.record(firm.export("act-one", 250, before=200, touched=False))
    document = json.loads(firm.run("explain", "act-one", "--json").stdout)
    judged = document["judged"]
    assert (document["act_id"], document["name"], document["events"][0]["phase"]) == ("act-one", "Anna Kern", "held")
    assert (judged["version"], judged["of_that_time"], judged["differs"], judged["said_then"]) == ("1", True, False, "challenge")
    assert (judged["decision"]["verdict"], judged["decision"]["needs"]) == ("challenge", "key")
    assert "1:manager-exports" in judged["decision"]["rules"]
    assert {"matched", "other_status"} <= {rule["outcome"] for rule in judged["rules"]}
    assert judged["numbers"]["usage"]["exported_day"] == {"before": 200, "after": 450}
    assert (judged["numbers"]["asked"], judged["numbers"]["own"]) == (250, 250)


def test_an_event_is_found_by_its_own_id(firm: Firm) -> None:
    event = firm.export("act-one", 40)
    firm.record(event, firm.export("act-two", 41))
    document = json.loads(firm.run("explain", event.id, "--json").stdout)
    assert (document["act_id"], document["judged"]["event_id"]) == ("act-one", event.id)


def test_an_id_that_begins_with_a_dash_is_an_id(firm: Firm) -> None:
    firm.record(firm.export("-Dash_1", 40))
    assert "40, own: 40" in firm.run("explain", "-Dash_1").stdout


def test_an_unknown_number_is_a_clear_error(firm: Firm) -> None:
    firm.record(firm.export("act-one", 40))
    for word in ("act-on", "0" * 32, "\x1b[31mred", "act-one' OR '1'='1"):
        result = firm.run("explain", word, code=2)
        assert "nothing is recorded under" in result.stderr
        assert "\x1b" not in result.stderr


def test_what_no_rule_was_asked_about_says_so(firm: Firm) -> None:
    old = firm.export("old", 3)
    old.document["torwart"]["schema"] = 1
    refused = refused_event(at=NOW, reason=Because(UNREADABLE, {"what": "\x1b[31m"}), route="/", act_id="refused")
    firm.record(refused, access(phase=Phase.OBSERVED), old)
    assert "before there was an act to judge" in firm.run("explain", "refused").stdout
    assert "\x1b" not in firm.run("explain", "refused").stdout
    assert "nothing decides" in firm.run("explain", "act-1").stdout
    assert "An older release recorded it" in firm.run("explain", "old").stdout
    assert json.loads(firm.run("explain", "old", "--json").stdout)["judged"] is None


def test_when_the_rules_of_that_time_are_gone_it_says_so(firm: Firm) -> None:
    event = firm.export("act-one", 40)
    event.document["torwart"]["policy"] = {"version": "9"}
    firm.record(event)
    assert "The rules of that time are not there any more" in firm.run("explain", "act-one").stdout


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_no_client_is_named_in_a_trace(firm: Firm, words: tuple[str, ...]) -> None:
    firm.record(firm.export("act-one", 250, before=200, touched=False))
    said = firm.run("explain", "act-one", *words).stdout
    assert '"own": 250' in said or "own: 250" in said
    assert '"clients"' not in said
    assert "n1:" not in said


def test_the_command_is_read_only_on_the_rules(firm: Firm) -> None:
    firm.record(firm.export("act-one", 40))
    before = sorted(str(path) for path in Path(firm.folder / "state" / "policies").rglob("*"))
    firm.run("explain", "act-one")
    assert sorted(str(path) for path in Path(firm.folder / "state" / "policies").rglob("*")) == before
