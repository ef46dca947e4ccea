"""A gateway that must not start says why, all of it at once, and leaves at once."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CONFIG = """\
state: {folder}/state
torwart:
  url: http://torwart.localhost:8401
  listen: 127.0.0.1:0
crm:
  url: http://crm.localhost:{port}
  listen: 127.0.0.1:{port}
  upstream: http://127.0.0.1:9
"""


def start(folder: Path, text: str) -> tuple[int, list[str]]:
    """Exit status and lines of a gateway that is expected to refuse."""
    config = folder / "torwart.yaml"
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "gateway.serve", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stderr.strip().splitlines()


def test_all_errors_of_a_configuration_are_said_at_once(tmp_path: Path) -> None:
    spoilt = CONFIG.format(folder=tmp_path, port=8400).replace("url: http://crm.localhost:8400", "url: crm") + "languag: de\nnames: loud\n"
    status, lines = start(tmp_path, spoilt)
    assert status == 2
    assert len(lines) == 3
    assert all(line.startswith("torwart: ") and "torwart.yaml" in line for line in lines)
    assert "Traceback" not in "".join(lines)


def test_open_rights_stop_the_start_and_name_the_command(tmp_path: Path) -> None:
    """X12."""
    state = tmp_path / "state"
    (state / "keys").mkdir(parents=True, mode=0o700)
    state.chmod(0o700)
    (state / "keys").chmod(0o755)
    secret = state / "keys" / "credential.key"
    secret.write_bytes(bytes(32))
    secret.chmod(0o644)
    status, lines = start(tmp_path, CONFIG.format(folder=tmp_path, port=8400))
    assert status == 2
    assert len(lines) == 2
    assert all("chmod" in line for line in lines)


def test_the_demo_s_state_folder_is_refused(tmp_path: Path) -> None:
    """X17."""
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "demo").touch(mode=0o600)
    status, lines = start(tmp_path, CONFIG.format(folder=tmp_path, port=8400))
    assert (status, len(lines)) == (2, 1)
    assert "demo" in lines[0]


@pytest.mark.parametrize("upstream", ["ftp://x", "127.0.0.1:8000", "http://user:password@127.0.0.1:1", "http://127.0.0.1:1/path"])
def test_an_upstream_that_is_none_stops_the_start(tmp_path: Path, upstream: str) -> None:
    status, lines = start(tmp_path, CONFIG.format(folder=tmp_path, port=0).replace("http://127.0.0.1:9", upstream))
    assert status == 2
    assert len(lines) == 1
    assert "password" not in lines[0]
