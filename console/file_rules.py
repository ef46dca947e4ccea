"""What the rules say of a file that has already come to a place on somebody's machine: above all, whether it is put aside.

Nobody was asked before, so an allow, or something to be asked for first, changes nothing; what a rule says is recorded with the act.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from audit_store.history import History
from audit_store.log import Log
from auth.directory import Directory
from auth.policy_signature import PolicyKey
from policies.decision import Allow, Decision, Deny, Obligations
from policies.engine import decide
from policies.load import load_contents
from policies.problems import PolicyErrors
from policies.request import AccessRequest, Status
from policies.rule import Policy
from policies.store import PolicyStore

_BATCH = 1_000
NO_RULE = Allow(())
"""Nobody was asked, and no rule says anything: it has happened."""


class FileRules:
    """The rules in force, asked about files. One thread at a time."""

    def __init__(self, state: Path, log: Log, now: Callable[[], datetime]) -> None:
        """`state` is the installation's state folder."""
        self._store = PolicyStore(state / "policies", PolicyKey(state / "keys"))
        self._log = log
        self._now = now
        self._history: History | None = None
        self._counted = 0

    def decide(self, request: AccessRequest, directory: Directory) -> Decision:
        """The decision as it is recorded. Raises LogError, OSError.

        Whoever is frozen or gone is denied everything by law; a file on their machine is judged like anybody's, so that a rule that puts
        it aside holds for them too.
        """
        policy = self._policy()
        who = request.principal
        if who.frozen or who.status is Status.GONE:
            who = replace(who, frozen=False, status=Status.LAST_DAY if who.status is Status.GONE else who.status)
        if policy is None or not any(policy.applicable(request.action, request.resource.type, who.roles, who.level)):
            return NO_RULE  # the ordinary case: nothing has to be counted for it
        own = directory.book(who.id)
        at, pseudonym = request.context.at, who.pseudonym
        usage = self._counts().usage(pseudonym, at, own=own, base=directory.base_size(at), book=directory.book_size(who.id, at))
        found = decide(replace(request, principal=who, usage=usage), policy)
        if isinstance(found, Deny):
            return found if found.rules else Allow((), observed=found.observed)
        return Allow((), Obligations(notify=found.obligations.notify), found.rules, found.observed)

    def _policy(self) -> Policy | None:
        """The rules in force; where the newest version is spoilt, the last one that can be trusted; None: there is none."""
        if self._store.versions.is_new():
            return None
        try:
            return self._store.current()
        except PolicyErrors:
            with suppress(PolicyErrors):
                version = self._store.versions.last_valid()
                if version is not None:
                    return load_contents(version.rules, str(version.number))
        return None

    def _counts(self) -> History:
        """What everybody has had, up to the last event of the log; built at the first file that a rule is about."""
        if self._history is None:
            tail = self._log.tail(1)
            history, self._counted = History(), tail[-1].sequence if tail else 0
            history.rebuild(self._log, now=self._now())
            self._history = history
        while batch := self._log.read(self._counted, _BATCH):
            for logged in batch:
                with suppress(ValueError):  # `Log.verify` names it
                    self._history.apply(logged.document)
            self._counted = batch[-1].sequence
        return self._history
