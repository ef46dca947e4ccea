"""The demo's child processes: started, watched, ended by their own process ids."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from deploy.demo.errors import DemoError

HOST = "127.0.0.1"
READY_SECONDS = 30.0
STOP_SECONDS = 6.0


class Processes:
    """Processes by name; what they print goes to a file each."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Start `python -m module arguments`."""
        with (self._logs / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", module, *arguments]
            # A session of its own: Ctrl-C reaches the demo alone, which then ends its children in order.
            self._running[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def pid(self, name: str) -> int:
        """The process id of a child."""
        return self._running[name].pid

    def wait_for(self, *urls: str) -> None:
        """Wait until each address is listened on. Raises DemoError when a child ends first, or the time is over."""
        deadline = time.monotonic() + READY_SECONDS
        for url in urls:
            port = urlsplit(url).port or 80
            while not _listens(port):
                if (fallen := self.fallen()) is not None:
                    raise DemoError(f"the {fallen} did not start: {self.last_words(fallen)}")
                if time.monotonic() > deadline:
                    raise DemoError(f"nothing listens on port {port} after {READY_SECONDS:.0f} s")
                time.sleep(0.1)

    def fallen(self) -> str | None:
        """The name of a child that has ended, if any."""
        return next((name for name, process in self._running.items() if process.poll() is not None), None)

    def last_words(self, name: str) -> str:
        """The last line that a child printed."""
        lines = (self._logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        """End all, politely and then surely."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()


def require_free(*ports: int) -> None:
    """Raises DemoError for a port that somebody uses."""
    for port in ports:
        if _listens(port):
            raise DemoError(f"port {port} is taken: end what uses it, or move the demo with PORT=9400 make demo")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
