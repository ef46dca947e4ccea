"""Faults 8 and 11 seen from the console: whatever is wrong with Elasticsearch is said at once, the record goes on, and nothing is missing
afterwards."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit_store import elastic as connection
from audit_store.elastic import Elastic
from audit_store.event import EventAction, Phase
from audit_store.mapping import EVENTS
from audit_store.shipping import Shipper
from console import shipping
from console.shipping import Shipping
from detectors.cases import Step
from policies import reasons
from policies.request import Action
from tests.console.watch_house import House, open_house
from tests.faults.elastic_stand import TIMEOUT_SECONDS, Stand
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Answer, Asked, Proxy
from tests.services.tcp_relay import Relay
from tests.services.waiting import until

ALARM_SECONDS = 60
HELD = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="held")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def index(cluster: Cluster) -> str:
    found: str = cluster.admin("GET", f"/_resolve/index/{EVENTS}")["data_streams"][0]["backing_indices"][-1]
    return found


class Harm:
    """Something that is done to the server, or to the road to it, and undone again."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.proxy: Proxy | None = None

    @property
    def url(self) -> str | None:
        return self.proxy.url if self.proxy else None

    def begin(self) -> None:
        """Now."""

    def end(self) -> None:
        """All is well again."""


class ReadOnly(Harm):
    """What Elasticsearch does to itself when its disk is nearly full (flood stage)."""

    def begin(self) -> None:
        self.cluster.admin("PUT", f"/{index(self.cluster)}/_settings", {"index.blocks.read_only_allow_delete": True})

    def end(self) -> None:
        self.cluster.admin("PUT", f"/{index(self.cluster)}/_settings", {"index.blocks.read_only_allow_delete": None})


class Red(Harm):
    """The index that is written to has no shard anywhere."""

    def begin(self) -> None:
        self._allow("none")
        self.cluster.admin("POST", f"/{EVENTS}/_rollover?timeout=1s&wait_for_active_shards=0")
        assert self.cluster.admin("GET", "/_cluster/health")["status"] == "red"

    def end(self) -> None:
        self._allow(None)
        until(lambda: self.cluster.admin("GET", "/_cluster/health")["status"] != "red")

    def _allow(self, what: str | None) -> None:
        self.cluster.admin("PUT", "/_cluster/settings", {"persistent": {"cluster.routing.allocation.enable": what}})


class TooOld(Harm):
    """The real server, with an older version in its answer."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        super().__init__(cluster, folder)
        self.proxy = Proxy(cluster, folder)
        self._old = False

        def aged(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
            if self._old and asked.path.startswith("/_nodes"):
                return Answer.of(200, {"nodes": {"a": {"version": "7.17.29"}}})
            return Answer(503, b"", {}) if self._old else ask(asked)

        self.proxy.fault = aged

    def begin(self) -> None:
        self._old = True

    def end(self) -> None:
        self._old = False


HARMS: dict[str, tuple[type[Harm], set[str]]] = {
    "the index is closed for writing": (ReadOnly, {"BusyError"}),
    "the cluster is red": (Red, {"TimedOutError", "BusyError"}),
    "an older server answers": (TooOld, {"VersionError", "BusyError"}),
}


@pytest.mark.parametrize("name", HARMS)
def test_what_is_wrong_is_said_the_record_goes_on_and_nothing_is_missing(
    house: House, elastic: Cluster, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(shipping, "BACK_OFF_SECONDS_MAX", 0.5)
    kind, troubles = HARMS[name]
    harm = kind(elastic, tmp_path_factory.mktemp("harm"))
    writer, reader = (elastic.connect(user, harm.url, timeout_seconds=2) for user in ("writer", "reader"))
    shipper = Shipper(house.engine, house.log, writer, reader, house.console.append)
    worker = house.worker(shipping=Shipping(shipper, (writer, reader), lambda: datetime.now(UTC)))
    health = worker.health.elastic
    assert health is not None
    house.happens(HELD)
    worker.start()
    until(lambda: house.alerts().open_ones() and health.last_shipped is not None and health.waiting == 0)
    harm.begin()
    try:
        later = house.happens(Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="later", person="P-00000002"))
        until(lambda: worker.health.errors.get("elastic") in troubles)
        assert not worker.health.well
        assert health.advice
        assert health.failing_since is not None
        until(lambda: len(house.alerts().open_ones()) == 2)
        assert {event.id for event in later} <= {row.document["event"].get("id") for row in house.log.read(0, 1_000)}
        said = [document for document in house.recorded(EventAction.SELF_TEST) if document["torwart"]["subject"] == "worker elastic"]
        assert said[0]["event"]["outcome"] == "failure"
    finally:
        harm.end()
    until(lambda: worker.health.well and health.waiting == 0)
    worker.stop()
    if harm.proxy is not None:
        harm.proxy.close()
    ids = [document["event"]["id"] for document in elastic.documents()]
    shipped = [row.document["event"]["id"] for row in house.log.read(0, len(ids))]
    assert ids == shipped
    assert {event.id for event in later} <= set(ids)


def test_a_certificate_that_ends_is_said(house: House, elastic: Cluster, tmp_path: Path) -> None:
    proxy = Proxy(elastic, tmp_path, certificate=elastic.authority.issue("localhost", folder=tmp_path, days=-1))
    writer, reader = (elastic.connect(user, proxy.url) for user in ("writer", "reader"))
    shipper = Shipper(house.engine, house.log, writer, reader, house.console.append)
    worker = house.worker(shipping=Shipping(shipper, (writer, reader), lambda: datetime.now(UTC)))
    house.happens(HELD)
    worker.start()
    until(lambda: worker.health.errors.get("elastic") == "CertificateError" and house.alerts().open_ones())
    assert worker.health.elastic is not None
    assert "expired" in worker.health.elastic.advice
    worker.stop()
    proxy.close()


def test_a_hanging_server_is_noticed_within_the_time_of_an_alarm() -> None:
    """The longest that a failure can stay unseen: a call that begins at once after a look, and ends with its time."""
    assert connection.TIMEOUT_SECONDS + shipping.PAUSE_SECONDS < ALARM_SECONDS


def test_half_open_connections_end_with_their_time_and_do_not_pile_up(elastic: Cluster, tmp_path: Path) -> None:
    """Fault 8: the machine is gone without a word. Each attempt ends, none leaves a connection or a thread behind."""
    stand, relay = Stand(elastic, tmp_path), Relay(elastic.node.port)
    stand.shipper = elastic.shipper(stand.log, tmp_path, url=f"https://localhost:{relay.port}", timeout_seconds=TIMEOUT_SECONDS)
    stand.write(200)
    stand.drain(1_000)
    relay.freeze()
    stand.failures.clear()  # a busy machine may have needed more than one attempt
    threads = threading.active_count()
    for _ in range(6):
        stand.write(100)
        assert not stand.try_once()
    assert stand.failures == {"TimedOutError": 6}
    assert relay.connected() <= 2, "one for the writer, one for the reader"
    assert threading.active_count() == threads
    assert stand.shipper.backlog().events == 600
    relay.thaw()
    stand.drain(1_000)
    stand.look()
    relay.close()
    stand.assert_nothing_lost()
    stand.close()


def test_a_connection_says_nothing_to_a_port_where_nobody_answers(elastic: Cluster) -> None:
    """A machine that takes the connection and never speaks TLS."""
    relay = Relay(elastic.node.port)
    relay.freeze()
    made = Elastic(elastic.access("reader", f"https://localhost:{relay.port}"), timeout_seconds=TIMEOUT_SECONDS)
    with pytest.raises(connection.TimedOutError):
        made.check_version()
    made.close()
    relay.thaw()
    relay.close()
