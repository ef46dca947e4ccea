"""One step of the demo's story, as terminal and start page tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SOON_SECONDS: Final = 5.0
"""Alert, mail and an agent's event must be there within this time of the deed."""

type Words = tuple[str, str]
"""The same in German and in English."""


@dataclass(slots=True)
class Step:
    """What was tried, what was decided, how many clients went out, where to look; and what did not hold."""

    title: Words
    tried: Words
    decided: Words = ("", "")
    clients_out: int = 0
    look: str = ""
    """Address of the page to open."""
    faults: list[str] = field(default_factory=list)
    """What did not hold; empty if all did."""

    def told(self) -> dict[str, str | int]:
        """For the start page."""
        words = {"title": self.title, "tried": self.tried, "decided": self.decided}
        both = {f"{name}_{language}": text for name, pair in words.items() for language, text in zip(("de", "en"), pair, strict=True)}
        return {**both, "clients_out": self.clients_out, "look": self.look}

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(otherwise)


def soon[T](look: Callable[[], T], enough: Callable[[T], bool]) -> T:
    """Look again until it is enough, for SOON_SECONDS at most."""
    deadline = time.monotonic() + SOON_SECONDS
    while not enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
