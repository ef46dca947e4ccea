"""`torwart quarantine`, run as a command on a real installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from auth.agent_order import Verb
from auth.installation import template
from auth.orders import Answer
from console.cli.house import House, open_house
from console.cli.quarantine import app
from tests.services.forger import Forger

ACT = "file-" + "7f3a19c2" + "0" * 19
HANDLE = "7F3A19C2"


class Shell:
    """Runs the command on one installation with a file that is aside."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "torwart.yaml"
        self.config.write_text(template(), encoding="utf-8")
        with open_house(self.config) as house:
            anna = house.people.add("Anna Feldmann", "anna@firma.example", ["manager"], "de", ["anna"])
            house.people.add("Vera Prüfer", "vera@firma.example", ["security"], "de", ["vera"])
            self.pseudonym = anna.pseudonym
            agent = self._agent(house, anna.id)
            house.orders.put_aside(agent, ACT, "e" * 32, None, anna.pseudonym)
            house.orders.sign(lambda _order: b"signature")
            house.orders.answered(agent, 1, Answer(Verb.QUARANTINE, "done", None), lambda _row: None)

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def listed(self, *words: str) -> list[dict[str, Any]]:
        result = self("list", "--json", *words)
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.stdout)["files"]
        return found

    @staticmethod
    def _agent(house: House, person_id: str) -> str:
        forger = Forger(house.installation.origin)
        token = house.agents.issue(person_id, None)
        return house.agents.enrol(token, forger.public_key, forger.proof(token)).id


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_the_list_names_the_file_by_its_handle_and_the_person_by_the_pseudonym(shell: Shell) -> None:
    (file,) = shell.listed()
    assert (file["handle"], file["state"], file["person"], file["act"]) == (HANDLE, "aside", shell.pseudonym, ACT)
    said = shell("list").stdout
    assert HANDLE in said
    assert "Feldmann" not in said


def test_a_release_needs_a_reviewer_and_a_reason_and_says_what_happens_next(shell: Shell) -> None:
    for words in (("--by", "vera"), ("--reason", "work"), ("--by", "anna", "--reason", "mine"), ("--by", "nobody", "--reason", "work")):
        assert shell("release", HANDLE, *words).exit_code == 2, words
    assert shell.listed()[0]["state"] == "aside"
    result = shell("release", HANDLE.lower(), "--by", "vera", "--reason", "work")
    assert result.exit_code == 0, result.output
    assert HANDLE in result.stdout
    (file,) = shell.listed()
    assert (file["state"], file["reason"]) == ("release_ordered", "work")


def test_an_unknown_handle_is_said(shell: Shell) -> None:
    result = shell("release", "00000000", "--by", "vera", "--reason", "work")
    assert result.exit_code == 2
    assert "there is no file" in result.output
