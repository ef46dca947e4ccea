"""The documents cannot lie: what is generated is compared, what is linked exists, what a threat names as its test is there."""

import re
from pathlib import Path

import pytest

from docs.generate import FOLDER, PAGES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:policies|audit_store|detectors|auth|gateway|console|agent|deploy|docs|tests)/[A-Za-z0-9_./-]+)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    missing = [name for name in sorted(named) if not (ROOT / name).exists() and not (path.parent / name).exists() and "NAME" not in name]
    assert missing == []
