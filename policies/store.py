"""The policy in force: numbered versions in a folder, one of them active, and the last valid one when a file is spoilt.

    policies/versions/0003/*.yaml   a version as it was activated; never changed afterwards
    policies/versions/0003/by.json  who activated it and when
    policies/active                 number and digest of the version in force

Nothing is activated whose rules or cases have an error or whose cases are red. The caller records the event (`record`): it is called
before the switch, so that a version is never in force without its record.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policies.cases import Result, case_files, run_cases
from policies.load import load, read_content, rule_files
from policies.problems import PolicyError, PolicyErrors
from policies.rule import Policy

SHIPPED = Path(__file__).parent / "shipped"
"""The policy that a new installation starts with."""


class RedCasesError(Exception):
    """Cases did not come out as expected: the policy is not activated."""

    def __init__(self, red: list[Result]) -> None:
        self.red = tuple(red)
        super().__init__(f"{len(red)} cases are red")


@dataclass(frozen=True, slots=True)
class Change:
    """What is told to the recorder: an activation, or a refusal with how many errors and red cases there were."""

    activated: bool
    version: int
    """The new version, or for a refusal the one that stays."""
    digest: str
    by: str
    errors: int = 0
    red: int = 0


type Recorder = Callable[[Change], None]
type Stamp = tuple[int, int, int]


def _nobody(change: Change) -> None:
    """For callers that only read."""


class PolicyStore:
    """The versions of one installation. `current()` is cheap enough to be asked for every request."""

    def __init__(
        self,
        folder: Path,
        *,
        record: Recorder = _nobody,
        problem: Callable[[PolicyErrors], None] | None = None,
    ) -> None:
        """`problem` is told once for every change of the active version that cannot be used."""
        self._folder = folder
        self._active = folder / "active"
        self._record = record
        self._problem = problem
        self._policy: Policy | None = None
        self._stamp: Stamp | None = None

    def prepare(self, by: str) -> None:
        """Activate the shipped policy in an installation that has none. Raises PolicyErrors, RedCasesError, OSError.

        Where somebody else has activated rules, a lost pointer must not put the shipped ones in force: they may allow more.
        """
        if self._active.exists():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:  # gateway and proxy start side by side: one of them does it
            (self._folder / "lock").chmod(0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._active.exists() and self._makers() <= {by}:
                self.activate(SHIPPED, by)

    def current(self) -> Policy:
        """The policy in force; after a spoilt change the last valid one.

        Raises PolicyErrors if there never was a valid one: then nothing may be decided.
        """
        stamp = self._look()
        if stamp == self._stamp and self._policy is not None:
            return self._policy
        try:
            self._policy = self._read()
        except PolicyErrors as error:
            if self._policy is None:
                raise
            if self._problem is not None:
                self._problem(error)
        self._stamp = stamp
        return self._policy

    def version(self) -> int:
        """Number of the active version, 0 if there is none. Raises PolicyErrors for an unreadable one."""
        return self._pointer()[0] if self._active.exists() else 0

    def activate(self, source: Path, by: str) -> int:
        """Make the rules of a folder or file the next version and put it in force; its number.

        Judged is the copy that is activated, not the source. Raises PolicyErrors, RedCasesError, OSError; then nothing has changed.
        """
        versions = self._folder / "versions"
        for folder in (self._folder, versions):  # one by one: `parents=True` would not give the rights to the upper one
            folder.mkdir(mode=0o700, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix=".new-", dir=versions))
        try:
            digest = self._copied(source, copy)
            self._judged(copy, source.name, digest, by)
            number, digest = self._named(copy, versions, digest, by)
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        self._record(Change(activated=True, version=number, digest=digest, by=by))
        self._point(number, digest)
        return number

    def _copied(self, source: Path, copy: Path) -> str:
        rules = rule_files(source)
        for path in [*rules, *case_files(source)]:
            _written(copy / path.name, read_content(path))
        if not rules:
            raise PolicyErrors([PolicyError(source.name, 0, 0, "no rule file here", "rules lie in files that end in .yaml")])
        return _digest(copy)

    def _judged(self, copy: Path, name: str, digest: str, by: str) -> None:
        try:
            results = run_cases(copy, load(copy))
            if not results:
                raise PolicyErrors([PolicyError(name, 0, 0, "there is no case", "write what the rules must do into NAME.cases.yaml")])
        except PolicyErrors as error:
            self._record(Change(activated=False, version=self._in_force(), digest=digest, by=by, errors=len(error.errors)))
            raise
        red = [result for result in results if not result.green]
        if red:
            self._record(Change(activated=False, version=self._in_force(), digest=digest, by=by, red=len(red)))
            raise RedCasesError(red)

    def _in_force(self) -> int:
        try:
            return self.version()
        except PolicyErrors:
            return 0

    def _makers(self) -> set[str]:
        """Who activated the versions that are here; an empty name for what does not say."""
        return {_maker(path) for path in (self._folder / "versions").glob("[0-9]*")}

    def _named(self, copy: Path, versions: Path, digest: str, by: str) -> tuple[int, str]:
        """Give the copy the next free number; of two at once the second takes the one after."""
        _written(copy / "by.json", json.dumps({"by": by, "at": datetime.now(UTC).isoformat(), "digest": digest}).encode())
        number = max((int(path.name) for path in versions.iterdir() if path.name.isdecimal()), default=0) + 1
        while True:
            try:
                copy.rename(versions / f"{number:04}")
            except OSError:
                if not (versions / f"{number:04}").exists():
                    raise
                number += 1
            else:
                _synced(versions)
                return number, digest

    def _point(self, number: int, digest: str) -> None:
        new = self._folder / f".active-{secrets.token_hex(8)}"
        _written(new, f"{number} {digest}\n".encode())
        new.replace(self._active)
        _synced(self._folder)

    def _look(self) -> Stamp | None:
        try:
            seen = self._active.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    def _pointer(self) -> tuple[int, str]:
        try:
            number, digest = self._active.read_text("ascii").split()
            return int(number), digest
        except (OSError, ValueError):
            raise PolicyErrors([PolicyError("active", 0, 0, "no policy is in force", "run `torwart policy activate PATH`")]) from None

    def _read(self) -> Policy:
        number, digest = self._pointer()
        folder = self._folder / "versions" / f"{number:04}"
        if not folder.is_dir() or _digest(folder) != digest:
            hint = "activate the rules again: a version is never changed in place"
            raise PolicyErrors([PolicyError(folder.name, 0, 0, "missing, or changed after it was activated", hint)])
        return load(folder, str(number))


def _maker(version: Path) -> str:
    try:
        return str(json.loads((version / "by.json").read_bytes())["by"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _digest(folder: Path) -> str:
    """Over every file of a version, rules and cases."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        content = path.read_bytes()
        total.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _written(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
