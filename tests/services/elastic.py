"""A real Elasticsearch with TLS, users and our roles: one node per version and test session, its data streams empty for each test."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit_store.database import open_database
from audit_store.elastic import Access, Elastic
from audit_store.elastic_install import install
from audit_store.event import Event
from audit_store.log import Log
from audit_store.mapping import BOTH, EVENTS
from audit_store.shipping import Shipper
from tests.services.certificates import Authority
from tests.services.elastic_node import FIRST, SECOND, ElasticNode, java_home
from tests.services.require import missing


@dataclass
class Cluster:
    """What tests do with a node."""

    node: ElasticNode
    authority: Authority
    opened: ExitStack = field(default_factory=ExitStack)
    recorded: list[Event] = field(default_factory=list)
    """What shippers said in the record."""

    def access(self, user: str, url: str | None = None) -> Access:
        return Access((url or self.node.url,), user, self.node.passwords[user], ca=self.node.ca)

    def connect(self, user: str, url: str | None = None, *, timeout_seconds: float = 30) -> Elastic:
        """A connection of ours as one of the users, closed with the test."""
        made = Elastic(self.access(user, url), timeout_seconds=timeout_seconds)
        self.opened.callback(made.close)
        return made

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        found = self.node.admin(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(found) if found else None

    def shipper(self, log: Log, folder: Path, *, url: str | None = None, timeout_seconds: float = 30) -> Shipper:
        """A consumer of the log with a database in `folder`."""
        engine = open_database(folder / "torwart.db")
        self.opened.callback(engine.dispose)
        writer, reader = (self.connect(user, url, timeout_seconds=timeout_seconds) for user in ("writer", "reader"))
        return Shipper(engine, log, writer, reader, self.recorded.append)

    def documents(self, stream: str = EVENTS) -> list[dict[str, Any]]:
        """All of a stream in the order of the log, as they are stored."""
        self.admin("POST", f"/{BOTH}/_refresh")
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["torwart.log"]["sequence"] if found else 0
            query = {"range": {"torwart.log.sequence": {"gt": after}}}
            body = {"size": 10_000, "query": query, "sort": [{"torwart.log.sequence": "asc"}]}
            hits = self._search(stream, body)
            if not hits:
                return found
            found += [hit["_source"] for hit in hits]

    def _search(self, stream: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        for _ in range(100):
            try:
                found: list[dict[str, Any]] = self.admin("POST", f"/{stream}/_search?ignore_unavailable=true", body)["hits"]["hits"]
            except urllib.error.HTTPError as error:
                if error.code != 503:  # a stream that has just begun has no shard yet
                    raise
                time.sleep(0.1)
            else:
                return found
        pytest.fail("the shards of the stream do not come up")

    def empty(self) -> None:
        """Forget all events. The minimal distribution cannot delete a data stream: it rolls over, and the older indices go."""
        for stream in self.admin("GET", f"/_resolve/index/{BOTH}")["data_streams"]:
            for index in stream["backing_indices"]:
                self.admin("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": None, "index.blocks.write": None})
            self.admin("POST", f"/{stream['name']}/_rollover")
            for index in stream["backing_indices"]:
                self.admin("DELETE", f"/{index}")


@pytest.fixture(scope="session")
def elastic_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The oldest supported server."""
    java = java_home(17)
    if java is None:
        missing("elasticsearch", "there is no Java 17 or newer")
    yield from _cluster(FIRST, java, tmp_path_factory.mktemp("elastic"))


@pytest.fixture(scope="session")
def newer_elastic_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The newest one, where there is a Java for it."""
    java = java_home(21)
    if java is None:
        pytest.skip(f"Elasticsearch {SECOND} needs a Java of 21 or newer, which is not here: only {FIRST} was tested")
    yield from _cluster(SECOND, java, tmp_path_factory.mktemp("elastic"))


def _cluster(version: str, java: Path, folder: Path) -> Iterator[Cluster]:
    authority = Authority(folder)
    node = ElasticNode(version, java, authority)
    try:
        node.start()
        yield Cluster(node, authority)
    finally:
        node.remove()


@pytest.fixture
def elastic(elastic_node: Cluster) -> Iterator[Cluster]:
    """The oldest supported server with our templates and no events."""
    yield from _ready(elastic_node)


@pytest.fixture
def newer_elastic(newer_elastic_node: Cluster) -> Iterator[Cluster]:
    """The newest server with our templates and no events."""
    yield from _ready(newer_elastic_node)


@pytest.fixture(params=["elastic", "newer_elastic"], ids=[FIRST, SECOND])
def each_elastic(request: pytest.FixtureRequest) -> Cluster:
    """Both servers, one after the other."""
    found: Cluster = request.getfixturevalue(request.param)
    return found


def _ready(cluster: Cluster) -> Iterator[Cluster]:
    with cluster.opened:
        cluster.recorded.clear()
        cluster.empty()
        install(cluster.connect("installer"))
        yield cluster
