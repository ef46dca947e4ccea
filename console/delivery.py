"""What a way of telling somebody looks like to the notifier."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from console.notice import Notice

TIMEOUT_SECONDS = 4.0
"""For one step of a delivery: an alert is to arrive within five seconds of the deed, or the next try counts."""


class DeliveryError(Exception):
    """A notice did not arrive this time. The text holds no address, no secret and no word of the other side."""


class Channel(Protocol):
    """A way out for notices. `send` returns when the other side has taken the notice."""

    @property
    def name(self) -> str:
        """Short, stable: kept with every delivery."""

    def send(self, notice: Notice, at: datetime) -> None:
        """Raises DeliveryError."""
