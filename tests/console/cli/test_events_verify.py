"""`torwart events verify` and the separate verifier: what they name of every harm (promises G96 and G97, attacks X14)."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from audit_store.chain import epoch_start, link
from audit_store.event import Event
from audit_store.log_file import FIRST_SEAL, columns_of, parsed, seal
from tests.audit_store.acts import access
from tests.console.cli.stated_record import EXPORT, LAST, MIDNIGHT, Harm, StatedRecord, acts, apart, forged, lines_of

EVENTS = acts()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> StatedRecord:
    record = StatedRecord(tmp_path_factory.mktemp("pristine"))
    record.write(EVENTS)
    return record


@pytest.fixture
def record(pristine: StatedRecord, tmp_path: Path) -> StatedRecord:
    copy = StatedRecord(tmp_path)
    shutil.rmtree(copy.outside)
    shutil.copytree(pristine.outside, copy.outside)
    pristine.copy_to(copy.state)
    copy.sql(copy.state / "statements" / "statements.db", f"UPDATE sent SET place = 'folder {copy.outside}'")  # noqa: S608 -- our own name
    return copy


@pytest.fixture(scope="module")
def key(pristine: StatedRecord) -> str:
    return pristine.key()


def rewrite(record: StatedRecord, events: list[Event], *, of: StatedRecord) -> None:
    """Everything on the machine made anew by somebody who has it, and its key: log, spool and statements agree with each other."""
    made = StatedRecord(record.folder / "anew")
    (made.state).mkdir(mode=0o700)
    shutil.copytree(of.state / "keys", made.state / "keys")
    made.write(events)
    shutil.rmtree(record.state)
    shutil.move(made.state, record.state)


def relinked(record: StatedRecord) -> None:
    """The hashes of the log alone made anew, after its rows were changed: numbers, chain, order, and how far it is."""
    connection = sqlite3.connect(record.log)
    rows = connection.execute("SELECT rowid, received, canonical FROM entry ORDER BY sequence").fetchall()
    connection.execute("UPDATE entry SET sequence = sequence + 1000, producer_sequence = -sequence")
    before, sealed = epoch_start("gateway", 1), FIRST_SEAL
    for number, (sequence, received, canonical) in enumerate(rows, 1):
        before = link(before, producer="gateway", epoch=1, sequence=number, canonical=canonical)
        sealed = seal(sealed, sequence=number, received=received, producer="gateway", epoch=1, producer_sequence=number, digest=before)
        columns = columns_of(parsed(canonical))
        connection.execute(
            "UPDATE entry SET sequence = ?, producer_sequence = ?, hash = ?, seal = ?, at = ?, act_id = ?, person = ?, subject = ?, "
            "action = ?, phase = ?, outcome = ? WHERE sequence = ?",
            (number, number, before, sealed, *columns, sequence + 1000),
        )
    connection.execute("UPDATE producer SET sequence = ?, hash = ? WHERE name = 'gateway'", (len(rows), before))
    connection.commit()
    connection.close()


def change_one_byte(record: StatedRecord) -> None:
    record.sql(record.log, "UPDATE entry SET canonical = replace(CAST(canonical AS TEXT), '\"rows\":1', '\"rows\":2') WHERE sequence = 17")


def delete_one(record: StatedRecord) -> None:
    record.sql(record.log, "DELETE FROM entry WHERE sequence = 17")


def delete_the_end(record: StatedRecord) -> None:
    record.sql(record.log, "DELETE FROM entry WHERE sequence > 40")
    relinked(record)


def swap_two(record: StatedRecord) -> None:
    record.sql(
        record.log,
        "UPDATE entry SET sequence = 1000 WHERE sequence = 17",
        "UPDATE entry SET sequence = 17 WHERE sequence = 18",
        "UPDATE entry SET sequence = 18 WHERE sequence = 1000",
    )


def swap_two_and_relink(record: StatedRecord) -> None:
    swap_two(record)
    relinked(record)


def insert_a_forged_one(record: StatedRecord) -> None:
    event = forged()
    connection = sqlite3.connect(record.log)
    connection.execute("UPDATE entry SET sequence = -sequence WHERE sequence > 16")
    connection.execute("UPDATE entry SET sequence = 1 - sequence, producer_sequence = producer_sequence + 1000 WHERE sequence < 0")
    connection.execute(
        "INSERT INTO entry SELECT 17, received, producer, epoch, 17, at, act_id, person, subject, action, phase, outcome, ?, hash, seal "
        "FROM entry WHERE sequence = 16",
        (event.canonical(),),
    )
    connection.commit()
    connection.close()
    relinked(record)


def replay_one(record: StatedRecord) -> None:
    record.sql(
        record.log,
        "DELETE FROM entry WHERE sequence = 60",
        "INSERT INTO entry SELECT 60, received, producer, epoch, 60, at, act_id, person, subject, action, phase, outcome, canonical, hash, "
        "seal FROM entry WHERE sequence = 17",
    )


def rewrite_everything(record: StatedRecord) -> None:
    others = list(EVENTS)
    others[16] = access(("9999",), at=EVENTS[16].at)
    rewrite(record, others, of=record)


def cut_everything_before_the_export(record: StatedRecord) -> None:
    rewrite(record, EVENTS[: EXPORT - 1], of=record)


def restore_yesterday(record: StatedRecord) -> None:
    """Log, spools, statements and what is remembered of the places, from before midnight; then work goes on as if nothing had been."""
    rewrite(record, EVENTS[:25], of=record)


def delete_everything(record: StatedRecord) -> None:
    for folder in ("log", "spool", "statements"):
        shutil.rmtree(record.state / folder)


def delete_the_machine(record: StatedRecord) -> None:
    shutil.rmtree(record.state)


IN_LOG: dict[Harm, str] = {
    change_one_byte: "log 17: does not fit its chain",
    delete_one: "log 17: missing",
    delete_the_end: "log 41: missing, and all up to 60: stated in log 7",
    swap_two: "log 17: ",
    swap_two_and_relink: "log 11: to 20: not all is what was stated in log 2",
    insert_a_forged_one: "log 11: to 20: not all is what was stated in log 2",
    replay_one: "log 60: does not fit its chain",
    rewrite_everything: "log 11: to 20: not all is what was stated in log 2",
    cut_everything_before_the_export: f"log {EXPORT}: missing, and all up to {LAST}: stated in log 7",
    restore_yesterday: "log 26: missing, and all up to 60: stated in log 7",
}


def test_an_untouched_record_is_as_it_was_stated(record: StatedRecord, key: str) -> None:
    result = record("verify", "--key", key)
    assert result.exit_code == 0, result.output
    assert "60 events are as they were written (spools compared: gateway; 0 not in the log yet)." in result.stdout
    assert f"up to 2026-05-13 00:00:30 UTC (folder {record.outside}; key {key})" in result.stdout
    assert "No place outside" not in result.stdout
    assert "taken from this machine" not in result.stdout
    code, lines = record.verify_apart(key)
    assert (code, lines[0].split(";")[0]) == (0, "OK: 60 events are as they were stated in 9 statements")


@pytest.mark.parametrize("harm", IN_LOG, ids=lambda harm: harm.__name__)
def test_every_harm_is_found_and_its_first_place_named(harm: Harm, record: StatedRecord, key: str) -> None:
    harm(record)
    code, problems = record.verify("--key", key)
    assert code == 1
    assert problems[0].startswith(IN_LOG[harm]), problems
    code, lines = record.verify_apart(key)
    assert code == 1
    assert lines[0].split(":")[0] == IN_LOG[harm].split(":")[0], lines


@pytest.mark.parametrize("harm", [delete_everything, delete_the_machine], ids=lambda harm: harm.__name__)
def test_deleting_everything_is_found(harm: Harm, record: StatedRecord, key: str) -> None:
    harm(record)
    code, problems = record.verify("--key", key)
    assert code == 1
    assert problems[:2] == [
        f"log 1: missing, and all after it: there is no log in {record.state}",
        "log 1: missing, and all up to 60: stated in log 7 of 2026-05-13 00:00:30 UTC",
    ]
    assert "this machine has lost its statements log 1 to 7: it was set back to an older state, or they were cut" in problems
    assert any(problem.startswith("missing: stated in log 7") for problem in problems)


def test_work_that_goes_on_after_an_old_state_was_restored_forks(record: StatedRecord, key: str) -> None:
    restore_yesterday(record)
    more = [access((str(number),), at=MIDNIGHT.replace(hour=12)) for number in range(20)]
    installation_place = record.outside.rename(record.folder / "away")
    record.outside.mkdir()  # the attacker lets the place be another one for a while
    record.write(more)
    kept = record.outside.rename(record.folder / "meanwhile")
    installation_place.rename(record.outside)
    code, problems = record.verify("--key", key, "--checkpoints", str(record.outside), "--checkpoints", str(kept))
    assert code == 1
    assert any("are two statements: this machine was set back to an older state" in problem for problem in problems), problems


def test_only_what_leaves_the_machine_shows_a_rewritten_machine(record: StatedRecord, key: str) -> None:
    """What docs/record.md says about an installation without a place outside is true."""
    rewrite_everything(record)
    shutil.rmtree(record.outside)
    record.config.write_text(record.config.read_text("utf-8").replace("folders: [outside]", "mail_every_hours: 24"), "utf-8")
    result = record("verify", "--key", key)
    assert result.exit_code == 0
    assert "No place outside was compared: who can write everything on this machine is not seen (docs/record.md)." in result.stdout


def test_a_spool_that_was_changed_is_named(record: StatedRecord, key: str) -> None:
    record.sql(record.spool, "UPDATE event SET hash = zeroblob(32) WHERE sequence = 17")
    assert record.verify("--key", key) == (1, ["is another one in the spool than in the log"])


def test_what_the_log_has_not_taken_yet_is_no_problem_and_what_a_spool_lost_is(record: StatedRecord, key: str) -> None:
    """A head is stated before the log has the event."""
    record.sql(record.log, "DELETE FROM entry WHERE sequence > 34")
    relinked(record)
    (record.daily).unlink()
    code, problems = record.verify("--key", key, "--checkpoints", str(record.outside / "torwart-gateway-2026-05-13.txt"))
    assert code == 1
    assert not any(problem.startswith("missing: stated") for problem in problems), problems
    record.sql(record.spool, "DELETE FROM event WHERE sequence > 34")
    code, problems = record.verify("--key", key, "--checkpoints", str(record.outside / "torwart-gateway-2026-05-13.txt"))
    assert "missing: stated in log 7 of 2026-05-13 00:00:30 UTC" in problems


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (
            lambda text: text.replace("size 31", "size 30"),
            "outside: statement log 7 of 2026-05-13 00:00:30 UTC was changed: its",
        ),
        (lambda text: text[: text.rindex("torwart statement 1")], "1 statements are missing, log 7 first"),
        (lambda text: text.replace("kind tree", "kind bush", 1), "a statement cannot be read"),
        (lambda text: "", "5 statements are missing, log 3 first"),
    ],
    ids=["changed", "cut", "broken", "emptied"],
)
def test_a_place_that_was_tampered_with_is_named(harm: object, words: str, record: StatedRecord, key: str) -> None:
    text = record.daily.read_text("utf-8")
    record.daily.write_text(harm(text), "utf-8")  # type: ignore[operator]
    code, problems = record.verify("--key", key)
    assert code == 1
    assert any(words in problem for problem in problems), problems


def test_statements_of_another_key_are_worth_nothing(record: StatedRecord, tmp_path: Path, key: str) -> None:
    other = StatedRecord(tmp_path / "other")
    other.write(EVENTS)
    code, problems = record.verify("--key", other.key())
    assert code == 1
    assert f"no statement names the key {other.key()}: give its 64 hexadecimal digits" in problems
    code, problems = record.verify("--key", key, "--checkpoints", str(other.outside))
    assert code == 1
    assert any("was changed: its signature does not fit" in problem for problem in problems)
    code, lines = record.verify_apart(other.key())
    assert code == 1
    assert any("not signed by a key that is trusted" in line for line in lines)


def test_a_changed_key_is_followed_in_both_directions_and_a_lost_one_is_named(record: StatedRecord, key: str) -> None:
    """promises fault 23."""
    rotated = record("key", "--rotate", "--json")
    assert rotated.exit_code == 0, rotated.output
    new = json.loads(rotated.stdout)["fingerprint"]
    record.write([access(("77",), at=MIDNIGHT.replace(hour=1, minute=number)) for number in range(10)])
    for trusted in (key, new, json.loads(rotated.stdout)["public"], json.loads(rotated.stdout)["verifier"]):
        assert record.verify("--key", trusted) == (0, [])
    assert record.verify_apart(key)[0] == record.verify_apart(new)[0] == 0
    (record.state / "keys" / "checkpoint.key").unlink()
    refused = record("key")
    assert refused.exit_code == 2
    assert "checkpoint.key is missing" in refused.output
    assert record("key", "--rotate").exit_code == 2
    lost = record("key", "--lost", "--json")
    assert lost.exit_code == 0, lost.output
    record.write([access(("78",), at=MIDNIGHT.replace(hour=2, minute=number)) for number in range(10)])
    code, problems = record.verify("--key", key)
    assert code == 1
    assert "the key was changed without the one before it: somebody has said that it was lost" in problems
    assert any("is not signed by a key that is trusted" in problem for problem in problems)
    both = record.verify("--key", key, "--key", json.loads(lost.stdout)["fingerprint"])
    assert both == (1, ["the key was changed without the one before it: somebody has said that it was lost"])


def test_a_proof_convinces_somebody_with_one_event_and_a_statement(record: StatedRecord, key: str, tmp_path: Path) -> None:
    """For each event, of either day, by number and by id."""
    proof_file = tmp_path / "proof.json"
    for number in (1, 17, 30, EXPORT, LAST):
        word = EVENTS[number - 1].id if number == 17 else str(number)
        proof = record("prove", word)
        assert proof.exit_code == 0, proof.output
        proof_file.write_text(proof.stdout, "utf-8")
        code, lines = apart("--proof", proof_file, "--key", key, "--checkpoints", record.outside)
        assert (code, lines[0].split(" is in ")[0]) == (0, f"OK: event {number}"), lines
        document = json.loads(proof.stdout)
        assert document["canonical"].encode() == EVENTS[number - 1].canonical()
        for changed in (
            document | {"canonical": document["canonical"].replace("P-00000001", "P-00000002")},
            document | {"sequence": number + 1},
            document | {"path": [*document["path"], "00" * 32]},
            document | {"received": document["received"] + 1},
        ):
            proof_file.write_text(json.dumps(changed), "utf-8")
            code, lines = apart("--proof", proof_file, "--key", key, "--checkpoints", record.outside)
            assert code == 1, (changed, lines)
            assert "is not in what was stated" in lines[0]


def test_a_proof_shows_that_a_day_only_grew(record: StatedRecord, key: str, tmp_path: Path) -> None:
    proof_file = tmp_path / "proof.json"
    proof = record("prove", "--grown", "4", "7")
    assert proof.exit_code == 0, proof.output
    proof_file.write_text(proof.stdout, "utf-8")
    code, lines = apart("--proof", proof_file, "--key", key, "--checkpoints", record.outside)
    assert (code, "has all that log 4" in lines[0]) == (0, True)
    document = json.loads(proof.stdout)
    proof_file.write_text(json.dumps(document | {"path": document["path"][:-1]}), "utf-8")
    assert apart("--proof", proof_file, "--key", key, "--checkpoints", record.outside)[0] == 1
    assert record("prove", "--grown", "1", "7").exit_code == 2
    assert record("prove", "--grown", "1", "70").exit_code == 2
    assert record("prove").exit_code == 2
    assert "no event has the number or id 99" in record("prove", "99").output


def test_an_exported_file_that_was_tampered_with_is_found(record: StatedRecord, key: str, tmp_path: Path) -> None:
    assert record.verify_apart(key)[0] == 0
    lines = lines_of(record.folder / "record.ndjson.gz")
    assert lines[0]["last"] == LAST
    for harmed, words in (
        ([*lines[:17], *lines[18:]], "log 17: missing"),
        ([*lines[:17], lines[18], lines[17], *lines[19:]], "log 17: "),
        ([*lines[:50], *lines[61:]], "log 50: missing, and all up to 60: stated in log 7"),
        ([*lines[:17], lines[17] | {"canonical": "{}"}, *lines[18:]], "log 17: does not fit its chain"),
        ([*lines[:17], lines[17] | {"canonical": ""}, *lines[18:]], "log 17: does not fit its chain"),
        ([*lines[:17], lines[17] | {"received": 1}, *lines[18:]], "log 11: to 20: not all is what was stated in log 2"),
    ):
        bundle = tmp_path / "harmed.ndjson"
        bundle.write_text("\n".join(map(json.dumps, harmed)), "utf-8")
        code, found = apart(bundle, "--key", key, "--checkpoints", record.outside)
        assert code == 1
        assert found[0].startswith(words), found
    bundle.write_text("{}", "utf-8")
    assert apart(bundle, "--key", key)[0] == 2
    assert apart(tmp_path / "nowhere", "--key", key)[0] == 2


def test_a_record_that_nobody_has_stated_is_not_called_right(record: StatedRecord, key: str, tmp_path: Path) -> None:
    assert record.verify_apart(key)[0] == 0
    lines = [line for line in lines_of(record.folder / "record.ndjson.gz") if "statement" not in line]
    bundle, empty = tmp_path / "alone.ndjson", tmp_path / "empty"
    bundle.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    empty.mkdir()
    code, found = apart(bundle, "--key", key, "--checkpoints", empty)
    assert code == 1
    assert "no statement that is signed by a trusted key says anything about this record" in found
    assert f"{empty} has no statement: is it the right place?" in found
    code, found = record.verify("--key", key, "--checkpoints", str(empty))
    assert code == 1
    assert any("has no statement: is it the right place?" in line for line in found)


def test_an_export_is_never_written_over_and_is_an_event(record: StatedRecord, key: str) -> None:
    out = record.folder / "record.ndjson"
    assert record("export", "--out", str(out)).exit_code == 0
    assert out.stat().st_mode & 0o077 == 0
    again = record("export", "--out", str(out))
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert sqlite3.connect(record.state / "spool" / "cli" / "spool.db").execute("SELECT count(*) FROM event").fetchone() == (2,)


def test_what_cannot_be_verified_is_said(record: StatedRecord, key: str) -> None:
    shutil.rmtree(record.outside)
    missing = record("verify", "--key", key)
    assert missing.exit_code == 2
    assert "mount it" in missing.output
    assert record("verify", "--key", "nonsense").exit_code == 2
    assert record("verify", "--checkpoints", str(record.folder / "nowhere")).exit_code == 2


def test_events_with_bytes_that_are_no_text_are_exported_as_they_are(record: StatedRecord, key: str) -> None:
    record.sql(record.log, "UPDATE entry SET canonical = x'ff00' WHERE sequence = 17")
    code, lines = record.verify_apart(key)
    assert code == 1
    assert lines[0].startswith("log 17: does not fit its chain")


def test_events_are_told_apart_by_everything(record: StatedRecord) -> None:
    """The harms above change something: an unchanged copy of an event is the same event."""
    assert replace(EVENTS[16]).canonical() == EVENTS[16].canonical()
    assert len({event.canonical() for event in EVENTS}) == LAST
