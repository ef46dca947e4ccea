"""Files below a watched folder, reached by descriptors alone: no link is followed on the way, whatever is swapped in meanwhile.

The watched folder itself must not be a link; where it lies, its administrator has said (`agent.yaml`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def opened(root: Path, folder: Path) -> Iterator[int]:
    """A descriptor of `folder`, which is `root` or lies below it. Raises OSError, ValueError for a folder elsewhere."""
    parts = folder.relative_to(root).parts
    if ".." in parts:
        raise ValueError("a folder that is not below its place")
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            below = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(folder: int, name: str | bytes) -> Iterator[int]:
    """A descriptor of what has this name in the folder now, for reading. Raises OSError for a link."""
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def synced(folder: int) -> None:
    """Names in a folder, on disk on return. A file system that cannot do that has no better way either."""
    try:
        os.fsync(folder)
    except OSError:
        return
