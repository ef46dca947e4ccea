"""`torwart events verify --elastic` against a real server: what somebody with its administrator's rights has done there is named (G96)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_store.log import Log
from audit_store.mapping import BOTH, EVENTS
from audit_store.removal import DAY_MS, Removal
from audit_store.retention import Kept
from audit_store.spool import Spool
from tests.audit_store.acts import plain
from tests.console.cli.test_elastic import Shell
from tests.services.elastic import Cluster

SHIPPED, LATER = 30, 10
"""Events in the first index, and in the second."""


@pytest.fixture
def torwart(elastic: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Forty events are in two indices, and five are not sent yet."""
    monkeypatch.setattr("console.cli.elastic.SETTLE_SECONDS", 0)  # what is searched here was refreshed
    shell = Shell(tmp_path, elastic)
    ship(shell, SHIPPED)
    shell.cluster.admin("POST", f"/{EVENTS}/_rollover")
    ship(shell, LATER)
    record(shell, 5)
    yield shell
    shell.log.close()


def record(shell: Shell, count: int) -> None:
    spool = Spool.open(shell.state / "spool" / "gateway", "gateway")
    spool._store([plain(number).canonical() for number in range(count)])
    shell.log.take(spool)
    spool.close()


def ship(shell: Shell, count: int) -> None:
    record(shell, count)
    shell.cluster.shipper(shell.log, shell.state).step()
    shell.cluster.admin("POST", f"/{BOTH}/_refresh")


def verified(shell: Shell) -> tuple[int, list[str], list[str]]:
    """Exit code, problems and notes."""
    shell.cluster.admin("POST", f"/{BOTH}/_refresh")
    result = shell("verify", "--elastic", "--json")
    assert result.exit_code in (0, 1), result.output
    said = json.loads(result.stdout)
    return result.exit_code, [f"{one['sequence']}: {one['text']}" for one in said["problems"]], said["notes"]


def indices(shell: Shell) -> list[str]:
    found: list[str] = shell.cluster.admin("GET", f"/_resolve/index/{EVENTS}")["data_streams"][0]["backing_indices"]
    return found[-2:]


def document(shell: Shell, sequence: int) -> tuple[str, dict[str, Any]]:
    """The address of an event in its index, and what stands there."""
    index = indices(shell)[0 if sequence <= SHIPPED else 1]
    path = f"/{index}/_doc/{shell.id_of(sequence)}"
    found: dict[str, Any] = shell.cluster.admin("GET", path)
    return f"{path}?if_seq_no={found['_seq_no']}&if_primary_term={found['_primary_term']}", found["_source"]


def a_changed_byte(shell: Shell) -> None:
    path, source = document(shell, 7)
    source["torwart"]["numbers"]["number"] += 1
    shell.cluster.admin("PUT", path, source)


def a_changed_time_of_receipt(shell: Shell) -> None:
    path, source = document(shell, 5)
    source["torwart.log"]["received"] = "2020-01-01T00:00:00.000+00:00"
    shell.cluster.admin("PUT", path, source)


def a_deleted_document(shell: Shell) -> None:
    shell.cluster.admin("DELETE", document(shell, 9)[0].partition("?")[0])


def two_that_were_swapped(shell: Shell) -> None:
    (first, one), (second, other) = document(shell, 11), document(shell, 12)
    one["torwart.log"]["sequence"], other["torwart.log"]["sequence"] = 12, 11
    shell.cluster.admin("PUT", first, one)
    shell.cluster.admin("PUT", second, other)


def a_forged_document_in_anothers_place(shell: Shell) -> None:
    shell.cluster.admin("POST", f"/{EVENTS}/_doc", document(shell, 35)[1] | {"event": {"action": "person-unfrozen"}})


def a_forged_document_beyond_the_end(shell: Shell) -> None:
    source = document(shell, 35)[1]
    source["torwart.log"]["sequence"] = 4_711
    shell.cluster.admin("POST", f"/{EVENTS}/_doc", source)


def a_forged_document_without_a_place(shell: Shell) -> None:
    source = document(shell, 35)[1]
    del source["torwart.log"]
    shell.cluster.admin("POST", f"/{EVENTS}/_doc", source)


def a_deleted_index(shell: Shell) -> None:
    shell.cluster.admin("DELETE", f"/{indices(shell)[0]}")


def an_older_state(shell: Shell) -> None:
    """As a restored snapshot leaves it: the newest are not there, and one is as it was before it was corrected."""
    for number in range(26, SHIPPED + LATER + 1):
        shell.cluster.admin("DELETE", document(shell, number)[0].partition("?")[0])
    a_changed_byte(shell)


HARMS: list[tuple[list[Callable[[Shell], None]], list[str]]] = [
    (
        [
            *(a_changed_byte, a_changed_time_of_receipt, a_deleted_document, two_that_were_swapped),
            *(a_forged_document_in_anothers_place, a_forged_document_beyond_the_end, a_forged_document_without_a_place),
        ],
        [
            "5: is another one in Elasticsearch",
            "7: is another one in Elasticsearch",
            "9: is missing in Elasticsearch",
            "11: is another one in Elasticsearch, and all up to 12",
            "35: is another one in Elasticsearch",
            "4711: is in Elasticsearch alone: it was forged",
            "None: is in Elasticsearch alone: it was forged",
        ],
    ),
    ([a_deleted_index], ["1: is missing in Elasticsearch, and all up to 30"]),
    ([an_older_state], ["7: is another one in Elasticsearch", "26: is missing in Elasticsearch, and all up to 40"]),
]


def test_a_whole_copy_is_said_to_be_one_and_what_was_not_sent_is_no_loss(torwart: Shell) -> None:
    code, problems, notes = verified(torwart)
    assert (code, problems) == (0, [])
    assert notes[0] == "40 events were compared with Elasticsearch; 5 were not sent there yet."


@pytest.mark.parametrize(("harms", "said"), HARMS, ids=["single documents", "an index", "an older state"])
def test_what_was_done_to_the_copy_is_named(torwart: Shell, harms: list[Callable[[Shell], None]], said: list[str]) -> None:
    for harm in harms:
        harm(torwart)
    code, problems, _ = verified(torwart)
    assert (code, problems) == (1, said)


def test_what_elasticsearch_was_told_to_delete_is_no_loss(torwart: Shell) -> None:
    a_deleted_index(torwart)
    torwart.config.write_text(torwart.config.read_text() + "  retention_days: 1\n", encoding="utf-8")
    assert verified(torwart)[0] == 1, "it was sent today"
    old = 24 * 60 * 60 * 1000 * 2
    with torwart.log._engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE entry SET received = received - {old} WHERE sequence <= {SHIPPED}")  # noqa: S608
    assert not any("missing in Elasticsearch" in line for line in verified(torwart)[1])


def test_what_was_taken_out_of_the_record_is_neither_compared_nor_sent(torwart: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    removal = Removal(SHIPPED + 6, 2_000 * DAY_MS, "console", Kept.READING, 365, frozenset({7, 43}))
    monkeypatch.setattr(Log, "removals", lambda _log: [removal])  # how one comes about: tests/audit_store/test_retention_run.py
    a_changed_byte(torwart)
    with torwart.log._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE entry SET canonical = x'' WHERE sequence IN (7, 43)")
    shipper = torwart.cluster.shipper(torwart.log, torwart.state)
    assert shipper.step() == 5
    shipper.resend([7, 43])
    assert shipper.dead_letters == 0
    _, problems, notes = verified(torwart)
    assert notes[0] == "45 events were compared with Elasticsearch; 0 were not sent there yet."
    assert not any("Elasticsearch" in line for line in problems)
