"""The documents cannot lie: what is generated is compared, what is linked exists, what a threat names as its test is there."""

import re
from pathlib import Path

import pytest

from docs.generate import FILES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), "run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:policies|audit_store|detectors|auth|gateway|console|agent|deploy|docs|tests)/[A-Za-z0-9_./-]+)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    missing = [name for name in sorted(named) if not (ROOT / name).exists() and not (path.parent / name).exists() and "NAME" not in name]
    assert missing == []
