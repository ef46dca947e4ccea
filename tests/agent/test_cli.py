"""The agent's command must not pretend."""

import subprocess
import sys


def test_the_agent_says_that_it_watches_nothing_and_does_not_succeed() -> None:
    done = subprocess.run([sys.executable, "-c", "from agent.cli import main; main()"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not watched" in done.stderr
