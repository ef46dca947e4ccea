"""`make test`: the fast tests on all cores, then those that start real services, one after the other. `python -m tests.run [PATH...]`."""

from __future__ import annotations

import subprocess
import sys

FAST = "not needs and not slow"
NOTHING_SELECTED = 5
"""pytest's exit status when no test matched: the other phase has them."""


def main(paths: list[str]) -> int:
    """Run both phases; 0 if nothing failed and something ran."""
    fast = _pytest("-n", "auto", "-m", FAST, *paths)
    real = _pytest("-m", f"not ({FAST})", "--durations=10", *paths)
    if {fast, real} == {NOTHING_SELECTED}:
        return NOTHING_SELECTED
    return max(status for status in (fast, real) if status != NOTHING_SELECTED)


def _pytest(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["tests"]))
