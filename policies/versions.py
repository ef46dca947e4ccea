"""The folder of versions: what is in force is the newest one, and only if it is signed and whole.

    policies/versions/0003/*.yaml        a version as it was activated; never changed afterwards
    policies/versions/0003/version.json  the signed statement about it (`signing.py`)

There is no pointer that could be turned back: a version comes into force by one rename of its folder, and an earlier one comes back only
under a new number. What the folder alone cannot notice is that all of it was replaced by an older copy of itself; the key keeps the highest
number apart from it, so that this is noticed too, unless the keys were replaced with it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from policies.load import CASES, read_content
from policies.problems import PolicyError, PolicyErrors
from policies.signing import MAX_NUMBER, Signer, Statement, signed, verified

STATEMENT = "version.json"

_NUMBER = re.compile(r"[0-9]{4}|[1-9][0-9]{4,5}")

type Stamp = tuple[int, int]

_AGAIN = "look at the rules, then put them in force again: torwart policy activate PATH"


@dataclass(frozen=True, slots=True)
class Version:
    """A version whose signature, digests and chain are right, with the bytes that were looked at."""

    statement: Statement
    folder: Path
    contents: Mapping[str, bytes]
    """Name -> bytes of every file, rules and cases."""

    @property
    def number(self) -> int:
        """Its number."""
        return self.statement.number

    @property
    def rules(self) -> dict[str, bytes]:
        """The files of rules in the order of their names."""
        return {name: self.contents[name] for name in sorted(self.contents) if not name.endswith(CASES)}


class Versions:
    """The versions of one installation."""

    def __init__(self, folder: Path, key: Signer) -> None:
        """`folder`: `policies` in the state folder. It need not exist yet."""
        self.folder = folder / "versions"
        self._place_of_all = str(self.folder)
        self._key = key
        self._chained: set[str] = set()
        """Digests of statements whose way back to the first one was walked."""

    def stamp(self) -> Stamp | None:
        """Changes whenever a version is added; None if there is no folder."""
        try:
            seen = os.stat(self._place_of_all)  # noqa: PTH116 -- asked several times for every request
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino

    def numbers(self) -> list[int]:
        """The numbers that are there, whatever is in them, in order."""
        try:
            return sorted(int(path.name) for path in self.folder.iterdir() if _NUMBER.fullmatch(path.name))
        except OSError:
            return []

    def is_new(self) -> bool:
        """Nothing was ever in force here."""
        return not self.numbers() and not self._key.highest()

    def next_number(self) -> int:
        """Greater than every number that was ever used. Raises PolicyErrors if there is none left."""
        highest = max([0, self._key.highest(), *self.numbers()])
        if highest >= MAX_NUMBER:
            raise _error(_name(highest), "there is no number after this one", "no installation comes so far: remove it")
        return highest + 1

    def newest(self) -> Version:
        """The version in force. Raises PolicyErrors if it is not valid: an older one never takes its place."""
        numbers = self.numbers()
        if not numbers and not self._key.highest():
            raise _error("policies", "no policy is in force", "run `torwart policy activate PATH`")
        found, highest = numbers[-1] if numbers else 0, self._key.highest()
        if found < highest:
            raise _error(
                "policies", f"version {highest} was in force, the newest here is {found or 'none'}: an older state came back", _AGAIN
            )
        return self.version(found)

    def last_valid(self) -> Version | None:
        """The newest version that can be trusted, whatever came after it; None: none can."""
        for number in reversed(self.numbers()):
            try:
                return self.version(number)
            except PolicyErrors:
                continue
        return None

    def version(self, number: int) -> Version:
        """One version. Raises PolicyErrors if it is missing, changed, not signed by this installation, or out of the chain."""
        statement = self.statement(number)
        folder = self._place(number)
        try:
            names = {path.name for path in folder.iterdir() if path.name.endswith(".yaml")}
        except OSError as error:
            raise _error(_name(number), f"cannot be read: {error.strerror}", _AGAIN) from None
        if names != set(statement.files):
            raise _error(_name(number), "files were added or removed after it was signed", _AGAIN)
        contents = {name: read_content(folder / name) for name in statement.files}
        for name, content in contents.items():
            if sha256(content).hexdigest() != statement.files[name]:
                raise _error(f"{_name(number)}/{name}", "changed after it was signed", _AGAIN)
        self._chain(statement)
        return Version(statement, folder, contents)

    def statement(self, number: int) -> Statement:
        """What was signed about one version; its files are not looked at. Raises PolicyErrors."""
        folder = self._place(number)
        if not folder.is_dir():
            raise _error(_name(number), "this version is missing", _AGAIN)
        kept = folder / STATEMENT
        if not kept.exists():
            hint = f"it may be from before versions were signed: look at its rules, then run `torwart policy activate {folder}`"
            raise _error(_name(number), "this version is not signed", hint)
        try:
            statement = verified(read_content(kept), self._key)
        except ValueError as error:
            raise _error(f"{_name(number)}/{STATEMENT}", f"this version cannot be used: {error}", _AGAIN) from None
        if statement.number != number:
            raise _error(_name(number), f"this is version {statement.number}, under another number", _AGAIN)
        return statement

    def add(self, copy: Path, statement: Statement) -> None:
        """Sign a folder with the files of a version and put it in force. Raises OSError; then it is not in force.

        Only a fault of the disk in the very last step leaves open whether it is.
        """
        written(copy / STATEMENT, signed(statement, self._key))
        synced(copy)
        before = self.folder.stat().st_mtime_ns
        copy.rename(self._place(statement.number))
        now = self.folder.stat()
        if now.st_mtime_ns <= before:  # a coarse clock, or one that was set back: whoever looks must see a change
            os.utime(self.folder, ns=(now.st_atime_ns, before + 1))
        synced(self.folder)
        with contextlib.suppress(OSError):  # it is in force; the next start keeps the number
            self._key.reached(statement.number)

    def keep_number(self) -> None:
        """Keep the number in force, if the process that put it there came not so far. Raises OSError."""
        with contextlib.suppress(PolicyErrors):  # the number of something that is not valid says nothing
            self._key.reached(self.newest().number)

    def _chain(self, statement: Statement) -> None:
        """Walk from a statement to the first one. Raises PolicyErrors where a link is missing or another one."""
        walked = [statement.digest]
        while walked[-1] not in self._chained and (before := statement.before) is not None:
            after, statement = statement.number, self.statement(before.number)
            if statement.digest != before.digest:
                raise _error(_name(before.number), f"this is not the version that version {after} came after", _AGAIN)
            walked.append(statement.digest)
        self._chained.update(walked)

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:04}"


def written(path: Path, content: bytes) -> None:
    """Write a new file for us alone, on disk on return. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def synced(folder: Path) -> None:
    """Names in a folder, on disk on return."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(number: int) -> str:
    return f"versions/{number:04}"


def _error(place: str, message: str, hint: str) -> PolicyErrors:
    return PolicyErrors([PolicyError(place, 0, 0, message, hint)])
