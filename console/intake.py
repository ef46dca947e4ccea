"""What agents deliver: checked row by row, and kept as a copy of each agent's spool, from which the log takes it.

Nothing here is believed because it was signed: an agent speaks for its own machine and its own person only, of what agents speak of, and in
its own order (attacks X22).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from audit_store.replica import AGENT_BYTES, MisfitError, Replica
from audit_store.spool import Head, Stored
from audit_store.spool_room import SpoolFullError
from auth.agent_alarms import AgentAlarms
from auth.agents import KnownAgent
from console.agent_event import foreign, is_alarm


class IntakeRefusedError(Exception):
    """Something in a delivery is not this agent's to say. What came before it in order is stored."""

    def __init__(self, cause: str, head: Head) -> None:
        super().__init__(cause)
        self.cause = cause
        self.head = head


class Intake:
    """The copies of all agents of an installation. Any thread."""

    def __init__(self, spools: Path, alarms: AgentAlarms, agent_bytes: int = AGENT_BYTES) -> None:
        """`spools` is the folder with one folder per producer, `state/spool`; `agent_bytes`: the most that one agent's copy may take."""
        self._agent_bytes = agent_bytes
        self._spools = spools
        self._alarms = alarms
        self._replicas: dict[str, Replica] = {}
        self._lock = threading.Lock()

    def deliver(self, agent: KnownAgent, rows: Sequence[Stored]) -> Head:
        """Keep what an agent sends, durably; where its copy ends now. Without rows it only says that.

        Raises IntakeRefusedError, recorded as an alarm; SpoolFullError when the agent has used up
        its room, SpoolError: then nothing was kept and the agent sends it again.
        """
        replica = self._replica(agent.producer)
        faults: list[str] = []
        try:
            head = replica.take(_own(agent, rows, replica.head().epoch, faults))
        except SpoolFullError:
            self._alarms.refused("quota", agent.producer, agent.pseudonym)
            raise
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
                found.room.cap_bytes = self._agent_bytes
            return found


def _own(agent: KnownAgent, rows: Sequence[Stored], epoch: int, faults: list[str]) -> Iterator[Stored]:
    """The rows up to the first that the agent may not send, which goes to `faults`. A new epoch says so itself (`Spool.begin_epoch`)."""
    for row in rows:
        fault = foreign(agent, row.canonical)
        if row.epoch > epoch:
            epoch = row.epoch
            fault = fault or (None if is_alarm(row.canonical) else "epoch_silent")
        if fault is not None:
            faults.append(fault)
            return
        yield row
