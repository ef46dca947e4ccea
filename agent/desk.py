"""The filter of the client base on this machine: fetched from Torwart, kept for its owner only, and the scanner that uses it.

It holds no client in clear and not the key of the index (promise 12): it suspects, and Torwart says which suspicion is a client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx

from agent.identity import write_private
from agent.server import UnreachableError, cause_of
from detectors.budget import Limits
from detectors.client_index.desk import DeskFilter
from detectors.knowledge import KnowledgeError
from detectors.scanner import Scanner
from detectors.worker_process import WorkerError

PATH = "/api/agents/filter"
FILE = "filter"
LIMITS = Limits(size=64 * 1024 * 1024, unpacked=256 * 1024 * 1024, memory=512 * 1024 * 1024)
"""A desk has less to give than a server; what is over is told as `too_large`."""


class Desk:
    """The filter and its scanner."""

    def __init__(self, state: Path, ask: Callable[[str], httpx.Response]) -> None:
        """`ask` sends a signed GET for `PATH`, with the tag of the filter that is here; raises UnreachableError."""
        self._path = state / FILE
        self._ask = ask
        self._tag = self._tag_of_file()
        self._scanner: Scanner | None = None
        self.trouble = ""
        """Why nothing can be scanned now; empty when all is well."""

    @property
    def has_filter(self) -> bool:
        """False: it is missing, damaged, or of another release."""
        return bool(self._tag)

    def refresh(self) -> bool:
        """Fetch the filter if it has changed; True if there is a new one now. Raises UnreachableError, OSError."""
        answer = self._ask(self._tag)
        if answer.status_code == 304 and self._tag:
            return False
        if answer.status_code != 200:
            raise UnreachableError(f"Torwart answered {answer.status_code} {cause_of(answer)}".rstrip())
        write_private(self._path, answer.content)
        self._tag = _tag(answer.content)
        return True

    def scanner(self) -> Scanner | None:
        """The scanner, started at the first call; None as long as there is no filter that can be used."""
        if self._scanner is None:
            try:
                self._scanner = Scanner(DeskFilter(self._path), LIMITS, workers=1)
            except KnowledgeError:
                self._tag, self.trouble = "", "no filter of the clients yet"  # missing or damaged: it is fetched whole
            except WorkerError as error:
                self.trouble = str(error)  # no memory or no processes just now: later again
            except Exception as error:  # noqa: BLE001 -- a filter of another release may break its reader in any way: a new one is fetched
                self._tag, self.trouble = "", f"the filter of the clients cannot be used ({type(error).__name__})"
            else:
                self.trouble = ""
        return self._scanner

    def close(self) -> None:
        """End the scanner: what it is scanning just now counts for nothing."""
        if self._scanner is not None:
            self._scanner.close()

    def _tag_of_file(self) -> str:
        try:
            return _tag(self._path.read_bytes())
        except OSError:
            return ""


def _tag(data: bytes) -> str:
    """As Torwart tags it (`console.api.agents`)."""
    return f'"{hashlib.sha256(data).hexdigest()}"'
