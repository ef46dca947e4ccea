"""Small rules, and an installation for them, for the commands that change what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from audit_store.spool import SpoolReader
from auth.installation import template
from console.cli import people, policy

RULES = """\
rules:
  - {id: managers-read, roles: [manager], actions: [read], resource: client, effect: allow, masks: {contact: hide}, for: others}
"""
WIDER = RULES.replace(", masks: {contact: hide}, for: others", "")
CASES = """\
cases:
  - {name: a card, given: {roles: [manager], action: read, own: 1, others: 1}, expect: {decision: allow}}
"""


def run(*words: object, code: int = 0, typed: str | None = None) -> Result:
    """`torwart policy WORDS`."""
    result = CliRunner().invoke(policy.app, [str(word) for word in words], env={"COLUMNS": "200"}, input=typed)
    assert result.exit_code == code, result.output
    return result


def put(folder: Path, rules: str = RULES) -> Path:
    """A folder with these rules and one case."""
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(rules)
    (folder / "a.cases.yaml").write_text(CASES)
    return folder


def install(folder: Path) -> Path:
    """The configuration file of an installation in which one owner is known."""
    config = folder / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    words = ["add", "Oskar Brandt", "oskar@firma.example", "--role", "owner", "--config", str(config)]
    added = CliRunner().invoke(people.app, words)
    assert added.exit_code == 0, added.output
    return config


def events(config: Path, action: str) -> list[dict[str, Any]]:
    """What was recorded of this kind."""
    reader = SpoolReader.open(config.parent / "state" / "spool" / "cli")
    try:
        found = [json.loads(stored.canonical) for stored in reader.read(0, 1000)]
    finally:
        reader.close()
    return [event for event in found if event["event"]["action"] == action]
