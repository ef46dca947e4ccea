"""Moves a file out of a watched folder into the agent's own folder, and back: by descriptors, and a kill at any moment loses nothing.

On the way aside the copy is whole and on disk before the name is removed; on the way back the file is whole and on disk before the copy is.
Each way can be begun again from its beginning: what is found tells how far it came.

How well a file is kept from its person depends on whom the agent runs as: under a user of its own nobody else opens the folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent import notice
from agent.folders import opened, opened_file, synced
from agent.journal import File, Journal, Kept
from agent.places import Places
from agent.seen import Seen, Stamp

FOLDER = "aside"
"""In the state folder; 0700, each file 0600 under the id of its event."""
SPARE_BYTES = 64 * 1024 * 1024
"""Left free on the agent's disk: its record must go on, whatever is put aside."""
_NAMES_MAX = 100
_CHUNK = 1024 * 1024
_DRAFT = ".part"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LeftError(Exception):
    """The file was left as it is; `cause` is a word of ours for the event."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved."""

    size: int
    links: int
    """Other names that the same file had: on the way aside they were left, and are looked at as new files."""


class Aside:
    """The folder of files that were put aside. One thread at a time; `is_writing` from any."""

    def __init__(self, state: Path, places: Places, seen: Seen, journal: Journal) -> None:
        """Raises OSError."""
        self._folder = state / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._places = places
        self._seen = seen
        self._journal = journal
        self._writing: Path | None = None

    def is_writing(self, path: Path) -> bool:
        """Whether this file is being put back just now: it is not whole yet, and nobody has to tell of it."""
        return path == self._writing

    def put(self, file: File) -> Moved:
        """Put a file aside. Raises LeftError, then it lies where it was; StoreError: then it is not over, and is begun again."""
        told = self._seen.about(file.event)
        if told is None or self._place_of(file.path) != file.root:
            raise LeftError("not_watched")
        cause = "gone"
        for path in self._seen.names_of(told):
            try:
                moved = self._put(file, path)
            except LeftError as left:
                cause = left.cause if cause == "gone" else cause
                continue
            self._seen.new_again(told, path)
            return moved
        self._seen.new_again(told, told.path)
        if (there := self._copy_of(file)) is not None:  # killed after the name was removed; or the file was changed after it was copied
            return Moved(there, 0)
        self._discard(file)
        raise LeftError(cause)

    def put_back(self, file: File) -> str:
        """Put a file back into its folder, beside whatever has its name by now; the name it has. Raises LeftError, StoreError.

        It is known there as told: nobody is told of it again.
        """
        if self._place_of(file.path) != file.root:
            raise LeftError("not_watched")
        try:
            with opened(file.root, file.path.parent) as folder:
                name = file.name if file.name is not None and self._finished(file, folder) else self._write_back(file, folder)
                synced(folder)
                notice.take_away(folder, file.path.name, file.handle)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LeftError("no_folder") from error
        except OSError as error:
            raise LeftError(_cause(error)) from error
        finally:
            self._writing = None
        return name

    def drop(self, file: File) -> None:
        """Remove the copy of a file that is back."""
        self._discard(file)

    def sweep(self) -> None:
        """Remove drafts that a crash left; nothing else is ever removed by itself."""
        for path in self._folder.glob(f"*{_DRAFT}"):
            with suppress(OSError):
                path.unlink()

    # aside

    def _put(self, file: File, path: Path) -> Moved:
        try:
            with opened(file.root, path.parent) as folder, opened_file(folder, path.name) as source:
                return self._moved(file, path, folder, source)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LeftError("gone") from error
        except ValueError as error:
            raise LeftError("not_watched") from error
        except OSError as error:
            raise LeftError("link" if error.errno == errno.ELOOP else _cause(error)) from error

    def _moved(self, file: File, path: Path, folder: int, source: int) -> Moved:
        facts = os.fstat(source)
        if not stat.S_ISREG(facts.st_mode):
            raise LeftError("no_file")
        before = Stamp.of(facts)
        self._copy(file, source, before)
        self._journal.keeps(file.event, path, Kept(stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid, facts.st_mtime_ns))
        try:
            same = Stamp.of(os.stat(path.name, dir_fd=folder, follow_symlinks=False)) == before
            if same:
                os.unlink(path.name, dir_fd=folder)
        except OSError as error:
            self._discard(file)
            raise LeftError("changed" if isinstance(error, FileNotFoundError) else "not_removable") from error
        if not same:
            self._discard(file)
            raise LeftError("changed")
        synced(folder)
        self._last_words(file, source, before)
        notice.leave(folder, path.name, file.handle)
        return Moved(facts.st_size, facts.st_nlink - 1)

    def _copy(self, file: File, source: int, before: Stamp) -> None:
        """A whole copy, on disk, with the digest that was told. Raises LeftError, OSError."""
        room = os.statvfs(self._folder)
        if room.f_bavail * room.f_frsize < before.size + SPARE_BYTES:
            raise LeftError("no_room")
        draft = self._folder / f"{file.event}{_DRAFT}"
        try:
            digest = _written(draft, source)
            if Stamp.of(os.fstat(source)) != before or digest != file.digest:
                raise LeftError("changed")
            draft.replace(self._folder / file.event)
        except OSError as error:
            raise LeftError(_cause(error)) from error
        finally:
            with suppress(OSError):
                draft.unlink()
        self._synced()

    def _last_words(self, file: File, source: int, before: Stamp) -> None:
        """What was written between the last look and the removal is in the open file still: it goes into the copy."""
        facts = os.fstat(source)
        if (facts.st_size, facts.st_mtime_ns) == (before.size, before.modified):
            return
        with suppress(OSError):
            os.lseek(source, 0, os.SEEK_SET)
            draft = self._folder / f"{file.event}{_DRAFT}"
            _written(draft, source)
            draft.replace(self._folder / file.event)
            self._synced()

    def _copy_of(self, file: File) -> int | None:
        """Size of the whole copy; None if there is none."""
        try:
            return (self._folder / file.event).stat().st_size
        except OSError:
            return None

    def _discard(self, file: File) -> None:
        with suppress(OSError):
            (self._folder / file.event).unlink()
            self._synced()

    # back

    def _write_back(self, file: File, folder: int) -> str:
        try:
            source = os.open(self._folder / file.event, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise LeftError("copy_gone") from error
        try:
            name, target = self._free_name(file, folder)
            try:
                self._fill(file, folder, name, source, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
                raise
            finally:
                os.close(target)
        finally:
            os.close(source)
        return name

    def _free_name(self, file: File, folder: int) -> tuple[str, int]:
        for name in _names(file.path.name):
            if _is_taken(folder, name):
                continue
            self._writing = file.path.parent / name
            self._journal.giving(file.event, name, None)
            with suppress(FileExistsError):
                return name, os.open(name, _NEW | os.O_EXCL, 0o600, dir_fd=folder)
        raise LeftError("name_taken")

    def _fill(self, file: File, folder: int, name: str, source: int, target: int) -> None:
        self._journal.giving(file.event, name, os.fstat(target).st_ino)
        while piece := os.read(source, _CHUNK):
            _write(target, piece)
        if file.kept is not None:
            with suppress(OSError):  # a stick without rights, or a file of somebody else
                os.fchmod(target, file.kept.mode & 0o777)
                os.fchown(target, file.kept.uid, file.kept.gid)
            with suppress(OSError):
                os.utime(target, ns=(file.kept.modified, file.kept.modified))
        os.fsync(target)
        self._known(file, file.path.parent / name, Stamp.of(os.fstat(target)))
        synced(folder)

    def _finished(self, file: File, folder: int) -> bool:
        """Whether a crash came after the file was whole; a piece of it is removed, and so is the empty file that was only just made."""
        name = file.name or ""
        try:
            with opened_file(folder, name) as found:
                facts = os.fstat(found)
                ours = facts.st_ino == file.inode or (file.inode is None and not facts.st_size)
                if not ours or not stat.S_ISREG(facts.st_mode):
                    return False
                whole = file.inode is not None and self._same_as_copy(file, found)
        except OSError:
            return False
        if whole:
            self._known(file, file.path.parent / name, Stamp.of(facts))
        elif Stamp.of(os.stat(name, dir_fd=folder, follow_symlinks=False)) == Stamp.of(facts):
            os.unlink(name, dir_fd=folder)
        return whole

    def _same_as_copy(self, file: File, found: int) -> bool:
        try:
            copy = os.open(self._folder / file.event, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return True  # nothing to compare with: what is there is all that is left
        try:
            return _digest(copy) == _digest(found)
        finally:
            os.close(copy)

    def _known(self, file: File, path: Path, stamp: Stamp) -> None:
        self._seen.keep(file.root, path, stamp, file.digest, clean=False)

    # pieces

    def _place_of(self, path: Path) -> Path | None:
        place = self._places.of(path)
        return place.path if place is not None else None

    def _synced(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _written(draft: Path, source: int) -> bytes:
    """Copy all of an open file; its digest. Raises OSError."""
    digest = hashlib.sha256()
    target = os.open(draft, _NEW | os.O_TRUNC, 0o600)
    try:
        while piece := os.read(source, _CHUNK):
            digest.update(piece)
            _write(target, piece)
        os.fsync(target)
    finally:
        os.close(target)
    return digest.digest()


def _write(target: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(target, view) :]


def _digest(source: int) -> bytes:
    digest = hashlib.sha256()
    while piece := os.read(source, _CHUNK):
        digest.update(piece)
    return digest.digest()


def _names(name: str) -> list[str]:
    """Its own name, then `name (2).csv` and so on."""
    path = Path(name)
    return [name, *(f"{path.stem} ({number}){path.suffix}" for number in range(2, _NAMES_MAX))]


def _is_taken(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _cause(error: OSError) -> str:
    return "no_room" if error.errno in _NO_ROOM else "unreadable"
