"""A cluster of three real Elasticsearch nodes on one machine, which asks nobody who he is: for what happens when one of them dies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_store.elastic import Access
from tests.services.certificates import Authority
from tests.services.elastic import Cluster
from tests.services.elastic_node import FIRST, START_SECONDS, ElasticNode, java_home
from tests.services.require import missing

NODES = 3


class OpenNode(ElasticNode):
    """One of them."""

    scheme = "http"
    heap_megabytes = 384

    def __init__(self, name: str, java: Path, authority: Authority) -> None:
        self.name = name
        self.peers: list[OpenNode] = []
        super().__init__(FIRST, java, authority)

    def prepare(self) -> None:
        """Only when all of them are known."""
        if self.peers:
            super().prepare()

    def _settings(self, certificate: Path, key: Path) -> dict[str, object]:
        known = super()._settings(certificate, key)
        kept = {name: value for name, value in known.items() if not name.startswith(("xpack.security.http", "discovery."))}
        return kept | {
            "node.name": self.name,
            "discovery.seed_hosts": json.dumps([f"127.0.0.1:{peer.transport}" for peer in self.peers]),
            "cluster.initial_master_nodes": json.dumps([peer.name for peer in self.peers]),
            "xpack.security.enabled": "false",
        }


class Trio:
    """The three, and what is asked of whichever lives."""

    def __init__(self, java: Path, authority: Authority) -> None:
        self.nodes = [OpenNode(f"node-{number}", java, authority) for number in range(NODES)]
        for node in self.nodes:
            node.peers = self.nodes
            node.prepare()
        self.cluster = Cluster(self.nodes[0], authority)

    @property
    def access(self) -> Access:
        """All three addresses."""
        return Access(tuple(node.url for node in self.nodes))

    def start(self) -> None:
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait()
        self.settled(NODES)

    def settled(self, nodes: int) -> None:
        """Wait until so many nodes are one cluster and every shard has its copies that can have."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            health = self.cluster.admin("GET", f"/_cluster/health?wait_for_nodes={nodes}&wait_for_no_initializing_shards=true&timeout=30s")
            if not health["timed_out"]:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"the cluster does not settle: {health}")

    def master(self) -> OpenNode:
        """Who leads now."""
        state: dict[str, Any] = self.cluster.admin("GET", "/_cluster/state/master_node,nodes")
        name = state["nodes"][state["master_node"]]["name"]
        return next(node for node in self.nodes if node.name == name)

    def kill(self, node: OpenNode) -> None:
        """As a power cut does; the others are asked from now on."""
        self.cluster.node = next(other for other in self.nodes if other is not node)
        node.kill()

    def remove(self) -> None:
        for node in self.nodes:
            node.remove()


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Three nodes of the oldest supported server."""
    java = java_home(17)
    if java is None:
        missing("elasticsearch", "there is no Java 17 or newer")
    made = Trio(java, Authority(tmp_path_factory.mktemp("elastic")))
    try:
        made.start()
        yield made
    finally:
        made.remove()
