"""The tables of the central log, the same in SQLite and PostgreSQL. Changed by steps in `audit_store/migrations/versions` only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, cast

METADATA = MetaData()
COLUMNS = ("at", "act_id", "person", "subject", "action", "phase", "outcome")
"""What an entry can be searched by. All of it is in the document too, and verified against it."""
_Sequence = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite keeps rows by their number only if its type is spelt so."""

entry = Table(
    "entry",
    METADATA,
    Column("sequence", _Sequence, primary_key=True, autoincrement=False),
    Column("received", BigInteger, nullable=False),
    Column("producer", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("producer_sequence", BigInteger, nullable=False),
    *(Column(name, Text) for name in COLUMNS),
    Column("canonical", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("producer", "epoch", "producer_sequence"),
    Index("entry_action", "action", "phase", "sequence"),
)
"""One event each: the newest ones, some thousand (`audit_store.log_pack.KEPT_ENTRIES`). The stage of orders asks for a few actions in every
round; for other questions, which are rare, all of them are read in milliseconds, while an index would cost every event a fiftieth of its
intake."""

producer = Table(
    "producer",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("stopped", Text),
)
"""How far the log has each producer."""

# What was tampered with may be of another type than the column says: everything is read through a cast (`audit_store.sqlite_file.connect`).
PLACE = (
    entry.c.sequence,
    cast(entry.c.received, BigInteger),
    cast(entry.c.producer, Text),
    cast(entry.c.epoch, BigInteger),
    cast(entry.c.producer_sequence, BigInteger),
)
CANONICAL = cast(entry.c.canonical, LargeBinary)
HASH = cast(entry.c.hash, LargeBinary)
SEAL = cast(entry.c.seal, LargeBinary)
CURSOR = (
    cast(producer.c.sequence, BigInteger),
    cast(producer.c.epoch, BigInteger),
    cast(producer.c.hash, LargeBinary),
    cast(producer.c.stopped, Text),
)

block = Table(
    "block",
    METADATA,
    Column("first", _Sequence, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("begins", Text),
    Column("ends", Text),
    Column("places", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("seals", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Column("marks", LargeBinary),
)
"""Older entries, packed (`audit_store.log_blocks`). `begins`, `ends`: earliest and latest of the producers' times in it. One without
`content` was tampered with: what is taken out leaves empty places in it. `marks`: `audit_store.log_marks`."""
BLOCK = tuple(cast(column, column.type).label(column.name) if column.name != "first" else column for column in block.columns)
