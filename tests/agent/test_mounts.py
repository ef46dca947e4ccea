"""A real file system that is mounted below a watched folder while the agent runs, as a desktop mounts a stick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.agents import Office, table
from tests.services.waiting import until

pytestmark = pytest.mark.slow
SCRIPT = """
set -e
mount --make-rprivate /
mkdir -p "$1/anna/STICK 1"
"$2" -c 'from agent.cli import main; main()' run --config "$3" & agent=$!
trap 'kill $agent; wait $agent' EXIT
for step in 1 2; do
    read _
    mount -t tmpfs -o size=1m stick "$1/anna/STICK 1"
    read _
    cp "$4" "$1/anna/STICK 1/kunden-$step.csv"
    read _
    umount "$1/anna/STICK 1"
done
read _
"""


def can_mount() -> bool:
    """Whether this machine lets us mount, in a name space that nobody else sees."""
    try:
        done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def test_a_stick_that_is_plugged_in_is_watched_and_can_be_taken_out_again(office: Office, tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("nothing can be mounted here (unshare -m)")
    desk, media, file = office.desk(), tmp_path / "media", tmp_path / "kunden.csv"
    media.mkdir()
    file.write_bytes(table(range(40)))
    text = desk.config.read_text(encoding="utf-8").replace(str(desk.stick), str(media))
    desk.config.write_text(text, encoding="utf-8")
    words = ["unshare", "-m", "sh", "-c", SCRIPT, "sh", str(media), sys.executable, str(desk.config), str(file)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as script:
        assert script.stdin is not None

        def go_on() -> None:
            script.stdin.write(b"\n")  # type: ignore[union-attr]
            script.stdin.flush()  # type: ignore[union-attr]

        until(lambda: (desk.state / "filter").exists())
        for step in (1, 2):
            go_on()
            go_on()
            until(lambda step=step: len(office.copies()) == step, what="the file on the stick")  # type: ignore[misc]
            go_on()
        script.stdin.close()
        script.wait(30)
    assert [act["torwart"]["channel"] for act in office.copies()] == ["removable", "removable"]
