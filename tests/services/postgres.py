"""A real PostgreSQL: one cluster of this test session's own, reached by a socket in its folder; a database of its own for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from audit_store.database import Server, open_database
from tests.services.require import missing

_USERS = ("postgres", "nobody")
"""Who runs it where the tests are root's: PostgreSQL refuses root."""
_MEMORY = "/dev/shm"
_KEPT = 4
"""Databases of the last tests that stay: eight megabytes each of memory, of more than a thousand tests."""
_LITTLE_LOG = "max_wal_size=64MB"
_PLAIN = "postgresql+psycopg://torwart@/{name}?host={folder}"


class Cluster:
    """A running server."""

    def __init__(self, tools: Path) -> None:
        self._tools = tools
        self._numbers = count(1)
        self._made: deque[str] = deque()
        # In memory where there is such a folder: a database for each test is a thousand small files.
        self.folder = Path(tempfile.mkdtemp(prefix="torwart-pg-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            user = next(found for name in _USERS if (found := _account(name)) is not None)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", "data", "-U", "torwart", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self._template = self._create("template")
        open_database(self._template).dispose()

    def start(self, *settings: str) -> None:
        """Start it, with further settings (`fsync=off`)."""
        words = " ".join(f"-c {one}" for one in ("listen_addresses=", _LITTLE_LOG, f"unix_socket_directories={self.folder}", *settings))
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-l", "server.log", "-o", words, "start")

    def stop(self, how: str = "immediate") -> None:
        """End it at once, as a crash does (`immediate`), or in order (`fast`)."""
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-m", how, "stop")

    def empty(self) -> Server:
        """A new database without tables. One test has four at most."""
        return self._of_a_test("template0")

    def migrated(self) -> Server:
        """A new database with the tables of now. One test has four at most."""
        return self._of_a_test("template")

    def close(self) -> None:
        """End the server and forget its files."""
        self.stop()
        shutil.rmtree(self.folder)

    def _of_a_test(self, template: str) -> Server:
        if len(self._made) >= _KEPT:
            self._say(f"DROP DATABASE {self._made.popleft()} WITH (FORCE)")
        self._made.append(f"test{next(self._numbers)}")
        return self._create(self._made[-1], template)

    def _create(self, name: str, template: str = "template0") -> Server:
        self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Server(_PLAIN.format(name=name, folder=self.folder))

    def _say(self, statement: str) -> None:
        engine = create_engine(_PLAIN.format(name="postgres", folder=self.folder), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def _run(self, tool: str, *words: str) -> None:
        command = [self._tools / tool, *words]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(  # type: ignore[call-overload] # user and group only where we are root
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            **self._as,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{tool} failed: {done.stdout.decode(errors='replace')}")


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _tools() -> Path | None:
    """The folder of the server's programs; Debian has them outside of PATH, by version."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    tools = _tools()
    if tools is None:
        missing("postgresql", "no initdb in PATH or /usr/lib/postgresql (Debian: apt-get install postgresql)")
    cluster = Cluster(tools)
    yield cluster
    cluster.close()


BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql")))
"""Parameters of the fixture `place`, for tests that run on both kinds of database."""
