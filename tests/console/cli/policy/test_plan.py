"""`torwart policy plan`: which clients somebody may be given, as a condition."""

import json
from pathlib import Path

from policies.store import SHIPPED
from tests.console.cli.policy.firm import install, run

OSKAR = "oskar@firma.example"


def test_the_rules_in_force_are_asked_for_the_person_and_the_road(tmp_path: Path) -> None:
    config = install(tmp_path)
    run("activate", SHIPPED, "--config", config)
    found = json.loads(run("plan", OSKAR, "list", "--config", config, "--json").stdout)
    assert (found["kind"], found["tree"], found["exact"], found["version"]) == ("always", None, True, "1")
    denied = json.loads(run("plan", OSKAR, "share", "--config", config, "--json").stdout)
    assert (denied["kind"], denied["rules"]) == ("never", [])


def test_rules_that_are_not_in_force_can_be_asked_and_are_told_in_their_own_language(tmp_path: Path) -> None:
    config = install(tmp_path)
    rules = tmp_path / "new.yaml"
    rules.write_text("""
rules:
  - id: south
    roles: any
    actions: [list]
    resource: client
    effect: allow
    where: record.postal_codes.exists(code, code.startsWith("8")) && record.own
""")
    said = run("plan", OSKAR, "list", rules, "--config", config).stdout
    assert 'record.postal_codes.exists(item, item.startsWith("8")) && record.own' in said
    assert "By the rules south." in said
    found = json.loads(run("plan", OSKAR, "list", rules, "--config", config, "--json").stdout)
    assert found["tree"]["and"][1] == {"compare": {"attribute": "own", "op": "==", "value": True}}


def test_nobody_is_no_plan(tmp_path: Path) -> None:
    result = run("plan", "nobody", "list", "--config", install(tmp_path), code=2)
    assert "nobody is called" in result.stderr


def test_an_act_without_clients_has_no_plan(tmp_path: Path) -> None:
    result = run("plan", OSKAR, "login", "--config", install(tmp_path), code=2)
    assert "not about clients in the CRM: ask list, read, search" in result.stderr
