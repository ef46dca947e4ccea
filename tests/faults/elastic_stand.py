"""Two producers, the log, a proxy before a real Elasticsearch, and the consumer of the log behind it."""

import random
from collections import Counter
from pathlib import Path

from audit_store.elastic import ElasticError
from audit_store.log import Log
from audit_store.shipping import LostError, Shipper
from audit_store.spool import Spool
from tests.audit_store.acts import plain
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Fault, Proxy, honest

TIMEOUT_SECONDS = 0.5
EVENTS_WRITTEN = 1_200


class Stand:
    """Two producers, the log, a proxy, and a consumer of the log behind it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.proxy = Proxy(cluster, folder)
        self.log = Log.open(folder / "log")
        self._spools = {name: Spool.open(folder / name, name) for name in ("gateway", "agent-1")}
        self.shipper = self.another()
        self.failures: Counter[str] = Counter()

    def another(self) -> Shipper:
        """The consumer as a new process has it."""
        return self.cluster.shipper(self.log, self.folder, url=self.proxy.url, timeout_seconds=TIMEOUT_SECONDS)

    def write(self, count: int = EVENTS_WRITTEN) -> None:
        for number in range(0, count, 100):
            spool = self._spools["agent-1" if number // 100 % 3 == 2 else "gateway"]
            spool._store([plain(number + step).canonical() for step in range(100)])
            self.log.take(spool)

    def append(self) -> None:
        """One event as the data path records it."""
        self._spools["gateway"].append(plain(0))

    def take(self) -> int:
        return self.log.take(self._spools["gateway"])

    def try_once(self) -> bool:
        """One attempt; what failed is kept."""
        try:
            self.shipper.step(400)
        except ElasticError as error:
            self.failures[type(error).__name__] += 1
            return False
        return True

    def drain(self, attempts: int = 60) -> None:
        """Attempt until nothing waits."""
        while self.shipper.backlog().events:
            self.try_once()
            attempts -= 1
            assert attempts, f"it does not get through: {self.failures}"

    def look(self) -> None:
        """Look for everything once, whatever is missing."""
        self.cluster.documents()
        try:
            self.shipper.look(self.shipper.position)
        except LostError:
            self.failures["LostError"] += 1

    def assert_nothing_lost(self) -> None:
        """Every id of the log is there, each exactly once, in the order of each producer."""
        rows = self.log.read(0, 1_000_000)
        stored = self.cluster.documents()
        assert Counter(document["event"]["id"] for document in stored) == Counter(row.document["event"]["id"] for row in rows)
        assert [document["torwart.log"]["sequence"] for document in stored] == [row.sequence for row in rows]
        for producer in self._spools:
            of_it = [document["torwart.log"] for document in stored if document["torwart.log"]["producer"] == producer]
            assert [place["producer_sequence"] for place in of_it] == list(range(1, len(of_it) + 1))

    def close(self) -> None:
        self.proxy.close()
        for spool in self._spools.values():
            spool.close()
        self.log.close()


def sometimes(fault: Fault, otherwise: Fault = honest, *, share: float = 0.4) -> Fault:
    """The fault at random moments, the same ones in every run."""
    dice = random.Random(7)  # noqa: S311
    return lambda asked, ask: (fault if dice.random() < share else otherwise)(asked, ask)
