"""One running Tryton: a process of its own on a loopback port."""

import contextlib
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Final

import httpx

from deploy.demo.errors import DemoError
from deploy.demo.tryton_env import caches
from deploy.demo.tryton_rpc import DATABASE

_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 5.0
_SESSION_SECONDS: Final = 24 * 60 * 60
_CONFIG: Final = """\
[database]
uri = sqlite:///
path = {folder}
[web]
listen = {host}:{port}
num_proxies = 1
root = {web_root}
[session]
authentications = password
timeout = {session_seconds}
"""


def write_config(folder: Path, port: int, web_root: Path | None) -> Path:
    """Write Tryton's settings into the folder of its database. Without a web client Tryton serves an empty folder."""
    empty = folder / "no-web-client"
    if web_root is None:
        empty.mkdir(exist_ok=True)
    path = folder / "trytond.conf"
    text = _CONFIG.format(folder=folder, host=_HOST, port=port, web_root=web_root or empty, session_seconds=_SESSION_SECONDS)
    path.write_text(text, encoding="utf-8")
    return path


def free_port() -> int:
    """A loopback port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class TrytonProcess:
    """trytond, answering when the constructor returns. Its words go to `trytond.log` beside the database."""

    def __init__(self, root: Path, python: Path, folder: Path, *, port: int, web_root: Path | None) -> None:
        """Start it and wait until it answers.

        Raises `DemoError` when the port is taken or Tryton ends or stays silent.
        """
        _require_free(port)
        self.base_url = f"http://{_HOST}:{port}"
        config = write_config(folder, port, web_root)
        self._log_path = folder / "trytond.log"
        with self._log_path.open("ab") as log:
            self._process = self._spawn(root, python, config, log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End the process and wait for it; harmless when it has ended before."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def _spawn(root: Path, python: Path, config: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # Through the interpreter, not the script's first line: that one holds a path which a moved clone does not have.
        command = [str(python), str(python.with_name("trytond")), "-c", str(config), "-d", DATABASE]
        return subprocess.Popen(command, env=caches(root), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        with httpx.Client(base_url=self.base_url, trust_env=False, timeout=_START_SECONDS) as http:
            while time.monotonic() < end:
                if self._process.poll() is not None:
                    raise DemoError(f"Tryton ended while starting: {self._last_words()}")
                with contextlib.suppress(httpx.TransportError):
                    if http.post("/rpc/", json={"id": 0, "method": "common.db.list", "params": []}).json()["result"] == [DATABASE]:
                        return
                time.sleep(0.05)
        raise DemoError(f"Tryton did not answer within {_START_SECONDS:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"no word in {self._log_path}"


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise DemoError(f"Port {port} is taken: end what uses it, or choose others with PORT=9400.") from error
