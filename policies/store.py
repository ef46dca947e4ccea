"""The policy in force, how it is changed, and the last valid one when something is spoilt.

Nothing is activated whose rules or cases have an error, whose cases are red, or that widens what people may do without somebody who has
confirmed exactly that. What is judged is the copy that is activated. The caller records the event (`record`): it is called before the
version comes into force, so that none is ever in force without its record. One activation at a time: others wait for it.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from policies.cases import Result, case_files, questions
from policies.judged import Judged, judged
from policies.load import load_contents, read_contents, rule_files
from policies.problems import PolicyError, PolicyErrors
from policies.rule import Policy
from policies.signing import Before, Confirmation, Signer, Statement
from policies.versions import Stamp, Version, Versions, written
from policies.widening import Traffic, WideningError, Widenings, incomparable, no_traffic, widenings, with_gap

__all__ = ["SHIPPED", "Change", "Confirmation", "PolicyStore", "RedCasesError", "Traffic", "WideningError"]

SHIPPED = Path(__file__).parent / "shipped"
"""The policy that a new installation starts with."""

_COPY = ".new-"
"""How folders begin whose version is not in force yet; what a killed process left is removed by the next activation."""


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
    """Of the rules and cases: `Statement.content`."""
    by: str
    errors: int = 0
    red: int = 0
    widenings: int = 0
    """Lines that let more go than before."""
    confirmed_by: str = ""
    """Who confirmed them."""
    rollback_to: int = 0
    """The earlier version whose rules these are; 0: new ones."""


type Recorder = Callable[[Change], None]


def _nobody(change: Change) -> None:
    """For callers that only read."""


class PolicyStore:
    """The versions of one installation. `current()` is cheap enough to be asked for every request."""

    def __init__(
        self,
        folder: Path,
        key: Signer,
        *,
        record: Recorder = _nobody,
        problem: Callable[[PolicyErrors], None] | None = None,
    ) -> None:
        """`folder` is `policies` in the state folder. `problem` is told once for every change that cannot be used."""
        self._folder = folder
        self.versions = Versions(folder, key)
        self._record = record
        self._problem = problem
        self._policy: Policy | None = None
        self._number = 0
        self._stamp: Stamp | None = None

    def prepare(self, by: str) -> None:
        """Activate the shipped policy in an installation that never had one. Raises PolicyErrors, RedCasesError, OSError.

        Where rules were in force, lost ones must not be replaced by the shipped ones: they may allow more.
        """
        if self.versions.is_new():
            with self._alone():  # gateway and proxy start side by side: one of them does it
                if self.versions.is_new():
                    self._activated(SHIPPED, _Wanted(by))
        else:
            self.versions.keep_number()

    def current(self) -> Policy:
        """The policy in force; after a spoilt change the last valid one, never one with a smaller number.

        Raises PolicyErrors if there never was a valid one: then nothing may be decided.
        """
        stamp = self.versions.stamp()
        if stamp == self._stamp and self._policy is not None:
            return self._policy
        try:
            version = self.versions.newest()
            if version.number < self._number:
                raise PolicyErrors([_error(f"version {self._number} is gone: an older one never takes its place")])
            if version.number != self._number or self._policy is None:
                self._policy = load_contents(version.rules, str(version.number))
                self._number = version.number
        except PolicyErrors as error:
            if self._policy is None:
                raise
            if self._problem is not None:
                self._problem(error)
        self._stamp = stamp
        return self._policy

    def version(self) -> int:
        """Number of the version in force, 0 if there is none. Raises PolicyErrors for one that is not valid."""
        return 0 if self.versions.is_new() else self.versions.newest().number

    def activate(self, source: Path, by: str, *, traffic: Traffic = no_traffic, confirmed: Confirmation | None = None) -> int:
        """Make the rules of a folder or file the next version and put it in force; its number.

        The cases, and recorded acts if `traffic` has any, are asked of both versions to find what would be wider.
        Raises PolicyErrors, RedCasesError, WideningError, OSError; then nothing has changed.
        """
        with self._alone():
            return self._activated(source, _Wanted(by, traffic, confirmed))

    def rollback(self, number: int | None, by: str, *, traffic: Traffic = no_traffic, confirmed: Confirmation | None = None) -> int:
        """Make the rules of an earlier version (None: the one before that in force) the next version; its new number.

        Judged like any other: what was green then may be red today. Raises like `activate`.
        """
        with self._alone():
            earlier = self.versions.version(self._earlier() if number is None else number)
            return self._activated(earlier.folder, _Wanted(by, traffic, confirmed, earlier))

    def _earlier(self) -> int:
        """The version before the one in force; of a rollback the one before that which it brought back."""
        statement = self.versions.newest().statement
        if statement.rollback_to is not None:
            statement = self.versions.statement(statement.rollback_to)
        if statement.before is None:
            raise PolicyErrors([PolicyError("policies", 0, 0, "there is no earlier version", "`torwart policy versions` shows all")])
        return statement.before.number

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = self._folder / "lock"
        with lock.open("a") as handle:
            lock.chmod(0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in self._folder.glob(f"{_COPY}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def _activated(self, source: Path, wanted: _Wanted) -> int:
        self.versions.folder.mkdir(mode=0o700, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix=_COPY, dir=self._folder))
        try:
            files = _copied(source, copy, wanted.earlier)
            content = Statement.content_of(files)
            new = self._judged(copy, source.name, content, wanted)
            before = self.versions.last_valid()
            wider = self._wider(before, new, content, wanted.traffic)
            confirmed = wanted.confirmed
            if wider.lines and (confirmed is None or confirmed.digest not in (wider.digest, wider.change)):
                raise WideningError(wider)
            statement = Statement(
                number=self.versions.next_number(),
                at=datetime.now(UTC),
                by=wanted.by,
                rules=len({rule.text.id for rule in new.policy.rules}),
                cases=len(new.results),
                files=files,
                before=None if before is None else Before(number=before.number, digest=before.statement.digest),
                confirmed=_confirmation(wider, confirmed),
                rollback_to=None if wanted.earlier is None else wanted.earlier.number,
            )
            self._record(_change(statement))
            try:
                self.versions.add(copy, statement)
            except OSError:
                self._record(Change(activated=False, version=self._in_force(), digest=content, by=wanted.by))
                raise
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        return statement.number

    def _judged(self, copy: Path, name: str, content: str, wanted: _Wanted) -> Judged:
        try:
            new = judged(copy)
            if not new.results:
                raise PolicyErrors([PolicyError(name, 0, 0, "there is no case", "write what the rules must do into NAME.cases.yaml")])
        except PolicyErrors as error:
            self._record(Change(activated=False, version=self._in_force(), digest=content, by=wanted.by, errors=len(error.errors)))
            raise
        red = [result for result in new.results if not result.green]
        if red:
            self._record(Change(activated=False, version=self._in_force(), digest=content, by=wanted.by, red=len(red)))
            raise RedCasesError(red)
        return new

    def _wider(self, before: Version | None, new: Judged, content: str, traffic: Traffic) -> Widenings:
        """Compare with the last version that can be trusted. Where that is not the newest, whoever spoilt that one could have stricter
        rules forgotten: this is named like anything that is wider. Nothing is wider than where nothing ever was in force."""
        newest = self.versions.next_number() - 1
        if not newest:
            return Widenings((), "")
        try:
            old, asked = (load_contents(before.rules, str(before.number)), questions(before.folder)) if before is not None else (None, [])
        except PolicyErrors:
            old, asked = None, []  # this release can no longer read them
        if before is None or old is None:
            return incomparable(new.policy, newest, content)
        change = f"{before.statement.digest} {content}"
        found = widenings(old, new.policy, [*asked, *new.questions], traffic, change)
        return found if before.number == newest else with_gap(found, before.number, newest, change)

    def _in_force(self) -> int:
        try:
            return self.version()
        except PolicyErrors:
            return 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an activation was asked with."""

    by: str
    traffic: Traffic = no_traffic
    confirmed: Confirmation | None = None
    earlier: Version | None = None


def _confirmation(wider: Widenings, confirmed: Confirmation | None) -> Confirmation | None:
    if confirmed is None or not wider.lines:
        return None
    return Confirmation(digest=wider.digest, by=confirmed.by, widenings=len(wider.lines))


def _copied(source: Path, copy: Path, earlier: Version | None) -> dict[str, str]:
    """Copy rules and cases; name -> digest. Raises PolicyErrors for what cannot be read, or was changed meanwhile."""
    contents = _read(source) if earlier is None else earlier.contents
    for name, content in contents.items():
        written(copy / name, content)
    return {name: sha256(content).hexdigest() for name, content in sorted(contents.items())}


def _read(source: Path) -> Mapping[str, bytes]:
    errors: list[PolicyError] = []
    rules = rule_files(source)
    if not rules:
        raise PolicyErrors([PolicyError(source.name, 0, 0, "no rule file here", "rules lie in files that end in .yaml")])
    files = [*rules, *case_files(source)]
    before = [_seen(path) for path in files]
    contents = read_contents(files, errors)
    if errors:
        raise PolicyErrors(errors)
    after = [*rule_files(source), *case_files(source)]
    if files != after or before != [_seen(path) for path in after]:
        raise PolicyErrors([PolicyError(source.name, 0, 0, "changed while it was read", "wait until everything is saved, then try again")])
    return contents


def _seen(path: Path) -> tuple[int, ...]:
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_mtime_ns, seen.st_ino, seen.st_size


def _change(statement: Statement) -> Change:
    confirmed = statement.confirmed
    return Change(
        activated=True,
        version=statement.number,
        digest=statement.content,
        by=statement.by,
        widenings=confirmed.widenings if confirmed else 0,
        confirmed_by=confirmed.by if confirmed else "",
        rollback_to=statement.rollback_to or 0,
    )


def _error(message: str) -> PolicyError:
    return PolicyError("policies", 0, 0, message, "look at the rules, then put them in force again: torwart policy activate PATH")
