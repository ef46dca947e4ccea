"""SQLite databases: what SQLite itself writes is read, and what nobody writes is bounded."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.budget import Budget, Limits
from detectors.extract.sqlite import FORMAT
from detectors.sqlite_file import SqliteFile
from detectors.verdict import Unread
from tests.services.firm_base import MAILS, NAMES, PHONES, Firm

LONG = "Vermerk " * 2_000


def database(*statements: str, rows: list[tuple[object, ...]] | None = None, page: int = 4_096, encoding: str = "UTF-8") -> bytes:
    """What SQLite writes: the statements, the last of them once for each row."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.execute(f"PRAGMA page_size={page}")
        base.execute(f"PRAGMA encoding='{encoding}'")
        for statement in statements[: -1 if rows else None]:
            base.execute(statement)
        if rows:
            base.execute("BEGIN")
            base.executemany(statements[-1], rows)
            base.execute("COMMIT")
        return base.serialize()


def parts(content: bytes, limits: Limits | None = None) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(limits or Limits(), len(content))))


def lines(content: bytes) -> set[str]:
    return {line for part in parts(content) if isinstance(part, str) for line in part.split("\n")}


COUNT = 300
SHORT = MAILS[:COUNT]
NUMBERS = [int(phone[1:]) for phone in PHONES]
TABLES: dict[str, bytes] = {
    "telephone as text, numbers beside it": database(
        "CREATE TABLE a(n INTEGER, phone TEXT, m INTEGER)",
        "INSERT INTO a VALUES(?,?,?)",
        rows=[(48 + n % 10, PHONES[n][1:], 50) for n in range(COUNT)],
    ),
    "telephone as text, the last column": database(
        "CREATE TABLE a(code TEXT, phone TEXT)", "INSERT INTO a VALUES(?,?)", rows=[(str(n), PHONES[n][1:]) for n in range(COUNT)]
    ),
    "telephone as a number": database("CREATE TABLE a(phone INTEGER)", "INSERT INTO a VALUES(?)", rows=[(n,) for n in NUMBERS[:COUNT]]),
    "telephone as a float": database("CREATE TABLE a(phone REAL)", "INSERT INTO a VALUES(?)", rows=[(float(n),) for n in NUMBERS[:COUNT]]),
    "telephone as the number of the row": database(
        "CREATE TABLE a(phone INTEGER PRIMARY KEY)", "INSERT INTO a VALUES(?)", rows=[(n,) for n in NUMBERS[:COUNT]]
    ),
    "without numbers of rows": database(
        "CREATE TABLE a(mail TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        "INSERT INTO a VALUES(?,?)",
        rows=[(MAILS[n], n) for n in range(COUNT)],
    ),
    "addresses between letters": database(
        "CREATE TABLE a(name TEXT, mail TEXT, word TEXT)",
        "INSERT INTO a VALUES(?,?,?)",
        rows=[(NAMES[n].replace(" ", ""), MAILS[n], "abc") for n in range(COUNT)],
    ),
    "UTF-16": database("CREATE TABLE a(b TEXT, c TEXT)", "INSERT INTO a VALUES(?,?)", rows=[("a", m) for m in SHORT], encoding="UTF-16le"),
    "UTF-16, the other order": database(
        "CREATE TABLE a(b TEXT, c TEXT)", "INSERT INTO a VALUES(?,?)", rows=[("a", m) for m in SHORT], encoding="UTF-16be"
    ),
    "records that go on in other pages": database(
        "CREATE TABLE a(b TEXT, c TEXT)", "INSERT INTO a VALUES(?,?)", rows=[(LONG[: 3_000 + n], MAILS[n]) for n in range(COUNT)], page=512
    ),
    "an index with records that go on": database(
        "CREATE TABLE a(b TEXT PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO a VALUES(?)",
        rows=[(LONG[:2_000] + m,) for m in SHORT],
        page=1_024,
    ),
    "blobs": database("CREATE TABLE a(n INTEGER, b BLOB)", "INSERT INTO a VALUES(?,?)", rows=[(57, m.encode()) for m in MAILS[:COUNT]]),
    "large pages": database("CREATE TABLE a(b TEXT)", "INSERT INTO a VALUES(?)", rows=[(p[1:],) for p in PHONES[:COUNT]], page=65_536),
}


@pytest.mark.parametrize("content", TABLES.values(), ids=list(TABLES))
def test_every_row_is_found_however_it_is_stored(content: bytes, client_base: Firm) -> None:
    verdict = client_base.scan(content)
    assert (len(verdict.clients), verdict.unread) == (COUNT, ())


def test_what_was_given_back_is_read_and_is_never_damaged(client_base: Firm) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete=OFF")
        base.execute("CREATE TABLE a(n INTEGER, phone INTEGER, b TEXT)")
        base.executemany("INSERT INTO a VALUES(?,?,?)", [(n, NUMBERS[n], LONG[:200]) for n in range(COUNT)])
        base.execute("DROP TABLE a")
        base.execute("CREATE TABLE b(c TEXT)")
        base.executemany("INSERT INTO b VALUES(?)", [("x" * 9_000,)] * 3)
        content = base.serialize()
    verdict = client_base.scan(content)
    assert verdict.unread == ()
    assert len(verdict.clients) > COUNT // 2


def test_a_whole_file_within_is_opened(client_base: Firm) -> None:
    inner = TABLES["telephone as a number"]
    assert client_base.found(database("CREATE TABLE a(b BLOB)", "INSERT INTO a VALUES(?)", rows=[(inner,)])) == COUNT


def test_what_is_cut_off_is_damaged_and_what_is_there_is_read(client_base: Firm) -> None:
    content = TABLES["records that go on in other pages"]
    for cut in (content[: len(content) // 2 // 512 * 512], content[:-100], content[:-512]):
        verdict = client_base.scan(cut)
        assert verdict.unread == (Unread.DAMAGED,)
        assert verdict.clients
    assert parts(content[:60]) == [Unread.DAMAGED]
    assert Unread.DAMAGED in parts(content[:512])


def _page(content: bytes, number: int) -> int:
    return (number - 1) * SqliteFile(content).size


def test_pages_in_a_ring_end() -> None:
    content = bytearray(TABLES["without numbers of rows"])
    root = _page(content, 2)
    assert content[root] == 2
    content[root + 8 : root + 12] = (2).to_bytes(4, "big")
    assert Unread.DAMAGED in parts(bytes(content))


def test_a_record_that_goes_on_in_a_ring_ends() -> None:
    content = bytearray(database("CREATE TABLE a(b TEXT)", "INSERT INTO a VALUES(?)", rows=[("x" * 20_000,)], page=512))
    for number in range(3, len(content) // 512 + 1):
        at = _page(content, number)
        content[at : at + 4] = (3).to_bytes(4, "big")
    assert Unread.DAMAGED in parts(bytes(content))


def test_a_record_of_more_bytes_than_the_file_has_costs_nothing() -> None:
    content = bytearray(database("CREATE TABLE a(b TEXT)", "INSERT INTO a VALUES(?)", rows=[("x" * 400,)], page=512))
    at = _page(content, 2)
    cell = at + int.from_bytes(content[at + 8 : at + 10], "big")
    content[cell : cell + 9] = b"\xff" * 9
    assert Unread.DAMAGED in parts(bytes(content))


def test_many_cells_at_one_place_are_bounded_by_the_budget() -> None:
    content = bytearray(database("CREATE TABLE a(b TEXT)", "INSERT INTO a VALUES(?)", rows=[("x" * 40_000,)], page=65_536))
    at = _page(content, 2)
    place = content[at + 8 : at + 10]
    content[at + 3 : at + 5] = (10_000).to_bytes(2, "big")
    content[at + 8 : at + 8 + 20_000] = place * 10_000
    found: list[object] = []
    budget = Budget(Limits(free=1 << 20, ratio=1), len(content))
    with pytest.raises(Exception, match="too_large"):
        found.extend(FORMAT.open(bytes(content), None, budget))


SEEDS = [TABLES[name] for name in ("telephone as a number", "without numbers of rows", "UTF-16")] + [
    database("CREATE TABLE a(b TEXT, c BLOB, d REAL)", "INSERT INTO a VALUES(?,?,?)", rows=[(LONG[:900], b"\0\1" * 400, 0.5)] * 9, page=512)
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.integers(1, 40))
def test_damaged_databases_give_parts_and_causes_only(seed: bytes, dice: random.Random, changes: int) -> None:
    content = bytearray(seed)
    for _ in range(changes):
        content[dice.randrange(16, len(content))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
    for part in parts(bytes(content)):
        assert isinstance(part, str | bytes | Unread)


values = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), max_size=700),
    st.just("x" * 5_000),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=30), st.sampled_from((512, 1_024, 4_096)), st.booleans())
def test_every_value_that_sqlite_stores_is_given(rows: list[tuple[object, ...]], page: int, wide: bool) -> None:
    content = database(
        "CREATE TABLE a(x, y, z)", "INSERT INTO a VALUES(?,?,?)", rows=rows, page=page, encoding="UTF-16be" if wide else "UTF-8"
    )
    found = lines(content)
    for number, row in enumerate(rows, 1):
        assert "\t".join([str(number), *(str(value) for value in row if value is not None)]) in found
    assert Unread.DAMAGED not in parts(content)
