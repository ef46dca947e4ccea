"""Rules for the pages, cut out of files that are run by tests: no page shows a rule that nobody tries."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]


def rule(file: str, name: str) -> str:
    """The lines of one rule as they stand in a file below the root. Raises ValueError if it is not there."""
    return _cut(ROOT / file, f"  - id: {name}\n")


def case(file: str, name: str) -> str:
    """The lines of one case."""
    return _cut(ROOT / file, f"  - name: {name}\n")


def _cut(path: Path, first: str) -> str:
    _, found, rest = path.read_text("utf-8").partition(first)
    if not found:
        raise ValueError(f"{path.name} has no {first.strip()!r}")
    return dedent(first + rest.partition("\n\n")[0]).rstrip()


def yaml(*texts: str) -> list[str]:
    """A block for a page."""
    return ["", "```yaml", *"\n\n".join(texts).splitlines(), "```"]
