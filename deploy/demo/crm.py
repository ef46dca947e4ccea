"""The CRM of the demo and of the tests: real Tryton with made-up clients, below one folder.

`prepare` makes what is made once (environment, web client, filled database), `start` runs a copy of it.
"""

import contextlib
import fcntl
import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher

from deploy.demo.errors import DemoError
from deploy.demo.people import PEOPLE
from deploy.demo.tryton_env import Progress, install_server, install_web_client
from deploy.demo.tryton_process import TrytonProcess, free_port
from deploy.demo.tryton_rpc import DATABASE, TrytonSession
from deploy.demo.tryton_template import DATABASE_FILE, make_template, party_ids

_PASSWORDS: Final = "passwords.json"
_ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True)
class PreparedCrm:
    """Everything that is made once."""

    root: Path
    python: Path
    """The interpreter of Tryton's own environment."""
    web_root: Path | None
    """Tryton's web client; None when npm is not here or failed."""
    template: Path
    party_ids: Mapping[int, int]
    """Client number -> id of that client in the CRM."""


class RunningCrm:
    """A Tryton that answers on a loopback port, over a copy of the database that is its own."""

    def __init__(self, process: TrytonProcess, folder: Path, passwords: Mapping[str, str], party_ids: Mapping[int, int]) -> None:
        self._process = process
        self.folder = folder
        self.passwords = passwords
        """Login -> password, of this copy only; `admin` is Tryton's own administrator."""
        self.party_ids = party_ids
        """Client number -> id of that client in the CRM."""

    @property
    def base_url(self) -> str:
        return self._process.base_url

    @property
    def pid(self) -> int:
        return self._process.pid

    def log_in(self, login: str, *, base_url: str | None = None) -> TrytonSession:
        """Log somebody in, at Tryton itself or at the gateway before it (`base_url`)."""
        return TrytonSession(base_url or self.base_url, login, self.passwords[login])

    def rest_key(self, login: str) -> str:
        """A new, validated key of Tryton's REST interface for this person."""
        with self.log_in(login) as session:
            return session.rest_key()

    def stop(self) -> None:
        """End Tryton; the copy of the database stays."""
        self._process.stop()


def prepare(root: Path, *, uv: Path | None, progress: Progress, web_client: bool = True) -> PreparedCrm:
    """Install Tryton and make the filled database below `root`, as far as that is not done yet.

    The first time takes about half a minute and the network, later times neither. Two preparations of one folder wait for
    each other. `uv` is used when given, else venv and pip; without `web_client` none is installed.

    Raises `DemoError` with one line that says what to do.
    """
    root = root.resolve()
    with _alone(root), ThreadPoolExecutor(max_workers=1) as beside:
        web = beside.submit(install_web_client, root, progress) if web_client else None
        python = install_server(root, uv, progress)
        template = make_template(root, python, progress)
        return PreparedCrm(root, python, web.result() if web else None, template, party_ids(template))


def start(crm: PreparedCrm, folder: Path, *, port: int = 0, keep: bool = False) -> RunningCrm:
    """Run a copy of the prepared CRM in `folder` on a loopback port, and return when it answers.

    The copy is fresh and has new passwords, unless `keep` is set and the folder holds one already. Port 0 takes a free one.

    Raises `DemoError` when the port is taken or Tryton does not start.
    """
    passwords_path = folder / _PASSWORDS
    if not (keep and passwords_path.is_file()):
        _copy(crm.template, folder)
        _set_passwords(folder / DATABASE_FILE, passwords_path)
    passwords = json.loads(passwords_path.read_text(encoding="utf-8"))
    process = TrytonProcess(crm.root, crm.python, folder, port=port or free_port(), web_root=crm.web_root)
    return RunningCrm(process, folder, passwords, crm.party_ids)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the folder against a second preparation by another process."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "lock").open("w")
    except OSError as error:
        raise DemoError(f"{root} cannot be written: {error.strerror}. Start the demo in a clone of your own.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(template: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    copy = folder / DATABASE_FILE
    copy.touch(mode=0o600)
    # Not a copy of the file: Tryton's SQLite keeps its newest pages in a second one (WAL).
    with contextlib.closing(sqlite3.connect(template / DATABASE_FILE)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _set_passwords(database: Path, path: Path) -> None:
    """Give everybody a new password in a database that no Tryton has open, and write them down (the last file of a copy).

    Tryton keeps an argon2 hash in the column `password_hash` of its table `res_user`.
    """
    passwords = {login: secrets.token_urlsafe(12) for login in (_ADMIN, *(person.login for person in PEOPLE))}
    # Short hashes: the passwords are 96 random bits, and Tryton would otherwise check each for a tenth of a second.
    hasher = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "UPDATE res_user SET password_hash = ? WHERE login = ?",
            [(hasher.hash(password), login) for login, password in passwords.items()],
        )
    path.touch(mode=0o600)
    path.write_text(json.dumps(passwords), encoding="utf-8")


__all__ = ["DATABASE", "DemoError", "PreparedCrm", "RunningCrm", "prepare", "start"]
