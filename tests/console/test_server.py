"""The console as a process: however it is told to end, it ends in order."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo.tryton_process import free_port
from tests.services.waiting import until_it_listens

pytestmark = pytest.mark.slow
CONFIG = """\
state: state
torwart:
  url: http://torwart.localhost:{port}
  listen: 127.0.0.1:{port}
crm:
  url: http://crm.localhost:{crm}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_without_a_word(tmp_path: Path, number: signal.Signals) -> None:
    port, config, said = free_port(), tmp_path / "torwart.yaml", tmp_path / "said"
    config.write_text(CONFIG.format(port=port, crm=free_port()), encoding="utf-8")
    with said.open("wb") as words:
        process = subprocess.Popen([sys.executable, "-m", "console.server", str(config)], stdout=words, stderr=words)
    try:
        until_it_listens(process, port, said)
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
    assert said.read_text(encoding="utf-8") == ""
    # The database's last connection was closed, not left: SQLite has put its journal away.
    assert not (tmp_path / "state" / "torwart.db-wal").exists()
    with sqlite3.connect(tmp_path / "state" / "torwart.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
