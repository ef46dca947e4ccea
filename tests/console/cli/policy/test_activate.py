"""`torwart policy activate`: only what is right, green and confirmed comes into force, and the record says who wanted it."""

import json
import sys
from pathlib import Path

import pytest

from policies.store import SHIPPED
from tests.console.cli.policy.firm import RULES, WIDER, events, install, put, run
from tests.policies.stores import store_in


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return install(tmp_path)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return put(tmp_path / "rules")


def in_force(config: Path) -> int:
    return store_in(config.parent / "state" / "policies").version()


def test_green_rules_are_put_in_force_and_recorded_with_a_pseudonym(config: Path, rules: Path) -> None:
    assert "Version 1 is in force" in run("activate", rules, "--config", config).stdout
    named = run("activate", rules, "--config", config, "--by", "oskar@firma.example", "--json")
    assert json.loads(named.stdout) == {"activated": 2}
    assert json.loads(run("show", "--config", config, "--json").stdout)["version"] == "2"
    told = events(config, "policy-activated")
    assert [event["torwart"]["words"]["by"][:2] for event in told] == ["co", "P-"]
    assert "Oskar" not in json.dumps(told)


def test_red_or_wrong_rules_are_not_put_in_force_and_the_refusal_is_recorded(config: Path, rules: Path) -> None:
    run("activate", rules, "--config", config)
    put(rules, RULES.replace("[read]", "[list]"))
    assert "what was in force stays" in run("activate", rules, "--config", config, code=1).stdout
    assert json.loads(run("activate", rules, "--config", config, "--json", code=1).stdout)["red"] == 1
    put(rules, RULES.replace("[read]", "[red]"))
    run("activate", rules, "--config", config, code=2)
    assert in_force(config) == 1
    assert len(events(config, "policy-refused")) == 3


def test_what_is_wider_is_listed_line_by_line_and_not_put_in_force(config: Path, rules: Path) -> None:
    run("activate", rules, "--config", config)
    put(rules, WIDER)
    shown = run("activate", rules, "--config", config, code=1).stdout
    assert "manager: read: allow: phone clear instead of hide for 1 client (a card, a.cases.yaml:2)" in shown
    assert "repeat with --widen " in shown
    document = json.loads(run("activate", rules, "--config", config, "--json", code=1).stdout)
    assert document["activated"] is None
    assert document["widen"] in shown
    assert document["widenings"][0]["changes"] == ["phone clear instead of hide for 1 client"]
    assert in_force(config) == 1


def test_a_widening_is_confirmed_by_a_named_person_and_recorded_with_its_number(config: Path, rules: Path) -> None:
    run("activate", rules, "--config", config)
    put(rules, WIDER)
    digest = json.loads(run("activate", rules, "--config", config, "--json", code=1).stdout)["widen"]
    assert "add --by PERSON" in run("activate", rules, "--config", config, "--widen", digest, code=2).stderr
    other = run("activate", rules, "--config", config, "--widen", "000000000000", "--by", "oskar@firma.example", code=1)
    assert "is about another change" in other.stdout
    run("activate", rules, "--config", config, "--widen", digest, "--by", "oskar@firma.example")
    ours = events(config, "policy-activated")[-1]["torwart"]
    assert ours["numbers"]["widenings"] == 2
    assert ours["words"]["confirmed_by"].startswith("P-")
    assert ours["words"]["confirmed_by"] == ours["words"]["by"]


@pytest.mark.parametrize(("answer", "code", "number"), [("y\n", 0, 2), ("n\n", 1, 1)])
def test_at_a_terminal_a_named_person_is_asked(
    config: Path, rules: Path, answer: str, code: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import _NamedTextIOWrapper

    run("activate", rules, "--config", config)
    put(rules, WIDER)
    assert sys.stdin is not None
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda stream: True, raising=False)
    shown = run("activate", rules, "--config", config, "--by", "oskar@firma.example", code=code, typed=answer).stdout
    assert "Do you, oskar@firma.example, want exactly this?" in shown
    assert in_force(config) == number


def test_an_unknown_person_or_folder_is_one_line_and_exit_code_2(config: Path, rules: Path) -> None:
    assert "nobody is called" in run("activate", rules, "--config", config, "--by", "nobody", code=2).stderr
    assert "cannot be read" in run("activate", config.parent / "nowhere", "--config", config, code=2).stderr
    assert "no policy is in force" in run("show", "--config", config, code=2).stderr


def test_the_shipped_rules_can_be_activated(config: Path) -> None:
    run("activate", SHIPPED, "--config", config)
    assert in_force(config) == 1
