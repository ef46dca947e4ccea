"""By what people call a file that was put aside, on the telephone too."""

from __future__ import annotations

LENGTH = 8


def handle_of(act_id: str) -> str:
    """The first digits of the act's id, upper case: `7F3A19C2` of `file-7f3a19c2...`."""
    return act_id.removeprefix("file-")[:LENGTH].upper()
