"""`torwart events elastic-install`, `elastic-check` and `search --via elastic`, run as commands against real servers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from audit_store.log import Log
from audit_store.mapping import BOTH, EVENTS
from audit_store.spool import Spool
from auth.installation import template
from console.cli.events import app
from tests.audit_store.test_event import every_kind_of_event
from tests.services.elastic import Cluster


class Shell:
    """Runs the commands on one installation that ships to a cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self.cluster = folder, cluster
        self.state = folder / "state"
        self.config = folder / "torwart.yaml"
        node = cluster.node
        for user in ("writer", "reader", "installer"):
            (folder / f"{user}.password").write_text(node.passwords[user] + "\n")
            (folder / f"{user}.password").chmod(0o600)
        self.section = (
            f"elastic:\n  url: {node.url}\n  ca: {node.ca}\n  user: writer\n  password_file: writer.password\n"
            "  reader_user: reader\n  reader_password_file: reader.password\n"
        )
        self.config.write_text(template() + self.section, encoding="utf-8")
        self.log = Log.open(self.state / "log")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def ship(self) -> None:
        """Record every kind of event, and ship it."""
        spool = Spool.open(self.state / "spool" / "gateway", "gateway")
        spool._store([event.canonical() for event in every_kind_of_event()])
        self.log.take(spool)
        spool.close()
        self.cluster.shipper(self.log, self.state).step()
        self.cluster.admin("POST", f"/{BOTH}/_refresh")

    def index(self) -> str:
        found: str = self.cluster.admin("GET", f"/_resolve/index/{EVENTS}")["data_streams"][0]["backing_indices"][-1]
        return found

    def id_of(self, sequence: int) -> str:
        return self.log.entries(sequence - 1, 1)[0].hash.hex()


@pytest.fixture
def torwart(elastic: Cluster, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, elastic)
    yield shell
    shell.log.close()


@pytest.mark.parametrize(
    "words", [(), ("--person", "P-00000001"), ("--act", "act-1", "--newest"), ("--phase", "held"), ("--act", "nothing")]
)
def test_elasticsearch_answers_as_the_record_does(torwart: Shell, words: tuple[str, ...]) -> None:
    torwart.ship()
    for form in ((), ("--json",)):
        own, theirs = torwart("search", *words, *form), torwart("search", *words, *form, "--via", "elastic")
        assert own.exit_code == theirs.exit_code == 0, theirs.output
        assert own.stdout == theirs.stdout


def test_a_search_in_elasticsearch_is_recorded_too(torwart: Shell) -> None:
    torwart.ship()
    torwart("search", "--via", "elastic", "--person", "P-00000001")
    spool = Spool.open(torwart.state / "spool" / "cli", "cli")
    assert [json.loads(stored.canonical)["event"]["action"] for stored in spool.read(0, 10)] == ["record-viewed"]
    spool.close()


def test_installing_says_what_it_did_and_may_be_repeated(torwart: Shell) -> None:
    words = ("elastic-install", "--user", "installer", "--password-file", str(torwart.folder / "installer.password"))
    first = torwart(*words, "--retention-days", "400")
    assert first.exit_code == 0, first.output
    assert "template torwart-events: replaced" in first.stdout
    assert torwart(*words, "--retention-days", "400").stdout.count("is there already") == 2
    assert json.loads(torwart(*words, "--json").stdout)["done"][0].endswith("replaced")


def test_the_writer_cannot_install(torwart: Shell) -> None:
    refused = torwart("elastic-install")
    assert refused.exit_code == 2
    assert "lacks a right" in refused.stderr


def test_a_password_is_asked_for_only_at_a_terminal(torwart: Shell) -> None:
    refused = torwart("elastic-install", "--user", "installer")
    assert (refused.exit_code, "--password-file" in refused.stderr) == (2, True)


def test_without_a_section_each_says_what_is_missing(torwart: Shell) -> None:
    torwart.config.write_text(template())
    for words in (("search", "--via", "elastic"), ("elastic-check",), ("elastic-install",)):
        refused = torwart(*words)
        assert refused.exit_code == 2
        assert "Elasticsearch is not set up: write the section elastic, or set TORWART_ELASTIC_URL" in refused.stderr


def test_without_a_reader_nothing_is_read_under_another_name(torwart: Shell) -> None:
    torwart.config.write_text(template() + torwart.section[: torwart.section.index("  reader_user")])
    refused = torwart("search", "--via", "elastic")
    assert refused.exit_code == 2
    assert "reading needs an identity of its own" in refused.stderr


def test_the_address_in_the_environment_is_used(torwart: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORWART_ELASTIC_URL", "https://localhost:9")
    refused = torwart("search", "--via", "elastic")
    assert refused.exit_code == 2
    assert "no connection to Elasticsearch" in refused.stderr


def test_what_was_shipped_is_as_it_was_recorded(torwart: Shell) -> None:
    torwart.ship()
    result = torwart("elastic-check")
    assert result.exit_code == 0, result.output
    count = torwart.log.tail(1)[0].sequence
    assert f"{count} events are in Elasticsearch as they are in the record." in result.stdout
    assert json.loads(torwart("elastic-check", "--json").stdout) == {"shipped": count, "resent": 0, "differences": []}


def _path(torwart: Shell, sequence: int) -> str:
    return f"/{torwart.index()}/_doc/{torwart.id_of(sequence)}"


def _stored(torwart: Shell, sequence: int) -> dict[str, object]:
    found: dict[str, object] = torwart.cluster.admin("GET", _path(torwart, sequence))["_source"]
    return found


def _change(torwart: Shell, sequence: int, document: dict[str, object]) -> None:
    path = _path(torwart, sequence)
    version = torwart.cluster.admin("GET", path)
    torwart.cluster.admin("PUT", f"{path}?if_seq_no={version['_seq_no']}&if_primary_term={version['_primary_term']}", document)


def change_one_byte(torwart: Shell) -> None:
    document = _stored(torwart, 7)
    document["@timestamp"] = "2026-05-12T09:30:00.001Z"
    _change(torwart, 7, document)


def delete_one(torwart: Shell) -> None:
    torwart.cluster.admin("DELETE", _path(torwart, 9))


def delete_the_last_hundred(torwart: Shell) -> None:
    last = torwart.log.tail(1)[0].sequence
    for sequence in range(last - 99, last + 1):
        torwart.cluster.admin("DELETE", _path(torwart, sequence))


def swap_two(torwart: Shell) -> None:
    first, second = _stored(torwart, 3), _stored(torwart, 4)
    first["torwart.log"], second["torwart.log"] = second["torwart.log"], first["torwart.log"]
    _change(torwart, 3, first)
    _change(torwart, 4, second)


def insert_under_a_number_that_is_taken(torwart: Shell) -> None:
    document = _stored(torwart, 5)
    document["user"] = {"id": "P-FFFFFFFF"}
    torwart.cluster.node.call("writer", "PUT", f"/{EVENTS}/_create/forged", json.dumps(document).encode())


def insert_beyond_the_end(torwart: Shell) -> None:
    document = _stored(torwart, 5)
    place = {"sequence": 10**6, "received": "2026-05-12T09:30:00.000Z", "producer": "gateway", "epoch": 1, "producer_sequence": 5}
    torwart.cluster.node.call("writer", "PUT", f"/{EVENTS}/_create/forged", json.dumps({**document, "torwart.log": place}).encode())


def insert_without_a_number(torwart: Shell) -> None:
    torwart.cluster.node.call("writer", "PUT", f"/{EVENTS}/_create/forged", b'{"@timestamp":"2026-05-12T09:30:00Z"}')


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (change_one_byte, [(7, "changed")]),
        (delete_one, [(9, "missing")]),
        (delete_the_last_hundred, 100),
        (swap_two, [(3, "changed"), (4, "changed")]),
        (insert_under_a_number_that_is_taken, [(5, "changed")]),
        (insert_beyond_the_end, [(10**6, "foreign")]),
        (insert_without_a_number, [(0, "foreign")]),
    ],
)
def test_whatever_is_done_to_the_copy_is_named(torwart: Shell, harm: Callable[[Shell], None], named: list[tuple[int, str]] | int) -> None:
    """promises G96."""
    torwart.ship()
    harm(torwart)
    torwart.cluster.admin("POST", f"/{BOTH}/_refresh")
    result = torwart("elastic-check", "--json")
    assert result.exit_code == 1, result.output
    found = [(one["sequence"], one["kind"]) for one in json.loads(result.stdout)["differences"]]
    last = torwart.log.tail(1)[0].sequence
    assert found == (named if isinstance(named, list) else [(sequence, "missing") for sequence in range(last - named + 1, last + 1)])
    assert "differences in" in torwart("elastic-check").stdout


def test_a_forged_event_without_a_number_stops_no_search(torwart: Shell) -> None:
    torwart.ship()
    insert_without_a_number(torwart)
    torwart.cluster.admin("POST", f"/{BOTH}/_refresh")
    assert torwart("search", "--newest").stdout == torwart("search", "--newest", "--via", "elastic").stdout


def test_what_is_missing_is_sent_again_and_what_was_changed_stays_named(torwart: Shell) -> None:
    """promises, fault 10: the record heals the copy."""
    torwart.ship()
    delete_the_last_hundred(torwart)
    change_one_byte(torwart)
    torwart.cluster.admin("POST", f"/{BOTH}/_refresh")
    result = torwart("elastic-check", "--resend")
    assert result.exit_code == 1
    assert "100 events were missing and have been sent again." in result.stdout
    torwart.cluster.admin("POST", f"/{BOTH}/_refresh")
    found = json.loads(torwart("elastic-check", "--json").stdout)["differences"]
    assert found == [{"sequence": 7, "kind": "changed"}]
