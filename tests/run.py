"""`make test`: the fast tests, then those with real services, then those that need the machine alone. `python -m tests.run [PATH...]`.

The first two go on all cores. A file of the second stays in one process, so that it starts its services once, and at most four go at once:
each may have a CRM, a browser and a search server of its own.
"""

from __future__ import annotations

import subprocess
import sys

FAST = "not needs and not slow"
REAL = f"not ({FAST}) and not alone"
NOTHING_SELECTED = 5
"""pytest's exit status when no test matched: another phase has them."""


def main(paths: list[str]) -> int:
    """Run the phases; 0 if nothing failed and something ran."""
    phases = (
        ("-n", "auto", "-m", FAST),
        ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "-m", REAL, "--durations=10"),
        ("-m", "alone", "--durations=3"),
    )
    ran = [status for status in (_pytest(*words, *paths) for words in phases) if status != NOTHING_SELECTED]
    return max(ran, default=NOTHING_SELECTED)


def _pytest(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["tests"]))
