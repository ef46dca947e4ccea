"""Takes the pictures of the employees' guide: `python -m docs.screenshots`. They come from a scenario of the tests, over the real parts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TARGET = "TORWART_SCREENSHOTS"
"""In the environment of the scenario: the folder for the pictures."""
FOLDER = Path(__file__).parent / "images"
SCENARIO = "tests/scenarios/test_secure_house.py"


def main() -> int:
    """The exit status of the scenario; the pictures of a failed one are of no use."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", SCENARIO]
    return subprocess.run(command, cwd=root, env={**os.environ, TARGET: str(FOLDER)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
