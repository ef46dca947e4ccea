"""What agents deliver: checked row by row, and kept as a copy of each agent's spool, from which the log takes it.

Nothing here is believed because it was signed: an agent speaks for its own machine and its own person only, of what agents speak of, and in
its own order (attacks X22).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from audit_store.client_sets import decode_ids
from audit_store.event import EventAction
from audit_store.replica import MisfitError, Replica
from audit_store.spool import Head, Stored
from auth.agent_alarms import AgentAlarms
from auth.agents import KnownAgent

EVENT_BYTES_MAX = 512 * 1024
SUSPECTED_MAX = 30_000
"""Hashes that one event may name; an agent names as many at most (`agent.observe`)."""
KINDS = frozenset(
    {EventAction.FILE_SEEN, EventAction.AGENT_STARTED, EventAction.AGENT_STOPPED, EventAction.AGENT_LOSS, EventAction.STORE_ALARM}
)
_TOP = frozenset({"@timestamp", "ecs", "event", "file", "torwart", "user"})
_OURS = frozenset({"channel", "device", "numbers", "schema", "subject", "suspected", "suspected_count", "unread", "words"})
_OF_EVENT = frozenset({"action", "category", "id", "kind", "outcome", "severity", "type"})
_OF_FILE = frozenset({"extension", "hash", "size"})
_ID = re.compile(r"[0-9a-f]{32}")


class IntakeRefusedError(Exception):
    """Something in a delivery is not this agent's to say. What came before it in order is stored."""

    def __init__(self, cause: str, head: Head) -> None:
        super().__init__(cause)
        self.cause = cause
        self.head = head


class Intake:
    """The copies of all agents of an installation. Any thread."""

    def __init__(self, spools: Path, alarms: AgentAlarms) -> None:
        """`spools` is the folder with one folder per producer, `state/spool`."""
        self._spools = spools
        self._alarms = alarms
        self._replicas: dict[str, Replica] = {}
        self._lock = threading.Lock()

    def deliver(self, agent: KnownAgent, rows: Sequence[Stored]) -> Head:
        """Keep what an agent sends, durably; where its copy ends now. Without rows it only says that.

        Raises IntakeRefusedError, recorded as an alarm; SpoolError: then nothing was kept and the agent sends it again.
        """
        replica = self._replica(agent.producer)
        faults: list[str] = []
        try:
            head = replica.take(_own(agent, rows, replica.head().epoch, faults))
        except MisfitError as error:
            faults[:], head = [error.cause], error.head
        if faults:
            self._alarms.refused(faults[0], agent.producer, agent.pseudonym)
            raise IntakeRefusedError(faults[0], head)
        return head

    def close(self) -> None:
        """Close all copies."""
        with self._lock:
            for replica in self._replicas.values():
                replica.close()
            self._replicas.clear()

    def _replica(self, producer: str) -> Replica:
        with self._lock:
            found = self._replicas.get(producer)
            if found is None:
                found = self._replicas[producer] = Replica.open(self._spools / producer, producer)
            return found


def _own(agent: KnownAgent, rows: Sequence[Stored], epoch: int, faults: list[str]) -> Iterator[Stored]:
    """The rows up to the first that the agent may not send, which goes to `faults`. A new epoch says so itself (`Spool.begin_epoch`)."""
    for row in rows:
        fault = foreign(agent, row.canonical)
        if row.epoch > epoch:
            epoch = row.epoch
            fault = fault or (None if _is_alarm(row.canonical) else "epoch_silent")
        if fault is not None:
            faults.append(fault)
            return
        yield row


def foreign(agent: KnownAgent, canonical: bytes) -> str | None:
    """Why this agent may not say this; None if it may."""
    if len(canonical) > EVENT_BYTES_MAX:
        return "event_too_large"
    try:
        document = orjson.loads(canonical)
        if not isinstance(document, dict) or orjson.dumps(document, option=orjson.OPT_SORT_KEYS) != canonical:
            return "event_unreadable"
        return _fault(agent, document)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "event_unreadable"


def _fault(agent: KnownAgent, document: dict[str, Any]) -> str | None:
    event, ours = document["event"], document["torwart"]
    if not (document.keys() <= _TOP and ours.keys() <= _OURS and event.keys() <= _OF_EVENT):
        return "event_odd"
    if event["action"] not in KINDS:
        return "event_kind"
    if not _ID.fullmatch(event["id"]) or datetime.fromisoformat(document["@timestamp"]).tzinfo is None:
        return "event_unreadable"
    alarm = event["action"] == EventAction.STORE_ALARM
    if document.get("user", {"id": agent.pseudonym} if alarm else {}) != {"id": agent.pseudonym}:
        return "other_person"
    if ours.get("device", agent.producer) != agent.producer or ours.get("subject", agent.producer) != agent.producer:
        return "other_device"
    if event["action"] != EventAction.FILE_SEEN:
        return "event_odd" if "file" in document or "suspected" in ours else None
    return None if _is_file(document["file"], ours) else "event_odd"


def _is_alarm(canonical: bytes) -> bool:
    return bool(orjson.loads(canonical)["event"]["action"] == EventAction.STORE_ALARM)


def _is_file(file: dict[str, Any], ours: dict[str, Any]) -> bool:
    counted = ours["suspected_count"]
    return (
        file.keys() <= _OF_FILE
        and type(file["size"]) is int
        and type(counted) is int
        and "device" in ours
        and ours["channel"] in ("removable", "folder")
        and isinstance(ours["unread"], list)
        and len(decode_ids(ours["suspected"], most=SUSPECTED_MAX)) <= counted
    )
