"""The thread that ships, beside the watch: it tries again for as long as it takes, says how it is doing, and delays nobody."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit_store.event import EventAction, Phase, plain_event
from audit_store.mapping import templates
from audit_store.shipping import Shipper
from auth.config_file import Sections
from auth.installation import Installation
from console.services import open_services
from console.settings import elastic_settings
from console.shipping import BACK_OFF_SECONDS_MAX, PAUSE_SECONDS, Shipping, pause_seconds
from console.worker import Worker, worker_for
from detectors.cases import Step
from policies import reasons
from policies.request import Action
from tests.console.watch_house import House, open_house
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Proxy, honest, status
from tests.services.waiting import until

HELD = Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, act="held")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def proxy(elastic: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    made = Proxy(elastic, tmp_path_factory.mktemp("proxy"))
    yield made
    made.close()


def ships(house: House, elastic: Cluster, proxy: Proxy) -> Worker:
    """The house's worker with shipping through the proxy."""
    writer, reader = (elastic.connect(user, proxy.url) for user in ("writer", "reader"))
    shipper = Shipper(house.engine, house.log, writer, reader, house.console.append)
    return house.worker(shipping=Shipping(shipper, (writer, reader), lambda: datetime.now(UTC)))


def ids(elastic: Cluster) -> list[str]:
    return [document["event"]["id"] for document in elastic.documents()]


def test_what_happens_is_in_elasticsearch_by_itself_and_the_thread_ends_when_told(house: House, elastic: Cluster, proxy: Proxy) -> None:
    worker = ships(house, elastic, proxy)
    worker.start()
    happened = house.happens(HELD)
    until(lambda: {event.id for event in happened} <= set(ids(elastic)))
    until(lambda: worker.health.elastic is not None and worker.health.elastic.waiting == 0)
    worker.stop()
    assert worker.health.well
    assert len(ids(elastic)) == len(set(ids(elastic)))


def test_a_server_that_hangs_delays_no_alert_shows_its_backlog_and_does_not_hold_up_the_end(
    house: House, elastic: Cluster, proxy: Proxy
) -> None:
    proxy.fault = proxy.hang
    worker = ships(house, elastic, proxy)
    worker.start()
    until(lambda: proxy.asked)
    house.happens(HELD)
    until(lambda: house.alerts().open_ones())
    health = worker.health.elastic
    assert health is not None
    until(lambda: health.waiting > 0 and health.since is not None)
    worker.stop()
    assert elastic.documents() == []
    assert worker.health.well, "to be stopped is no failure"
    assert house.recorded(EventAction.SELF_TEST) == []


def test_a_failure_is_seen_and_recorded_when_it_begins_and_when_it_ends(house: House, elastic: Cluster, proxy: Proxy) -> None:
    proxy.fault = status(503)
    worker = ships(house, elastic, proxy)
    health = worker.health.elastic
    assert health is not None
    house.happens(HELD)
    for _ in range(3):
        worker.step()
    assert worker.health.errors == {"elastic": "BusyError"}
    assert (health.trouble, health.advice != "", health.failing_since is not None) == ("BusyError", True, True)
    assert len(house.alerts().open_ones()) == 1
    proxy.fault = honest
    worker.step()
    assert worker.health.well
    assert (health.trouble, health.advice, health.failing_since) == (None, "", None)
    said = [document["event"]["outcome"] for document in house.recorded(EventAction.SELF_TEST)]
    assert said == ["failure", "success"]
    worker.step()
    house.happens(replace(HELD, person="P-00000002", act="hers"))
    worker.step()
    worker.stop()
    assert sorted(ids(elastic)) == sorted(row.document["event"]["id"] for row in house.log.read(0, 1_000)[: len(ids(elastic))])


@pytest.mark.parametrize(("failures", "least", "most"), [(0, PAUSE_SECONDS, PAUSE_SECONDS), (1, 0.5, 1), (3, 2, 4), (50, 30, 60)])
def test_attempts_come_slower_up_to_a_bound_and_not_all_at_once(failures: int, least: float, most: float) -> None:
    pauses = {pause_seconds(failures) for _ in range(200)}
    assert least <= min(pauses) <= max(pauses) <= most <= BACK_OFF_SECONDS_MAX
    assert len(pauses) == 1 if failures == 0 else len(pauses) > 100


def test_an_address_alone_is_enough_for_a_server_that_asks_nobody_who_he_is(
    elastic: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TORWART_ELASTIC_URL` on a console that knows nothing of Elasticsearch: it installs the templates and ships from the beginning."""
    older = templates()["torwart-events"]
    elastic.admin("PUT", "/_index_template/torwart-events", {**older, "version": 0, "_meta": {"digest": "older"}})
    plain = Proxy(elastic, tmp_path, everybody="admin")
    monkeypatch.setenv("TORWART_ELASTIC_URL", plain.url)
    services = open_services(Installation(tmp_path / "state", "http://torwart.localhost:8401", "http://crm.localhost:8400"))
    services.spool.append(plain_event(EventAction.SELF_TEST, at=datetime.now(UTC)))
    settings = elastic_settings(Sections(tmp_path / "torwart.yaml", {}, {}), os.environ)
    worker = worker_for(services, None, None, settings)
    worker.start()
    until(lambda: len(ids(elastic)) == 1)
    worker.stop()
    services.close()
    plain.close()
    assert worker.health.well
