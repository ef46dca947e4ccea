"""`torwart events search`, `timeline` and `reindex`, run as commands on a real record."""

import json
from datetime import timedelta
from typing import Any

import pytest

from audit_store.event import Content, ExportLink, Phase
from audit_store.log import Log
from audit_store.search_index import FILE, IndexWriter
from audit_store.spool import Spool
from policies.decision import Allow
from policies.reasons import EXPORT_NEEDS_KEY, Because
from policies.request import Action
from tests.audit_store.acts import NOW, access
from tests.audit_store.test_event import way_out_event
from tests.console.cli.test_events import Shell, torwart  # noqa: F401 -- the fixture

ANNA, BERTA = "P-00000001", "P-00000002"


@pytest.fixture
def record(torwart: Shell) -> Shell:  # noqa: F811
    """The record of `torwart events`, with an export and a file in which its clients were found."""
    spool = Spool.open(torwart.state / "spool" / "gateway", "gateway")
    spool.append(
        access(
            ("1", "8"),
            action=Action.EXPORT,
            phase=Phase.RELEASED,
            at=NOW + timedelta(hours=4),
            pseudonym=BERTA,
            taken=frozenset({"1"}),
            decision=Allow((Because(EXPORT_NEEDS_KEY, {"asked": 2, "allowed": 2}),)),
        )
    )
    spool.append(way_out_event(Content(12_345, "a" * 64, "zip", (ExportLink("7F3A", "act-1", 2),))))
    log = Log.open(torwart.state / "log")
    log.take(spool)
    log.close()
    spool.close()
    return torwart


def ask(shell: Shell, *words: str) -> dict[str, Any]:
    result = shell(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--client", "8"), [5]),
        (("--client", "1", "--how", "taken"), [1, 5]),
        (("--client", "1", "--how", "shown", "--person", BERTA), [2, 5]),
        (("--text", "ANGEHALTEN"), [5]),
        (("--text", "party read phone"), [1, 2, 5]),
        (("--deed", "upload"), [6]),
        (("--outcome", "failure"), [3, 6]),
        (("--channel", "cloud", "--destination", "cloud.example", "--device", "agent-1"), [6]),
        (("--reason", "unreadable"), [3]),
    ],
)
@pytest.mark.parametrize("indexed", [False, True])
def test_a_search_finds_exactly_its_events(record: Shell, words: tuple[str, ...], found: list[int], indexed: bool) -> None:
    if indexed:
        assert ask(record, "reindex", "--search") == {"search": 6}
    answer = ask(record, "search", *words)
    assert [event["sequence"] for event in answer["events"]] == found
    assert answer["unsearched"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("search", "--text", "a*"), "no wildcards"),
        (("search", "--text", "?"), "no word"),
        (("search", "--text", "a" * 100_000), "longer than"),
        (("search", "--how", "perhaps"), "perhaps"),
        (("timeline",), "one of --person, --client, --act"),
        (("timeline", "--client", "1", "--act", "act-1"), "one of --person, --client, --act"),
        (("reindex",), "--search"),
    ],
)
def test_a_question_that_is_refused_is_one_clear_line(record: Shell, words: tuple[str, ...], says: str) -> None:
    result = record(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_who_has_seen_this_client(record: Shell) -> None:
    found = ask(record, "timeline", "--client", "1")
    assert [list(one.values()) for one in found["sightings"]] == [
        [BERTA, "export", 1, 1, 1, "2026-05-12T13:30:00.000+00:00", "2026-05-12T13:30:00.000+00:00"],
        [BERTA, "list", 1, 1, 0, "2026-05-12T10:30:00.000+00:00", "2026-05-12T10:30:00.000+00:00"],
        [ANNA, "upload", 1, 0, 0, "2026-05-12T09:30:00.000+00:00", "2026-05-12T09:30:00.000+00:00"],
        [ANNA, "list", 1, 1, 1, "2026-05-12T09:30:00.000+00:00", "2026-05-12T09:30:00.000+00:00"],
    ]
    assert list(found["sightings"][0]) == ["person", "deed", "named", "shown", "taken", "first", "last"]
    assert [event["sequence"] for event in found["events"]] == [1, 2, 5, 6]
    printed = record("timeline", "--client", "1").stdout
    assert "Person" in printed
    assert printed.count(BERTA) == 4
    assert [look["torwart"]["subject"] for look in record.looks()] == ["client 1"] * 4
    assert [look["torwart"]["words"].get("about") for look in record.looks()] == [None, f"{ANNA} {BERTA}"] * 2


def test_what_a_person_did(record: Shell) -> None:
    found = ask(record, "timeline", "--person", BERTA, "--limit", "2")
    assert [(one["person"], one["deed"], one["events"]) for one in found["deeds"]] == [
        (BERTA, "export", 1),
        (BERTA, "person-frozen", 1),
        (BERTA, "list", 1),
    ]
    assert [event["sequence"] for event in found["events"]] == [4, 5]
    printed = record("timeline", "--person", BERTA, "--limit", "2").stdout
    assert "Only the newest 2 events are listed" in printed


def test_an_act_with_what_became_of_it(record: Shell) -> None:
    found = ask(record, "timeline", "--act", "act-1")
    assert [event["sequence"] for event in found["events"]] == [1, 2, 5, 6]
    assert [event["sequence"] for event in found["found_again"]] == [6]
    assert "found again in" in record("timeline", "--act", "act-1").stdout
    assert "No event meets all of that." in record("timeline", "--act", "nothing").stdout


def test_what_was_not_looked_at_is_said(record: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit_store.search_answer.Searcher.__init__.__kwdefaults__", {"scan_max": 2})
    assert ask(record, "search", "--client", "1")["unsearched"] == [[3, 6]]
    assert "Not looked at: events 3 to 6" in record("search", "--client", "1").stdout
    assert "Not looked at: events 1 to 4" in record("timeline", "--client", "1").stdout


def test_the_index_is_built_anew_with_its_progress(record: Shell) -> None:
    assert "The index has 6 events." in record("reindex", "--search").stdout
    path = record.state / "log" / FILE
    path.write_bytes(b"x" * 10_000)
    result = record("reindex", "--search")
    assert result.exit_code == 0
    assert "6 of 6 events" in result.stdout
    log = Log.open(record.state / "log", reading=True)
    writer = IndexWriter(record.state / "log")
    assert writer.step(log) == 0
    writer.close()
    log.close()
