"""Log-in by certificate alone, on a real server that lets nobody in without one: no password anywhere.

The realm for it (PKI) is part of the paid licences; the node runs on the trial that every node may begin. To demand a certificate
beside user and password needs no licence: the last test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_store.database import open_database
from audit_store.elastic import Access, CertificateError, Elastic, ElasticError, RefusedError
from audit_store.elastic_install import install
from audit_store.log import Log
from audit_store.mapping import EVENTS
from audit_store.shipping import Shipper
from audit_store.spool import Spool
from tests.audit_store.acts import plain
from tests.services.certificates import Authority
from tests.services.elastic import Cluster
from tests.services.elastic_node import FIRST, ElasticNode, java_home
from tests.services.require import missing

NAMES = {"torwart-writer": "torwart_writer", "torwart-reader": "torwart_reader"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    java = java_home(17)
    if java is None:
        missing("elasticsearch", "there is no Java 17 or newer")
    authority = Authority(tmp_path_factory.mktemp("elastic"))
    node = ElasticNode(FIRST, java, authority, certificates=NAMES)
    try:
        node.start()
        yield Cluster(node, authority)
    finally:
        node.remove()


def shows(cluster: Cluster, name: str, folder: Path, *, user: str | None = None, authority: Authority | None = None) -> Elastic:
    """A connection that shows the certificate of a name."""
    node = cluster.node
    certificate, key = (authority or cluster.authority).issue(name, folder=folder)
    made = Elastic(Access((node.url,), user, node.passwords[user] if user else None, ca=node.ca, certificate=certificate, key=key))
    cluster.opened.callback(made.close)
    return made


def test_certificates_alone_install_ship_and_read(guarded: Cluster, tmp_path: Path) -> None:
    with guarded.opened:
        install(shows(guarded, "torwart", tmp_path, user="installer"))
        writer, reader = (shows(guarded, name, tmp_path) for name in NAMES)
        assert reader.check_version() == FIRST
        log, spool = Log.open(tmp_path / "log"), Spool.open(tmp_path / "gateway", "gateway")
        for number in range(20):
            spool.append(plain(number))
        log.take(spool)
        engine = open_database(tmp_path / "torwart.db")
        assert Shipper(engine, log, writer, reader, guarded.recorded.append).step() == 20
        assert [document["torwart"]["numbers"]["number"] for document in guarded.documents()] == list(range(20))
        with pytest.raises(RefusedError):
            writer.ask("POST", f"/{EVENTS}/_search", {})
        engine.dispose()
        spool.close()
        log.close()


def test_a_certificate_that_nobody_knows_may_do_nothing(guarded: Cluster, tmp_path: Path) -> None:
    with guarded.opened, pytest.raises(RefusedError):
        shows(guarded, "somebody", tmp_path).ask("POST", f"/{EVENTS}/_search", {})


@pytest.mark.parametrize("shown", ["none", "of another authority"])
def test_who_shows_no_good_certificate_gets_no_connection(guarded: Cluster, tmp_path: Path, shown: str) -> None:
    with guarded.opened:
        if shown == "none":
            made = Elastic(Access((guarded.node.url,), "reader", guarded.node.passwords["reader"], ca=guarded.node.ca))
            guarded.opened.callback(made.close)
        else:
            made = shows(guarded, "torwart-reader", tmp_path, authority=Authority(tmp_path, "another"))
        with pytest.raises((CertificateError, ElasticError)) as refused:
            made.ask("GET", "/_nodes")
        assert not isinstance(refused.value, RefusedError)


def test_a_user_with_a_password_who_shows_a_certificate_is_the_user(guarded: Cluster, tmp_path: Path) -> None:
    """The reader may show the writer's certificate where one is demanded: what counts is its own name and password."""
    with guarded.opened:
        reader = shows(guarded, "torwart-writer", tmp_path, user="reader")
        assert reader.ask("GET", "/_security/_authenticate")["username"] == "reader"
