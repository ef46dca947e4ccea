"""`torwart-agent`: says openly that this release has no endpoint agent, so that nobody believes a machine to be watched."""

from __future__ import annotations

import sys
from importlib.metadata import version

NOT_HERE = 2
"""Exit status: nothing was started."""


def main() -> None:
    """Print the version, or that there is nothing to start; ends the process."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"torwart-agent {version('torwart')}\n")
        raise SystemExit(0)
    sys.stderr.write(
        "torwart-agent: this release has no endpoint agent yet; files, sticks and printers of this machine are not watched. "
        "The gateway before the CRM works without it.\n"
    )
    raise SystemExit(NOT_HERE)
