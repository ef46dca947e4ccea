"""The forward proxy's own process: what it refuses to start with, each in one line, and what it records of its life."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit_store.spool import SpoolReader
from auth.installation import mark_demo
from tests.services.waiting import until_it_listens
from tests.services.way_out import Firm

ROOT = Path(__file__).parents[3]


def run(firm: Firm) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gateway.forward.serve", str(firm.config)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def without_a_section(firm: Firm) -> None:
    text = firm.config.read_text(encoding="utf-8")
    firm.config.write_text(text[: text.index("proxy:")], encoding="utf-8")


def with_line(line: str) -> Callable[[Firm], None]:
    def change(firm: Firm) -> None:
        firm.config.write_text(firm.config.read_text(encoding="utf-8") + line, encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_a_section, "no section `proxy`"),
        (with_line("  person: nobody@firma.example\n"), "nobody is called"),
        (with_line("  colour: red\n"), "proxy.colour is not known"),
        (with_line("  ports: [0]\n"), "proxy.ports"),
        (with_line("  trusted: nowhere.pem\n"), "names no file"),
        (with_line("  upload_limit_bytes: 5\n"), "proxy.upload_limit_bytes"),
        (with_line("  bypass: ['*.example']\n"), "proxy.bypass"),
        (lambda firm: mark_demo(firm.state), "belongs to the demo"),
        (lambda firm: (firm.state / "torwart.db").chmod(0o644), "chmod 600"),
        (lambda firm: shutil.rmtree(firm.state / "index"), "torwart index build"),
    ],
)
def test_what_is_wrong_refuses_the_start_and_says_so(tmp_path: Path, spoil: Callable[[Firm], object], said: str) -> None:
    firm = Firm(tmp_path / "firm")
    spoil(firm)
    process = run(firm)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2, error
    assert said in error
    assert all(line.startswith("torwart: ") for line in error.splitlines())


def test_a_file_that_is_no_certificate_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("junk", encoding="ascii")
    firm = Firm(tmp_path / "firm", more=f"  trusted: {tmp_path / 'junk.pem'}\n")
    process = run(firm)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no readable PEM file" in error


def test_a_taken_port_refuses_the_start(tmp_path: Path) -> None:
    firm = Firm(tmp_path / "firm")
    with socket.create_server(("127.0.0.1", firm.port)):
        process = run(firm)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"cannot listen on 127.0.0.1:{firm.port}" in error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to_and_records_its_life(tmp_path: Path, number: signal.Signals) -> None:
    firm = Firm(tmp_path / "firm")
    process = run(firm)
    until_it_listens(process, firm.port)
    process.send_signal(number)
    said, error = process.communicate(timeout=30)
    assert (process.returncode, said, error) == (0, "", "")
    reader = SpoolReader.open(firm.state / "spool" / "proxy")
    actions = [json.loads(one.canonical)["event"]["action"] for one in reader.read(0, 100)]
    reader.close()
    assert actions == ["gateway-started", "gateway-stopped"]
