"""`docs/policies.md`: its commands are typed in their order, in a new installation, and print what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.crm.profiles.tryton_attributes import ATTRIBUTES
from gateway.crm.profiles.tryton_push import Pusher
from policies.store import SHIPPED
from policies.tree import Compare, Exists, Op

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text("utf-8")
TYPED = re.findall(r"^\$ torwart (.+)$", PAGE, re.MULTILINE)
NO_RECORD = "there is no record"


@dataclass(frozen=True)
class Typed:
    """What a command ended with."""

    code: int
    said: str


class Desk:
    """A folder in which somebody types commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.widen = ""

    def torwart(self, line: str) -> Typed:
        words = [self.widen if re.fullmatch("[0-9a-f]{12}", word) and self.widen else word for word in shlex.split(line, comments=True)]
        environment = {"COLUMNS": "200", "PATH": "", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "console.cli", *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
        if found := re.search(r"--widen ([0-9a-f]{12})", done.stdout):
            self.widen = found[1]
        return Typed(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An installation as after its first start."""
    desk = Desk(tmp_path)
    typed = [
        "init",
        'people add "Olga Brandt" olga@firma.example --role owner',
        'people add "Anna Feldmann" anna@firma.example --role manager --account anna',
        f"policy activate {SHIPPED}",
    ]
    assert [desk.torwart(line).code for line in typed] == [0, 0, 0, 0]
    return desk


def replaced(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


@pytest.mark.slow
def test_the_walk_of_the_page(desk: Desk) -> None:
    typed = iter(TYPED)
    copied = desk.torwart(next(typed))
    assert copied.code == 0
    assert copied.said.strip() in PAGE
    rules = desk.folder / "rules"
    sales = rules / "sales.yaml"
    export = sales.read_text("utf-8").partition("  - id: manager-exports\n")[2].partition("\n\n")[0]
    replaced(sales, (export, export.replace("percent: 10", "percent: 5")))

    check = desk.torwart(next(typed))
    assert check.code == 0
    assert "no error" in check.said

    red = desk.torwart(next(typed))
    assert red.code == 1
    assert "3 red." in red.said
    for word in ("the whole base is cut to what is left of a tenth, and both numbers are named (anna)", "allowed: expected 260, got 110"):
        assert word in red.said
    refused = desk.torwart("policy activate rules --by olga@firma.example")
    assert refused.code == 1
    assert "what was in force stays" in refused.said
    replaced(
        rules / "sales.cases.yaml",
        ("allowed: 260, kept: 260", "allowed: 110, kept: 110"),
        ("allowed: 300, kept: 300", "allowed: 150, kept: 150"),
        ("reasons: [export_needs_key], asked: 201, allowed: 201", "reasons: [export_limit, export_needs_key], asked: 201, allowed: 150"),
    )
    assert "all as expected" in desk.torwart("policy test rules").said

    diff = desk.torwart(next(typed))
    assert (diff.code, NO_RECORD in diff.said) == (2, True)  # what it prints with a record: tests/console/cli/policy/test_diff.py

    assert desk.torwart(next(typed)) == Typed(0, "Version 2 is in force.\n")
    wider = desk.torwart(next(typed))
    assert wider.code == 1
    assert "let more go" in wider.said
    assert "a report on as many as a tenth of the base is made" in wider.said
    assert desk.torwart(next(typed)) == Typed(0, "Version 3 is in force.\n")
    versions = desk.torwart(next(typed))
    assert "rules of version 1 again" in versions.said
    assert "widenings confirmed by P-" in versions.said

    explain = desk.torwart(next(typed))
    assert (explain.code, NO_RECORD in explain.said) == (2, True)  # with a record: tests/console/cli/policy/test_explain.py
    watched = desk.torwart(next(typed))
    assert watched.code == 0
    assert "watched until" in watched.said
    assert list(typed) == []


def test_the_page_names_what_tryton_filters_by_itself() -> None:
    pusher = Pusher("", frozenset({"1"}), only_active=False)
    leaves = {name: Exists(name, Compare("", Op.EQ, "a")) for name in ("countries", "postal_codes", "cities", "categories")}
    exact = {name for name, leaf in leaves.items() if pusher.push(leaf).exact}
    assert exact == set(leaves)
    assert not pusher.push(Compare("language", Op.EQ, "de")).exact
    assert exact | {"active", "created_at", "changed_at", "language"} == ATTRIBUTES
    told = PAGE.partition("With Tryton, ")[2].partition("For people with")[0].replace("\n", " ")
    pushed, _, cut = told.partition("taken out of the answer")
    assert all(
        word in pushed for word in ("own clients", "active", "entry and change", "countries", "postal codes", "cities", "categories")
    )
    assert "language" in cut
