"""A folder outside as a place for statements: a mounted share, a disk that is taken home, a folder that a backup takes away.

One file for each signer and day, only ever added to, each addition on disk before it counts:

    torwart-gateway-2026-05-12.txt

That the folder is not mounted is noticed in two ways: it is not there, or it is there and what was written before is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from itertools import groupby
from pathlib import Path

from audit_store.outside import Batch, PlaceError, Trouble
from audit_store.statement import Statement, StatementError, find

_TAIL_BYTES = 64 * 1024
"""Several statements with many producers fit into it."""
_SECONDS = 5.0


class FolderPlace:
    """Writes into a folder, which must be there: it is never made."""

    every = timedelta()
    seconds = _SECONDS

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return f"folder {self.folder}"

    def put(self, batches: Sequence[Batch]) -> None:
        """Raises PlaceError."""
        try:
            if not self.folder.is_dir():
                raise PlaceError(Trouble.ABSENT, "the folder is not there: mount it")
            for batch in batches:
                self._look(batch.statements[0], batch.after, batch.newest)
                for day, group in groupby(batch.statements, lambda statement: statement.time.date()):
                    self._append(self._file(batch.statements[0].signer, day), group)
        except OSError as error:
            raise PlaceError(Trouble.UNWRITABLE, f"the folder cannot be written: {error.strerror or error}") from error

    def _look(self, first: Statement, after: Statement | None, newest: int) -> None:
        """What was written before is still there, and nothing that this machine does not know."""
        here = max((found.number for found in self._tail(first)), default=0)
        if after is not None:
            kept = self._tail(after)
            here = max([here, *(found.number for found in kept)])
            if not kept:
                raise PlaceError(
                    Trouble.EMPTIED,
                    "what was written into the folder is not in it any more: is the right one mounted? If it was emptied on purpose: "
                    f"torwart events places --again '{self.name}'",
                )
            if here < after.number:
                raise PlaceError(Trouble.LOST, f"the folder has lost statements of {after.signer}: it ends at {here}, not {after.number}")
        if here > newest:
            raise PlaceError(
                Trouble.AHEAD,
                f"it has statement {here} of {first.signer}, and this machine only {newest}: the state folder is an older one. "
                "Run torwart events verify and keep everything as it is",
            )

    def _tail(self, like: Statement) -> list[Statement]:
        """The newest statements in the file of a statement's signer and day."""
        try:
            with self._file(like.signer, like.time.date()).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        return [found for found in find(text) if not isinstance(found, StatementError)]

    def _file(self, signer: str, day: date) -> Path:
        return self.folder / f"torwart-{signer}-{day}.txt"

    def _append(self, path: Path, statements: Iterable[Statement]) -> None:
        data = "".join(f"\n{statement.note()}" for statement in statements).encode()
        new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            # A blank line comes first: what a crash or a full disk left of an earlier statement spoils none.
            if os.write(descriptor, b"\n" + data) != len(data) + 1:
                raise PlaceError(Trouble.UNWRITABLE, "the folder took only a part: is its disk full?")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_place(place: Path) -> list[Statement | StatementError]:
    """Everything that a place has kept: all files below a folder, or one file. Raises OSError."""
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    found: list[Statement | StatementError] = []
    for file in files:
        found += find(_text(file.read_bytes()))
    return found


def _text(data: bytes) -> str:
    """The text of a file; of a mail that was saved, the text of all of its parts."""
    if not data.startswith((b"torwart statement", b"\n")) and b"\nContent-T" in data:
        message = message_from_bytes(data, policy=default)
        parts = (part.get_payload(decode=True) for part in message.walk() if not part.is_multipart())
        return "\n\n".join(part.decode("utf-8", "replace") for part in parts if isinstance(part, bytes))
    return data.decode("utf-8", "replace")
