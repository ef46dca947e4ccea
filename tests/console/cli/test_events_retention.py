"""`torwart events retention`: what is over goes, both verifiers agree that nothing else did, and name whatever else is gone."""

import json
from pathlib import Path

import pytest

from tests.console.cli.stated_record import EXPORT, LAST, StatedRecord, acts, apart

OVER = [number for number in range(1, LAST + 1) if number != EXPORT]
EMPTY = "canonical = '', at = NULL, act_id = NULL, person = NULL, subject = NULL, action = NULL, phase = NULL, outcome = NULL"


@pytest.fixture
def record(tmp_path: Path) -> StatedRecord:
    """Sixty events of half a year ago; one is an export."""
    record = StatedRecord(tmp_path)
    with record.config.open("a", encoding="utf-8") as config:
        config.write("\nretention:\n  reading_days: 60\n")
    record.write(acts())
    return record


@pytest.fixture
def old(record: StatedRecord) -> StatedRecord:
    """The same after the run."""
    done = record("retention", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["classes"]["reading"], said["taken_out"]) == ({"days": 60, "events": len(OVER)}, len(OVER))
    return record


def test_a_dry_run_counts_and_changes_nothing(record: StatedRecord) -> None:
    before = record.log.read_bytes()
    said = json.loads(record("retention", "--dry-run", "--json").stdout)
    assert said["classes"] == {
        "reading": {"days": 60, "events": len(OVER)},
        "evidence": {"days": 1_461, "events": 0},
        "sign_ins": {"days": 365, "events": 0},
        "looks": {"days": 365, "events": 0},
        "trouble": {"days": 180, "events": 0},
    }
    assert (said["dry_run"], said["taken_out"], said["people_held"]) == (True, 0, 0)
    assert record.log.read_bytes() == before
    assert "reading: kept 60 days, 59 events are over" in record("retention", "--dry-run").output


def test_both_verifiers_find_the_record_whole_afterwards(old: StatedRecord) -> None:
    assert old.verify() == (0, [])
    code, lines = old.verify_apart(old.key())
    assert (code, lines[0][:3]) == (0, "OK:"), lines
    shown = old("tail", "--lines", "100", "--json").stdout
    assert '"client' not in shown.splitlines()[0]
    again = json.loads(old("retention", "--json").stdout)
    assert again["taken_out"] == 0


HARMS: list[tuple[str, str, str]] = [
    (
        f"UPDATE entry SET {EMPTY} WHERE sequence = {EXPORT}",  # noqa: S608 -- our own words
        f"log {EXPORT}: its content is gone: only its hash is left, and nothing in the log takes it out",
        f"log {EXPORT}: has no content, and no event takes it out",
    ),
    (
        f"UPDATE entry SET {EMPTY} WHERE action = 'events-removed'",  # noqa: S608
        "log 1: its content is gone: only its hash is left, and nothing in the log takes it out",
        "log 1: has no content, and no event takes it out",
    ),
    (
        "UPDATE entry SET hash = (SELECT hash FROM entry WHERE sequence = 9) WHERE sequence = 8",
        "log 8: does not fit the order of the log: its place, time of receipt or neighbour was changed",
        "log 1: to 10: not all is what was stated",
    ),
    (
        "UPDATE entry SET canonical = replace(canonical, '\"days\":60', '\"days\":61') WHERE action = 'events-removed'",
        "does not fit its chain: it, or the one before it, was changed",
        "does not fit its chain: it, or the one before it, was changed",
    ),
    (
        f"DELETE FROM entry WHERE sequence = {EXPORT}",  # noqa: S608
        f"log {EXPORT}: missing",
        f"log {EXPORT}: missing",
    ),
]


@pytest.mark.parametrize(("statement", "here", "there"), HARMS, ids=["another content", "the removal", "a hash", "its words", "an entry"])
def test_whatever_else_is_gone_is_named(old: StatedRecord, statement: str, here: str, there: str) -> None:
    key = old.key()
    old.sql(old.log, statement)
    code, lines = old.verify()
    assert code == 1
    assert any(here in line for line in lines), lines
    code, lines = old.verify_apart(key)
    assert code == 1
    assert any(there in line for line in lines), lines


def test_an_event_is_proved_as_before_and_one_without_content_is_not(old: StatedRecord, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(old("prove", str(EXPORT)).stdout, encoding="utf-8")
    assert apart("--proof", proof, "--checkpoints", old.outside, "--key", old.key())[0] == 0
    gone = old("prove", str(EXPORT - 1))
    assert gone.exit_code == 2
    assert "taken away when its time was over" in gone.output


def test_a_place_outside_must_know_of_it_first(record: StatedRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    record.outside.rename(record.outside.with_name("away"))
    refused = record("retention")
    assert refused.exit_code == 2
    record.outside.with_name("away").rename(record.outside)
    assert record.verify() == (0, [])
    assert record("tail", "-n", "100", "--json").stdout.count('"action":"access"') == LAST
    assert json.loads(record("retention", "--json").stdout)["taken_out"] == len(OVER)


def test_a_spool_that_keeps_longer_is_refused(tmp_path: Path) -> None:
    record = StatedRecord(tmp_path)
    with record.config.open("a", encoding="utf-8") as config:
        config.write("\nrecord:\n  spool_days: 90\nretention:\n  reading_days: 60\n")
    refused = record("retention")
    assert refused.exit_code == 2
    assert "retention.reading_days is shorter than record.spool_days (90)" in refused.output


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("reading_days: 59", "greater than or equal to 60"),
        ("hold: [Müller]", "names pseudonyms such as P-7F3A91C2"),
        ("days: 400", "is not known"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, section: str, said: str) -> None:
    record = StatedRecord(tmp_path)
    with record.config.open("a", encoding="utf-8") as config:
        config.write(f"\nretention:\n  {section}\n")
    refused = record("retention")
    assert refused.exit_code == 2
    assert said in refused.output


def test_null_is_for_ever(tmp_path: Path) -> None:
    record = StatedRecord(tmp_path)
    with record.config.open("a", encoding="utf-8") as config:
        config.write("\nretention:\n  reading_days: null\n")
    record.write(acts())
    said = json.loads(record("retention", "--json").stdout)
    assert said["classes"]["reading"] == {"days": None, "events": 0}
    assert said["taken_out"] == 0
