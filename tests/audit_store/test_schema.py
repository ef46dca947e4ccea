"""Tables are brought up to date whole or not at all, once, with a copy first, and never back (promises, part 2, fault 14)."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

import audit_store.tables
import auth.tables
import console.notify
from audit_store import schema
from audit_store.database import Base, DatabaseError, Server, open_database
from audit_store.engines import file_engine, server_engine
from audit_store.log import FILE, Log, LogError
from audit_store.log_tables import METADATA
from audit_store.schema import LOG, SCHEMA, SHARED, VERSION_TABLE, bring_up
from tests.services.postgres import BOTH, Cluster

ROOT = Path(__file__).parents[2]
TABLES = (audit_store.tables, auth.tables, console.notify)
OLD = (ROOT / "tests" / "data" / "schema" / "3.sql").read_text("utf-8")
ANNA = (
    "INSERT INTO people (id, pseudonym, name, email, roles, language, status, frozen, user_handle, created_at) "
    "VALUES ('one', 'P-1', 'Anna', 'anna@firma.example', '[]', 'de', 'active', 0, x'01', 1)"
)


def old_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(OLD)
    connection.execute(ANNA)
    connection.commit()
    connection.close()
    return path


def columns(path: Path, table: str) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    connection.close()
    return found


@pytest.fixture(params=BOTH)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Server:
    """A database without tables."""
    if request.param == "sqlite":
        return tmp_path / "torwart.db"
    cluster: Cluster = request.getfixturevalue("postgres")
    return cluster.empty()


def differences(connection: Connection, metadata: list[MetaData]) -> list[object]:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
    return list(compare_metadata(context, metadata))  # type: ignore[arg-type] # a list is allowed (Alembic, "multiple MetaData")


def test_the_steps_make_the_tables_that_the_code_uses(bare: Path | Server) -> None:
    """Who changes a table writes a step: `audit_store/migrations/versions`."""
    engine = file_engine(bare) if isinstance(bare, Path) else server_engine(bare)
    bring_up(engine, frozenset({SHARED, LOG}))
    with engine.connect() as connection:
        assert differences(connection, [Base.metadata, METADATA]) == []
    engine.dispose()


def test_the_history_of_the_steps_is_one_line_up_to_the_number_in_the_code() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "audit_store" / "migrations"))
    script = ScriptDirectory.from_config(config)
    steps = [step.revision for step in script.walk_revisions()]
    assert steps == [f"{number:04d}" for number in range(SCHEMA, 3, -1)]


def test_a_file_of_before_is_brought_up_with_its_rows_and_a_copy_of_it_stays(tmp_path: Path) -> None:
    file = old_file(tmp_path / "torwart.db")
    engine = open_database(file)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM people")).scalars().all() == ["Anna"]
        assert "held_by" in {column["name"] for column in inspect(connection).get_columns("acts")}
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == SCHEMA
    engine.dispose()
    copy = sqlite3.connect(tmp_path / "torwart.db.schema-3")
    assert copy.execute("SELECT name FROM people").fetchall() == [("Anna",)]
    assert copy.execute("PRAGMA user_version").fetchone() == (3,)
    copy.close()
    assert (tmp_path / "torwart.db.schema-3").stat().st_mode & 0o077 == 0
    assert "held_by" not in columns(tmp_path / "torwart.db.schema-3", "acts")


def test_a_file_that_is_up_to_date_is_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        open_database(tmp_path / "torwart.db").dispose()
    assert list(tmp_path.glob("*schema*")) == []


def test_nothing_is_changed_where_there_is_no_room_for_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = old_file(tmp_path / "torwart.db")

    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(DatabaseError, match="make room"):
        open_database(file)
    monkeypatch.undo()
    assert "held_by" not in columns(file, "acts")
    assert list(tmp_path.glob("*schema*")) == []


KILLED = """
import os, sys
from pathlib import Path
from alembic.operations import Operations
import auth.tables, audit_store.tables
from audit_store.database import Server, open_database

left = int(sys.argv[2])

def dying(name):
    real = getattr(Operations, name)
    def step(self, *words, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(self, *words, **more)
    setattr(Operations, name, step)

for name in ("create_table", "create_index", "add_column"):
    dying(name)
open_database(Server(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])).dispose()
"""


@pytest.mark.slow
@pytest.mark.parametrize("steps", [0, 1, 5, 25, 36])
def test_a_kill_in_the_middle_leaves_the_old_schema_and_the_next_start_makes_the_new_one(
    bare: Path | Server, steps: int, tmp_path: Path
) -> None:
    if isinstance(bare, Path):
        old_file(bare)
    word = str(bare) if isinstance(bare, Path) else bare.url
    died = subprocess.run([sys.executable, "-c", KILLED, word, str(steps)], cwd=ROOT, check=False)
    assert died.returncode == 9
    engine = file_engine(bare) if isinstance(bare, Path) else server_engine(bare)
    with engine.connect() as connection:
        assert not schema.is_current(engine)
        left = set(inspect(connection).get_table_names())
        assert ("acts" in left) is isinstance(bare, Path), "nothing of the new one, all of the old one"
        assert VERSION_TABLE not in left
    engine.dispose()
    engine = open_database(bare)
    assert schema.is_current(engine)
    engine.dispose()


def test_of_many_that_start_at_once_one_migrates_and_the_others_wait(bare: Path | Server) -> None:
    if isinstance(bare, Path):
        old_file(bare)
    failed: list[BaseException] = []

    def start() -> None:
        try:
            open_database(bare).dispose()
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    engine = open_database(bare)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {VERSION_TABLE}")).scalar_one() == 1  # noqa: S608
    engine.dispose()


def test_a_database_of_a_newer_torwart_is_refused(bare: Path | Server, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(bare)
    with engine.begin() as connection:
        if isinstance(bare, Path):
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA + 1}")
        else:
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{SCHEMA + 1:04d}'")  # noqa: S608
    engine.dispose()
    with pytest.raises(DatabaseError, match=rf"newer Torwart \(schema {SCHEMA + 1}\); start that version or restore a backup"):
        open_database(bare)
    if isinstance(bare, Server):
        with pytest.raises(LogError, match="newer Torwart"):
            Log.open(bare)


def test_a_log_of_before_is_brought_up_even_by_a_reader(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    connection = sqlite3.connect(tmp_path / "log" / FILE)
    connection.executescript(
        "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, received INTEGER NOT NULL, producer TEXT NOT NULL, epoch INTEGER NOT NULL,"
        " producer_sequence INTEGER NOT NULL, at TEXT, act_id TEXT, person TEXT, subject TEXT, action TEXT, phase TEXT, outcome TEXT,"
        " canonical BLOB NOT NULL, hash BLOB NOT NULL, seal BLOB NOT NULL, UNIQUE (producer, epoch, producer_sequence));"
        "CREATE TABLE producer (name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL,"
        " stopped TEXT);"
        "INSERT INTO entry VALUES (1, 2, 'gateway', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, x'7b7d', x'00', x'00');"
        "PRAGMA user_version = 1;"
    )
    connection.close()
    log = Log.open(tmp_path / "log", reading=True)
    assert [row.sequence for row in log.read(0, 10)] == [1]
    log.close()
    assert (tmp_path / "log" / f"{FILE}.schema-1").exists()
