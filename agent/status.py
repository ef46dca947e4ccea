"""How the agent stands, in a file of its own, for `torwart-agent status` in another process."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.identity import write_private

FILE = "status.json"


class Status:
    """Any thread. Written only when something has changed."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._lock = threading.Lock()
        self._troubles: dict[str, str] = {}
        self.delivered = int(read_status(state).get("delivered", 0))
        """Sequence up to which Torwart has the record."""

    def deliver(self, delivered: int, trouble: str) -> None:
        """How far the record is delivered, and why no further now."""
        with self._lock:
            if delivered != self.delivered:
                self.delivered = delivered
                self._write()
        self.say("delivery", trouble)

    def say(self, part: str, trouble: str) -> None:
        """What is not well with a part of the agent; empty when it is."""
        with self._lock:
            if self._troubles.get(part, "") == trouble:
                return
            self._troubles.pop(part, None)
            if trouble:
                self._troubles[part] = trouble
            self._write()

    def _write(self) -> None:
        with suppress(OSError):  # a full disk: the record itself says so when there is room
            write_private(self._path, json.dumps({"delivered": self.delivered, "troubles": self._troubles}).encode())


def read_status(state: Path) -> dict[str, Any]:
    """What was written last; empty if nothing was, or nothing that can be read."""
    try:
        found = json.loads((state / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("delivered"), int) else {}
