"""The short text that is left beside a file that was put aside, so that nobody has to guess where it is."""

from __future__ import annotations

import os
from contextlib import suppress

from agent.folders import opened_file

_ENDING = ".torwart.txt"
_NAME_BYTES = 255 - len(_ENDING)
_TEXT = """\
Torwart hat die Datei „{name}“ beiseitegelegt: Darin stehen Daten von Kunden des Hauses. Sie ist nicht gelöscht.
Kennung: {handle}. Wird sie gebraucht, fragen Sie Ihre Leitung oder Administration und nennen Sie die Kennung.

Torwart has put the file "{name}" aside: it holds data of the firm's clients. It has not been deleted.
Handle: {handle}. If it is needed, ask your management or administrator and name the handle.
"""


def leave(folder: int, name: str, handle: str) -> None:
    """Write the notice where the file was, if that is possible; nothing that is there is touched."""
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(_beside(name), flags, 0o644, dir_fd=folder)
        try:
            os.write(descriptor, _text(name, handle))
        finally:
            os.close(descriptor)


def take_away(folder: int, name: str, handle: str) -> None:
    """Remove the notice, if it is still as it was written."""
    with suppress(OSError):
        text, beside = _text(name, handle), _beside(name)
        with opened_file(folder, beside) as descriptor:
            same = os.read(descriptor, len(text) + 1) == text
        if same:
            os.unlink(beside, dir_fd=folder)


def _beside(name: str) -> bytes:
    return os.fsencode(name)[:_NAME_BYTES].decode("utf-8", "ignore").encode() + _ENDING.encode()


def _text(name: str, handle: str) -> bytes:
    return _TEXT.format(name=os.fsencode(name).decode("utf-8", "replace"), handle=handle).encode()
