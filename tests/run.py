"""`make test`: the fast tests, then those with real services, then those that need the machine alone. `python -m tests.run [PATH...]`.

The first two go on all cores. A file of the second stays in one process, so that it starts its services once, and at most four go at once:
each may have a CRM, a browser and a search server of its own. A file in which something fails beside others is run once more with nothing
beside it, for two of each on two cores keep a test waiting as no user's machine does: the whole file, which may be one visit whose later
steps need the earlier ones. What fails then, too, is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FAST = "not needs and not slow"
REAL = f"not ({FAST}) and not alone"
FAILED, NOTHING_SELECTED = 1, 5
"""Exit statuses of pytest: tests failed; no test matched, because another phase has them."""
MOST_AGAIN = 5
"""After so many that fail alone, too, nothing is learned from more."""


def main(paths: list[str]) -> int:
    """Run the phases; 0 if nothing failed and something ran."""
    ran = [
        _pytest("-n", "auto", "-m", FAST, *paths),
        _twice(paths, "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "-m", REAL, "--durations=10"),
        _pytest("-m", "alone", "--durations=3", *paths),
    ]
    return max((status for status in ran if status != NOTHING_SELECTED), default=NOTHING_SELECTED)


def _twice(paths: list[str], *words: str) -> int:
    with tempfile.TemporaryDirectory() as folder:  # of this run alone: what failed in earlier ones is nothing to it
        status = _pytest("-o", f"cache_dir={folder}", *words, *paths)
        files = _failed_files(Path(folder)) if status == FAILED else []
    if not files:
        return status
    print("== The files in which something failed beside other tests, once more and alone", flush=True)
    return _pytest("-v", f"--maxfail={MOST_AGAIN}", "-m", REAL, *files)


def _failed_files(cache: Path) -> list[str]:
    """What pytest notes for its `--last-failed`."""
    noted = cache / "v" / "cache" / "lastfailed"
    failed = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    return sorted({name.partition("::")[0] for name in failed})


def _pytest(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["tests"]))
