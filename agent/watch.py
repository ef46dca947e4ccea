"""The only file that knows watchdog: tells of every file that appears, changes, moves or goes below the watched folders."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

_WANTED: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class Watch:
    """One observer for all folders. The callbacks come from threads of its own and must not wait.

    `changed(path, written)`: a file is there or was changed; `written` when whoever wrote it has closed it, or moved it here.
    `arrived(folder)`: a folder came with all that is in it. `gone(path)`: a file was removed, or moved out of the folder.
    `overflowed()`: the system could not tell everything.
    """

    def __init__(
        self,
        changed: Callable[[Path, bool], None],
        arrived: Callable[[Path], None],
        gone: Callable[[Path], None],
        overflowed: Callable[[], None],
    ) -> None:
        self._handler = _Handler(changed, arrived, gone)
        self._observer: BaseObserver = Observer()
        self._watches: dict[Path, ObservedWatch] = {}
        self._overflow = _OverflowSeen(overflowed)

    def start(self) -> None:
        """Begin; may be called once. Raises OSError when the system gives no more watches."""
        logging.getLogger("watchdog").addHandler(self._overflow)
        self._observer.start()

    def cover(self, roots: set[Path], *, anew: Collection[Path] = ()) -> set[Path]:
        """Watch exactly these folders; those that are watched anew, and should therefore be walked over. `anew`: begin with these again."""
        alive = {watch.path for watch in (emitter.watch for emitter in self._observer.emitters if emitter.is_alive())}
        for path in [path for path, watch in self._watches.items() if path in anew or path not in roots or watch.path not in alive]:
            self._observer.unschedule(self._watches.pop(path))
        fresh = set()
        for path in sorted(roots - self._watches.keys()):
            try:
                self._watches[path] = self._observer.schedule(self._handler, str(path), recursive=True, event_filter=_WANTED)
            except OSError:
                continue  # gone again, or no more watches: the walk every few minutes remains
            fresh.add(path)
        return fresh

    def stop(self) -> None:
        """End. May be called without a start."""
        logging.getLogger("watchdog").removeHandler(self._overflow)
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(5)


class _Handler(FileSystemEventHandler):
    def __init__(self, changed: Callable[[Path, bool], None], arrived: Callable[[Path], None], gone: Callable[[Path], None]) -> None:
        self._changed = changed
        self._arrived = arrived
        self._gone = gone

    def dispatch(self, event: FileSystemEvent) -> None:
        source = Path(os.fsdecode(event.src_path))
        match event:
            case FileMovedEvent():  # within one watched folder: the same file under another name
                self._changed(Path(os.fsdecode(event.dest_path)), True)
            case FileClosedEvent():
                self._changed(source, True)
            case FileCreatedEvent() | FileModifiedEvent():
                self._changed(source, False)
            case FileDeletedEvent():
                self._gone(source)
            case DirMovedEvent():
                self._arrived(Path(os.fsdecode(event.dest_path)))
            case DirCreatedEvent():
                self._arrived(source)


class _OverflowSeen(logging.Handler):
    """watchdog (7.1) tells of a full queue of the kernel by a warning alone."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._overflowed = overflowed

    def emit(self, record: logging.LogRecord) -> None:
        if "queue overflow" in record.getMessage():
            self._overflowed()
