"""Servers that are never shipped to: too old, without our templates, or not proven to be who they say (fault 11)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit_store.elastic import Access, CertificateError, Elastic, ElasticError, VersionError
from audit_store.elastic_install import TemplateError
from tests.faults.elastic_stand import Stand
from tests.services.certificates import Authority
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Answer, Asked, Proxy, honest


@pytest.fixture
def stand(elastic: Cluster, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(elastic, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("7.17.29", False), ("8.18.9", False), ("8.19.0", True), ("8.20.1", True), ("9.0.0", True), ("9.5.2", True), ("10.1.0", False)],
)
def test_a_server_that_is_too_old_or_too_new_is_refused_by_its_version(stand: Stand, version: str, accepted: bool) -> None:
    def aged(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        return Answer.of(200, {"nodes": {"a": {"version": version}}}) if asked.path.startswith("/_nodes") else ask(asked)

    stand.write(100)
    stand.proxy.fault = aged
    if accepted:
        stand.drain()
    else:
        with pytest.raises(VersionError, match=f"{version} is not supported: 8.19"):
            stand.shipper.step()
        assert stand.cluster.documents() == []


def test_a_missing_template_stops_the_shipping_before_anything_goes_to_the_wrong_place(stand: Stand) -> None:
    """Without it Elasticsearch would make an index of its own kind, and guess the types."""
    stand.write(100)
    stand.proxy.fault = lambda asked, ask: Answer.of(404, {}) if "_index_template" in asked.path else ask(asked)
    with pytest.raises(TemplateError, match="torwart-events is missing: run `torwart events elastic-install`"):
        stand.shipper.step()
    assert not any(asked.is_bulk for asked in stand.proxy.asked)
    stand.proxy.fault = honest
    stand.drain()


@pytest.mark.parametrize("harm", ["ended", "other name", "other authority"])
def test_a_certificate_that_is_not_good_is_never_talked_to(elastic: Cluster, tmp_path: Path, harm: str) -> None:
    """Fault 11: not even the password is sent."""
    authority = Authority(tmp_path) if harm == "other authority" else elastic.authority
    name = "elastic.firma.example" if harm == "other name" else "localhost"
    proxy = Proxy(elastic, tmp_path, certificate=authority.issue(name, folder=tmp_path, days=-1 if harm == "ended" else 1))
    with pytest.raises(CertificateError, match={"ended": "expired", "other name": "ostname mismatch", "other authority": "refused"}[harm]):
        elastic.connect("writer", proxy.url).ask("GET", "/_nodes")
    assert proxy.asked == []
    proxy.close()


def test_a_certificate_of_ones_own_is_shown_where_the_server_wants_one(elastic: Cluster, tmp_path: Path) -> None:
    proxy = Proxy(elastic, tmp_path, clients_ca=elastic.node.ca)
    with pytest.raises(ElasticError):
        elastic.connect("reader", proxy.url).ask("GET", "/_nodes")
    certificate, key = elastic.authority.issue("torwart", folder=tmp_path)
    known = elastic.access("reader", proxy.url)
    made = Elastic(Access(known.urls, known.user, known.password, ca=known.ca, certificate=certificate, key=key))
    elastic.opened.callback(made.close)
    assert made.check_version() == elastic.node.version
    proxy.close()


def test_an_api_key_is_sent_as_one(elastic: Cluster, tmp_path: Path) -> None:
    """The minimal distribution has no API keys: only that it is sent is seen here."""
    proxy = Proxy(elastic, tmp_path)
    made = Elastic(Access((proxy.url,), api_key="aWQ6a2V5", ca=elastic.node.ca))
    elastic.opened.callback(made.close)
    with pytest.raises(ElasticError):
        made.ask("GET", "/_nodes")
    assert proxy.asked[0].headers["authorization"] == "ApiKey aWQ6a2V5"
    proxy.close()
