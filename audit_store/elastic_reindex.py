"""Ships the whole log again into fresh indices: after a changed mapping, for a cluster that was lost, or a copy that is not believed.

The streams are rolled over, the log is sent from its first event on, each one is looked for in the new indices, and only then may the older
indices go. How far it is stands in a file: what was cut off goes on where it was. Sending an event twice stores it once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from audit_store.elastic import AnswerError, Elastic, ElasticError
from audit_store.elastic_install import FOR_EVER, Retention, install, streams_of
from audit_store.log import Log
from audit_store.mapping import BOTH, PLACE
from audit_store.shipping import BATCH_EVENTS, LostError, Shipper

SETTLE_SECONDS = 2.0
"""A search sees an event a second after it was stored."""
_SEQUENCE = f"{PLACE}.sequence"


class ReindexError(ElasticError):
    """It cannot begin or go on; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and how far it is."""

    until: int
    """The log's last sequence when it began; what comes later is shipped anew anyway."""
    position: int
    """The last sequence that was sent."""
    old: tuple[str, ...]
    """Indices that were there before."""
    checked: bool = False
    """Every event was found in the new ones."""

    def save(self, file: Path) -> None:
        """Durable, whole or not at all."""
        fresh = file.with_suffix(".new")
        members = {"until": self.until, "position": self.position, "old": self.old, "checked": self.checked}
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(members, handle)
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(file)

    @classmethod
    def load(cls, file: Path) -> Plan | None:
        """None if there is none. Raises ReindexError."""
        try:
            found = json.loads(file.read_text("utf-8"))
            return cls(int(found["until"]), int(found["position"]), tuple(map(str, found["old"])), bool(found["checked"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise ReindexError(f"{file} cannot be read: delete it, and begin again") from None


@dataclass(frozen=True, slots=True)
class Done:
    """What was done."""

    events: int
    """In the new indices, each of them found."""
    resumed_after: int
    """Events that an earlier run had sent; 0: it began now."""
    dead_letters: int
    old: tuple[str, ...]
    """Older indices that are still there, with the same events."""
    dropped: tuple[str, ...]


class Reindex:
    """One run; the file makes it go on where the last one was cut off."""

    def __init__(
        self,
        log: Log,
        shipper: Shipper,
        reader: Elastic,
        installer: Elastic | None,
        file: Path,
        *,
        retention: Retention = FOR_EVER,
        progress: Callable[[int, int], object] = lambda done, until: None,
    ) -> None:
        """`installer` puts the templates, makes the new indices and drops the old ones; None where there are no indices yet."""
        self._log = log
        self._shipper = shipper
        self._reader = reader
        self._installer = installer
        self._file = file
        self._retention = retention
        self._progress = progress

    def run(self, *, drop_old: bool = False) -> Done:
        """Do what is left. Raises ReindexError, LostError, ElasticError, LogError; then the next run goes on from there."""
        plan = Plan.load(self._file) or self._begin()
        resumed_after = plan.position
        plan = self._send(plan)
        if not plan.checked:
            self._look(plan)
            plan = replace(plan, checked=True)
            plan.save(self._file)
        dropped = self._drop(plan) if drop_old else ()
        if len(dropped) == len(plan.old):
            self._file.unlink()
        return Done(plan.until, resumed_after, self._shipper.dead_letters, plan.old[len(dropped) :], dropped)

    def _begin(self) -> Plan:
        """Fresh indices. Cut off before the plan is written, the next run makes one more and counts this one among the old."""
        if self._installer is not None:
            install(self._installer, retention=self._retention)
        streams = streams_of(self._reader)
        for stream in streams:
            self._maker().ask("POST", f"/{stream}/_rollover")
        newest = self._log.tail(1)
        plan = Plan(newest[0].sequence if newest else 0, 0, tuple(index for indices in streams.values() for index in indices))
        plan.save(self._file)
        return plan

    def _send(self, plan: Plan) -> Plan:
        while plan.position < plan.until:
            entries = self._shipper.batch(plan.position, until=plan.until)
            if not entries:
                raise ReindexError(f"the log ends before event {plan.until}: `torwart events verify`")
            self._shipper.deliver(entries)
            plan = replace(plan, position=entries[-1].sequence)
            plan.save(self._file)
            self._progress(plan.position, plan.until)
        return plan

    def _look(self, plan: Plan) -> None:
        """Each event is in the new indices; what is not is sent once more, and then must be."""
        self._settle()
        lost = 0
        for after in range(0, plan.until, BATCH_EVENTS):
            end = min(after + BATCH_EVENTS, plan.until)
            there = self._present(plan, after, end)
            rows = self._log.entries(after, BATCH_EVENTS, until=end)
            gone = self._log.without_content(rows)
            missing = [entry for entry in rows if entry.sequence not in gone and entry.sequence not in there]
            if missing:
                self._shipper.deliver(missing)
                self._settle()
                there = self._present(plan, after, end)
                lost += sum(entry.sequence not in there for entry in missing)
        if lost:
            raise LostError(f"{lost} events were acknowledged twice and are not there: look at the health of Elasticsearch, then go on")

    def _settle(self) -> None:
        if self._installer is None:
            time.sleep(SETTLE_SECONDS)
        else:
            self._installer.ask("POST", f"/{BOTH}/_refresh")

    def _present(self, plan: Plan, after: int, until: int) -> set[int]:
        """Sequences in (after, until] that the new indices have."""
        query = {
            "filter": [{"range": {_SEQUENCE: {"gt": after, "lte": until}}}],
            "must_not": [{"terms": {"_index": list(plan.old)}}],
        }
        body = {
            "query": {"bool": query},
            "sort": [{_SEQUENCE: "asc"}],
            "collapse": {"field": _SEQUENCE},
            "size": until - after,
            "_source": False,
            "track_total_hits": False,
        }
        found = self._reader.ask("POST", f"/{BOTH}/_search", body)
        try:
            if found["timed_out"] or found["_shards"]["failed"]:
                raise AnswerError("Elasticsearch answers for a part of the events only: look at its health")
            return {int(hit["sort"][0]) for hit in found["hits"]["hits"]}
        except (KeyError, TypeError, ValueError, IndexError):
            raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None

    def _drop(self, plan: Plan) -> tuple[str, ...]:
        """Delete the older indices; one that is gone already is dropped too."""
        for index in plan.old:
            self._maker().find("DELETE", f"/{index}")
        return plan.old

    def _maker(self) -> Elastic:
        if self._installer is None:
            raise ReindexError("indices are made and deleted by the installer: --user NAME --password-file FILE (role torwart_installer)")
        return self._installer
