"""`torwart init` and `torwart up`, run as a person runs them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest


def torwart(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console.cli", *words]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(root)}
    )


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def configured(folder: Path) -> tuple[int, int]:
    """A configuration on free ports, as a person would write it into what `init` gave."""
    assert torwart("init", cwd=folder).returncode == 0
    path = folder / "torwart.yaml"
    crm, own = free_ports()
    path.write_text(path.read_text(encoding="utf-8").replace("8400", str(crm)).replace("8401", str(own)), encoding="utf-8")
    return crm, own


def test_init_writes_a_file_for_its_owner_only_and_never_overwrites_one(tmp_path: Path) -> None:
    first = torwart("init", cwd=tmp_path)
    written = (tmp_path / "torwart.yaml").read_bytes()
    assert first.returncode == 0
    assert (tmp_path / "torwart.yaml").stat().st_mode & 0o077 == 0
    second = torwart("init", cwd=tmp_path)
    assert second.returncode == 2
    assert "is there already" in second.stderr
    assert (tmp_path / "torwart.yaml").read_bytes() == written


def test_up_without_a_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    done = torwart("up", cwd=tmp_path)
    assert done.returncode == 2
    assert "torwart init" in done.stderr


def test_up_names_all_errors_of_a_configuration_at_once(tmp_path: Path) -> None:
    configured(tmp_path)
    path = tmp_path / "torwart.yaml"
    text = path.read_text(encoding="utf-8").replace("names: shown", "names: loud").replace("profile: tryton", "profil: tryton")
    path.write_text(text.replace("language: de", "language: fr"), encoding="utf-8")
    done = torwart("up", cwd=tmp_path)
    assert done.returncode == 2
    assert "names" in done.stderr
    assert "language" in done.stderr
    assert "profil" in done.stderr


def test_up_refuses_the_demos_state_folder(tmp_path: Path) -> None:
    configured(tmp_path)
    from auth.installation import mark_demo

    mark_demo(tmp_path / "state")
    done = torwart("up", cwd=tmp_path)
    assert done.returncode == 2
    assert "belongs to the demo" in done.stderr


def test_up_refuses_files_that_others_may_read(tmp_path: Path) -> None:
    configured(tmp_path)
    (tmp_path / "state").mkdir(mode=0o755)
    (tmp_path / "state").chmod(0o755)
    done = torwart("up", cwd=tmp_path)
    assert done.returncode == 2
    assert "chmod 700" in done.stderr


def test_up_starts_both_processes_starts_a_fallen_one_again_and_ends_them_together(tmp_path: Path) -> None:
    crm, own = configured(tmp_path)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-m", "console.cli", "up"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": root})
    try:
        wait_until(lambda: listens(crm) and listens(own))
        fallen = child_of(process.pid, "gateway.serve")
        os.kill(fallen, signal.SIGKILL)
        wait_until(lambda: child_of(process.pid, "gateway.serve") not in (0, fallen) and listens(crm))
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert not listens(crm)
    assert not listens(own)


def test_a_proxy_that_cannot_start_is_said_and_leaves_the_crm_open(tmp_path: Path) -> None:
    crm, _ = configured(tmp_path)
    with (tmp_path / "torwart.yaml").open("a", encoding="utf-8") as config:
        config.write(f"proxy: {{listen: '127.0.0.1:{free_ports()[0]}'}}\n")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "console.cli", "up"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, stderr=said)
    try:
        told = tmp_path / "said"
        wait_until(lambda: listens(crm) and "proxy cannot start" in told.read_text(encoding="utf-8"))
        assert "torwart index build" in told.read_text(encoding="utf-8")
        assert process.poll() is None
        assert listens(crm)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: object, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        if time.monotonic() > deadline:
            pytest.fail("it did not happen")
        time.sleep(0.1)


def child_of(parent: int, module: str) -> int:
    """The process id of a child that runs a module; 0 if there is none."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(status[1]) == parent and status[0] != "Z" and module.encode() in command:
            return int(entry.name)
    return 0
