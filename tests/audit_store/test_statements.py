"""The signed statements on this machine: numbered, chained, by several processes at once; the key is looked at (promises, fault 23)."""

import multiprocessing
import shutil
import sqlite3
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from audit_store.statement import KEYS, End, Head, NewKey, StatementError, find
from audit_store.statements import FILE, FOLDER, Statements, StatementsError

AT = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)


def head(number: int) -> Head:
    return Head(End("gateway", 1, number, bytes(32)))


def opened(state: Path) -> Statements:
    return Statements.open(state, clock=lambda: AT)


def public(statements: Statements) -> bytes:
    newest = statements.newest(KEYS)
    assert newest is not None
    assert isinstance(newest.body, NewKey)
    return newest.body.public


def test_each_signer_counts_by_itself_and_chains(tmp_path: Path) -> None:
    statements = opened(tmp_path)
    first, second = statements.sign("gateway", head(1)), statements.sign("gateway", head(2))
    other = statements.sign("console", Head(End("console", 1, 1, bytes(32))))
    assert (first.number, second.number, other.number) == (1, 2, 1)
    assert (first.before, second.before) == (None, first.digest)
    assert second.signed_by(public(statements))
    assert statements.after("gateway", 0, 10) == [first, second]
    assert statements.after("gateway", 1, 10) == [second]
    assert statements.newest("gateway") == second
    assert statements.newest("proxy") is None
    assert statements.signers() == ["console", "gateway", "keys"]
    assert [one.name for note in statements.notes() for one in find(note) if not isinstance(one, StatementError)] == [
        "console 1",
        "gateway 1",
        "gateway 2",
        "keys 1",
    ]
    statements.close()
    again = opened(tmp_path)
    assert again.sign("gateway", head(3)).before == second.digest
    again.close()


def _sign_many(state: Path, count: int) -> None:
    statements = opened(state)
    for number in range(count):
        statements.sign("cli", Head(End("cli", 1, number, bytes(32))))
    statements.close()


def test_processes_that_begin_at_once_agree_on_one_key_and_one_numbering(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_sign_many, args=(tmp_path, 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    statements = opened(tmp_path)
    made = statements.after("cli", 0, 100)
    assert [one.number for one in made] == list(range(1, 61))
    assert all(after.before == before.digest for before, after in pairwise(made))
    assert all(one.signed_by(public(statements)) for one in made)
    assert len(statements.after(KEYS, 0, 10)) == 1
    statements.close()


def _open_and_close(state: Path) -> None:
    opened(state).close()


def test_nothing_is_lost_where_one_process_has_them_open_twice_and_another_comes_and_goes(tmp_path: Path) -> None:
    """Whoever closes a file that SQLite has open ends this process's locks on it: the other process would take the newest away."""
    first = opened(tmp_path)
    first.sign("gateway", head(1))
    second = opened(tmp_path)
    process = multiprocessing.get_context("spawn").Process(target=_open_and_close, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    first.sign("gateway", head(2))
    second.sign("gateway", head(3))
    seen = Statements.open(tmp_path, reading=True)
    assert [one.number for one in seen.after("gateway", 0, 10)] == [1, 2, 3]
    for statements in (first, second, seen):
        statements.close()
    left = Statements.open(tmp_path, reading=True)
    assert [one.number for one in left.after("gateway", 0, 10)] == [1, 2, 3]
    left.close()


def test_a_change_of_the_key_is_signed_by_both_and_seen_by_a_process_that_runs(tmp_path: Path) -> None:
    running, command = opened(tmp_path), opened(tmp_path)
    old = public(running)
    running.sign("gateway", head(1))
    stated = command.change_key()
    new = public(command)
    assert new != old
    assert stated.signed_by(old)
    assert stated.signed_by(new)
    after = running.sign("gateway", head(2))
    assert after.signed_by(new)
    assert not after.signed_by(old)
    running.close()
    command.close()


def test_a_change_that_was_broken_off_after_it_was_stated_is_completed(tmp_path: Path) -> None:
    statements = opened(tmp_path)
    before = (tmp_path / "keys" / "checkpoint.key").read_bytes()
    statements.change_key()
    new = (tmp_path / "keys" / "checkpoint.key").read_bytes()
    (tmp_path / "keys" / "checkpoint.key").write_bytes(before)
    (tmp_path / "keys" / "checkpoint.key.next").write_bytes(new)
    (tmp_path / "keys" / "checkpoint.key.next").chmod(0o600)
    assert statements.sign("gateway", head(1)).signed_by(public(statements))
    assert (tmp_path / "keys" / "checkpoint.key").read_bytes() == new
    statements.close()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda key: key.unlink(), "checkpoint.key is missing"),
        (lambda key: key.chmod(0o644), "may be read by others"),
        (lambda key: key.write_bytes(bytes(32)), "is not the key that signed before"),
        (lambda key: key.write_bytes(b"x"), "damaged"),
    ],
    ids=["missing", "rights", "other", "damaged"],
)
def test_a_key_that_is_not_right_stops_start_and_signature(tmp_path: Path, harm: object, words: str) -> None:
    statements = opened(tmp_path)
    statements.sign("gateway", head(1))
    harm(tmp_path / "keys" / "checkpoint.key")  # type: ignore[operator]
    with pytest.raises(StatementsError, match=words):
        statements.sign("gateway", head(2))
    statements.close()
    with pytest.raises(StatementsError, match=words):
        opened(tmp_path)
    lost = Statements.open(tmp_path, checked=False, clock=lambda: AT)
    assert not lost.begin_key().signed_by(bytes(32))
    assert lost.sign("gateway", head(2)).number == 2
    lost.close()


def test_what_a_place_has_only_grows_and_can_be_forgotten(tmp_path: Path) -> None:
    statements = opened(tmp_path)
    assert statements.sent("folder /x") == {}
    for number in (3, 2):
        statements.note_sent("folder /x", "gateway", number)
    assert {signer: (sent.number, sent.at) for signer, sent in statements.sent("folder /x").items()} == {"gateway": (3, AT)}
    statements.forget_sent("folder /x")
    assert statements.sent("folder /x") == {}
    statements.close()


def test_a_statement_that_was_changed_here_is_not_continued(tmp_path: Path) -> None:
    statements = opened(tmp_path)
    statements.sign("gateway", head(1))
    connection = sqlite3.connect(tmp_path / FOLDER / FILE)
    connection.execute("UPDATE statement SET note = 'nothing' WHERE signer = 'gateway'")
    connection.commit()
    connection.close()
    with pytest.raises(StatementsError, match=r"a statement in statements\.db was changed"):
        statements.sign("gateway", head(2))
    statements.close()


def test_for_reading_they_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(StatementsError, match="cannot be opened"):
        Statements.open(tmp_path, reading=True)
    opened(tmp_path).close()
    reading = Statements.open(tmp_path, reading=True)
    with pytest.raises(StatementsError, match="readonly"):
        reading.sign("gateway", head(1))
    reading.close()
    (tmp_path / FOLDER).chmod(0o755)
    with pytest.raises(StatementsError, match="chmod 700"):
        opened(tmp_path)
    shutil.rmtree(tmp_path / FOLDER)
