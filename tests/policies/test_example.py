"""`examples/policy`, as a stranger uses it: beside the shipped rules of a copy of the tree, by commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policies.load import load, read_document

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "policy"
PACKAGES = ("agent", "audit_store", "auth", "console", "detectors", "gateway", "policies")
README = (EXAMPLE / "README.md").read_text("utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree with the example beside the shipped rules."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in EXAMPLE.glob("*.yaml"):
        shutil.copy(path, tmp_path / "policies" / "shipped")
    return tmp_path


def torwart(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"COLUMNS": "200", "PATH": "", "PYTHONSAFEPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "console.cli", "policy", *words]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_the_example_is_green_and_a_changed_number_is_red_with_what_differs(tree: Path) -> None:
    checked = torwart(tree, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    tested = torwart(tree, "test")
    assert tested.returncode == 0, tested.stdout
    assert "one client does not (paul, a list for the cloud)" in tested.stdout
    assert "all as expected" in tested.stdout

    rules = tree / "policies" / "shipped" / "careful-sending.yaml"
    text = rules.read_text("utf-8")
    assert text.count(">= 2") == 1
    rules.write_text(text.replace(">= 2", ">= 3"), "utf-8")
    assert torwart(tree, "check").returncode == 0
    tested = torwart(tree, "test")
    assert tested.returncode == 1
    red = [line.split() for line in tested.stdout.splitlines() if line.startswith("red")]
    assert "two clients for a cloud wait for the head of sales (paul, a list for the cloud)" in " ".join(red[0])
    assert "decision: expected challenge, got allow" in tested.stdout
    shown = re.search(r"careful-sending\.cases\.yaml:\d+", README)
    assert shown is not None
    assert red[0][-1] == shown[0]


def test_every_rule_of_the_example_says_what_it_is_for() -> None:
    found = read_document(EXAMPLE / "careful-sending.yaml").value
    assert len(found["about"].split()) > 20
    assert all(len(rule["about"].split()) >= 5 for rule in found["rules"])
    assert len(load(EXAMPLE / "careful-sending.yaml").rules) == len(found["rules"])


def test_the_page_shows_what_the_files_say() -> None:
    rule = README.partition("```yaml\n")[2].partition("```")[0]
    shown = {line.partition("#")[0].strip().removeprefix("- ") for line in rule.splitlines()}
    text = (EXAMPLE / "careful-sending.yaml").read_text("utf-8")
    for line in shown - {"about: Two clients or more in a cloud ..."}:
        assert line.rstrip("}") in text, line
    case = README.split("```yaml\n")[2].partition("```")[0].rstrip()
    assert "\n".join(f"  {line}" for line in case.splitlines()) in (EXAMPLE / "careful-sending.cases.yaml").read_text("utf-8")


def test_the_wheel_does_not_carry_it() -> None:
    assert "examples" not in PACKAGES
    packages = re.search(r"packages = \[([^\]]*)\]", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert packages is not None
    assert re.findall(r'"(\w+)"', packages[1]) == list(PACKAGES)
