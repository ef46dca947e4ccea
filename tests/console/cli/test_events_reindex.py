"""`torwart events reindex --elastic`, run as a command against a real server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit_store.mapping import BOTH, DEAD_LETTERS, EVENTS
from audit_store.spool import Spool
from tests.audit_store.acts import plain
from tests.console.cli.test_elastic import Shell
from tests.services.elastic import Cluster
from tests.services.elastic_proxy import Answer, Asked, Proxy, honest, status


@pytest.fixture
def torwart(elastic: Cluster, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, elastic)
    yield shell
    shell.log.close()


def as_installer(torwart: Shell) -> tuple[str, ...]:
    return ("--user", "installer", "--password-file", str(torwart.folder / "installer.password"))


def fill(torwart: Shell, count: int) -> None:
    """Record so many small events and ship them."""
    spool = Spool.open(torwart.state / "spool" / "gateway", "gateway")
    spool._store([*(plain(number).canonical() for number in range(count - 1)), b"no JSON"])
    torwart.log.take(spool)
    spool.close()
    torwart.cluster.shipper(torwart.log, torwart.state).step(count)


def indices(torwart: Shell, stream: str = EVENTS) -> list[str]:
    found: list[str] = torwart.cluster.admin("GET", f"/_resolve/index/{stream}")["data_streams"][0]["backing_indices"]
    return found


def sequences(torwart: Shell, index: str = BOTH) -> list[int]:
    return [document["torwart.log"]["sequence"] for document in torwart.cluster.documents(index)]


def test_the_whole_log_goes_into_fresh_indices_and_the_older_ones_go_when_told(torwart: Shell) -> None:
    fill(torwart, 2_500)
    before = [*indices(torwart), *indices(torwart, DEAD_LETTERS)]
    result = torwart("reindex", "--elastic", *as_installer(torwart))
    assert result.exit_code == 0, result.output
    assert "2500 events are in fresh indices" in result.stdout
    assert "1 of them fit no template" in result.stdout
    assert "--drop-old" in result.stdout
    assert sequences(torwart, indices(torwart)[-1]) == list(range(1, 2_500))
    assert len(sequences(torwart)) == 5_000, "the older ones are still there"
    assert torwart("elastic-check").exit_code == 0, "the same event twice is no difference"

    result = torwart("reindex", "--elastic", "--drop-old", "--json", *as_installer(torwart))
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert (done["events"], done["resumed_after"], done["old"], sorted(done["dropped"])) == (2_500, 2_500, [], sorted(before))
    assert sequences(torwart) == list(range(1, 2_501))
    assert torwart("elastic-check").exit_code == 0
    assert not (torwart.state / "elastic-reindex.json").exists()


def test_a_run_that_was_cut_off_goes_on_where_it_was(torwart: Shell, tmp_path: Path) -> None:
    fill(torwart, 3_500)
    proxy = Proxy(torwart.cluster, tmp_path)
    torwart.config.write_text(torwart.config.read_text().replace(torwart.cluster.node.url, proxy.url))

    def third_is_refused(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        sent = sum(one.is_bulk for one in proxy.asked)
        return status(503)(asked, ask) if asked.is_bulk and sent > 2 else ask(asked)

    proxy.fault = third_is_refused
    cut = torwart("reindex", "--elastic", *as_installer(torwart))
    assert cut.exit_code == 2
    assert "asks to come later" in cut.stderr
    count = len(indices(torwart))
    proxy.fault = honest
    done = json.loads(torwart("reindex", "--elastic", "--drop-old", "--json", *as_installer(torwart)).stdout)
    assert (done["events"], done["resumed_after"]) == (3_500, 2_000)
    assert len(indices(torwart)) == 1 < count, "no further indices were made"
    assert sequences(torwart) == list(range(1, 3_501))
    proxy.close()


def test_what_the_new_indices_lose_is_noticed_and_the_older_ones_stay(torwart: Shell, tmp_path: Path) -> None:
    """A server that acknowledges and stores nothing: nothing may be deleted on its word."""
    fill(torwart, 300)
    proxy = Proxy(torwart.cluster, tmp_path)
    torwart.config.write_text(torwart.config.read_text().replace(torwart.cluster.node.url, proxy.url))

    def forgets_one(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        answer = ask(asked)
        assert answer is not None
        if asked.path.endswith("/_search"):
            found = json.loads(answer.body)
            found["hits"]["hits"] = [hit for hit in found["hits"]["hits"] if hit["sort"] != [77]]
            return Answer.of(200, found)
        return answer

    proxy.fault = forgets_one
    refused = torwart("reindex", "--elastic", "--drop-old", *as_installer(torwart))
    assert refused.exit_code == 2
    assert "1 events were acknowledged twice and are not there" in refused.stderr
    proxy.close()
    assert len(sequences(torwart)) == 600


def test_without_an_installer_nothing_is_begun(torwart: Shell) -> None:
    fill(torwart, 10)
    before = indices(torwart)
    refused = torwart("reindex", "--elastic")
    assert refused.exit_code == 2
    assert "--user NAME --password-file FILE (role torwart_installer)" in refused.stderr
    assert indices(torwart) == before
    assert not (torwart.state / "elastic-reindex.json").exists()


def test_it_is_recorded_and_the_kind_must_be_named(torwart: Shell) -> None:
    fill(torwart, 10)
    assert "--search, or --elastic" in torwart("reindex").stderr
    assert torwart("reindex", "--elastic", *as_installer(torwart)).exit_code == 0
    spool = Spool.open(torwart.state / "spool" / "cli", "cli")
    (said,) = (json.loads(stored.canonical)["torwart"] for stored in spool.read(0, 10))
    assert (said["subject"], said["numbers"]["drop_old"]) == ("elastic reindex", 0)
    spool.close()


def test_a_plan_that_cannot_be_read_is_said_and_forgotten_on_request(torwart: Shell) -> None:
    fill(torwart, 10)
    (torwart.state / "elastic-reindex.json").write_text("{")
    assert "delete it, and begin again" in torwart("reindex", "--elastic", *as_installer(torwart)).stderr
    assert torwart("reindex", "--elastic", "--anew", *as_installer(torwart)).exit_code == 0
