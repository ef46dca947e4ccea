"""The made-up firm as an installation of Torwart: its configuration, its people with their keys, and a look into what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import auth.tables  # noqa: F401  (its tables are made with the database)
from audit_store.alerts import Alerts
from audit_store.event import Event, EventAction
from audit_store.log import Log
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.search import search
from audit_store.spool import Spool, readers
from audit_store.tables import Alert
from auth.act import Summary
from auth.assignments import Assignments
from auth.installation import Installation, load_installation, mark_demo
from auth.keys import Keys
from auth.people import People
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.storage import reading
from auth.tables import Act
from deploy.demo.crm import RunningCrm
from deploy.demo.errors import DemoError
from deploy.demo.keyring import KeyringClient
from deploy.demo.people import ANNA, OWNER, PEOPLE, Role, write_assignment

_CONFIG = """\
state: {folder}/state
language: de
names: shown
torwart:
  url: http://torwart.localhost:{torwart_port}
  listen: 127.0.0.1:{torwart_port}
crm:
  url: http://crm.localhost:{crm_port}
  listen: 127.0.0.1:{crm_port}
  upstream: {upstream}
  profile: tryton
  database: crm
mail:
  host: 127.0.0.1
  port: {mail_port}
  starttls: false
  sender: torwart@firma.example
  recipients: [leitung@firma.example]
outside:
  folders: [{outside}]
"""
OUTSIDE = "outside"
"""Beside the state folder: stands for a share of another machine. `torwart events verify` compares with what lies in it."""
_PROXY = """\
proxy:
  listen: 127.0.0.1:{proxy_port}
  allow: [cloud.localhost:{cloud_port}]
  destinations: {{cloud.localhost: cloud}}
"""
_ROLES: Mapping[Role, tuple[str, ...]] = {
    Role.MANAGER: ("manager",),
    Role.OWNER: ("owner", "admin"),
    Role.HEAD_OF_SALES: ("head_of_sales",),
    Role.ACCOUNTANT: ("accountant",),
}


@dataclass(slots=True)
class Firm:
    """A running demo's installation."""

    folder: Path
    config: Path
    installation: Installation
    mailbox: Path
    rest_key: str = ""
    """Manager A's key of the REST interface, made long ago and bound to A by an administrator."""
    canaries: tuple[str, ...] = ()
    """Contact values of the CRM that no held or denied answer may hold."""

    @property
    def crm_url(self) -> str:
        return self.installation.crm_url

    @property
    def torwart_url(self) -> str:
        return self.installation.torwart_url

    def open_alerts(self) -> list[Alert]:
        """Alerts that nobody has closed."""
        with self._database() as engine:
            return Alerts(engine, _nothing).open_ones()

    def released(self, act_id: str) -> int:
        """How many clients the record says went out in this act."""
        found = self._events(act_id)
        return sum(
            document["torwart"]["clients"]["taken_count"] for document in found if document["torwart"]["act"].get("phase") == "released"
        )

    def acts(self, phase: str, action: str, channel: str) -> list[Mapping[str, Any]]:
        """Acts of this kind in the record, the newest first."""
        log = Log.open(self.installation.state / "log")
        try:
            found = search(log, action=EventAction.ACCESS, phase=phase, newest_first=True, limit=200)
        finally:
            log.close()
        ours = [(logged.document, logged.document["torwart"]) for logged in found]
        return [document for document, facts in ours if (facts["act"]["action"], facts["channel"]) == (action, channel)]

    def problems(self) -> list[str]:
        """What the verification of the whole record finds."""
        log = Log.open(self.installation.state / "log")
        try:
            return [str(problem) for problem in log.verify(*readers(self.installation.state / "spool"))]
        finally:
            log.close()

    def set_status(self, account: str, status: str) -> None:
        """Change a person's employment status, as an administrator does at the command line. Raises DemoError."""
        self.torwart("people", "status", account, status)

    def torwart(self, *words: str) -> str:
        """Run a `torwart` command on this installation; what it printed. Raises DemoError."""
        command = [sys.executable, "-m", "console.cli", *words, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode not in (0, 1):
            raise DemoError(f"torwart {' '.join(words[:2])} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def summary(self, act_id: str) -> Summary:
        """What an act asks its person to sign. Raises DemoError."""
        with self._database() as engine, reading(engine) as session:
            act = session.get(Act, act_id)
            if act is None:
                raise DemoError(f"there is no act {act_id}")
            return Summary.of(act)

    def _events(self, act_id: str) -> list[Mapping[str, Any]]:
        log = Log.open(self.installation.state / "log")
        try:
            return [logged.document for logged in search(log, act=act_id, limit=100)]
        finally:
            log.close()

    @contextmanager
    def _database(self) -> Iterator[Engine]:
        engine = open_sealed(self.installation.database, self.installation.state)
        try:
            yield engine
        finally:
            engine.dispose()


def configure(
    folder: Path, *, crm_port: int, torwart_port: int, upstream: str, mail_port: int, outside: tuple[int, int] | None = None
) -> Firm:
    """Write the configuration of this run; the state folder is kept if there is one.

    `outside`: the ports of the forward proxy and of the private cloud; None: there is no proxy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    config = folder / "torwart.yaml"
    ports = {"crm_port": crm_port, "torwart_port": torwart_port, "mail_port": mail_port}
    (folder / OUTSIDE).mkdir(exist_ok=True)
    text = _CONFIG.format(folder=folder, outside=folder / OUTSIDE, upstream=upstream, **ports)
    if outside is not None:
        text += _PROXY.format(proxy_port=outside[0], cloud_port=outside[1])
    config.write_text(text, encoding="utf-8")
    installation, _ = load_installation(config)
    notes = folder / "firm.json"
    known = json.loads(notes.read_text(encoding="utf-8")) if notes.is_file() else {}
    return Firm(folder, config, installation, folder / "mailbox", **known)


def found(firm: Firm, crm: RunningCrm, keyring: KeyringClient) -> None:
    """Put people, accounts, books, keys and A's REST key into a new installation, by the roads that an administrator has."""
    state = firm.installation.state
    mark_demo(state)
    engine = open_sealed(firm.installation.database, state)
    spool = Spool.open(state / "spool" / "cli", "cli")
    try:
        pseudonyms = Pseudonyms(secret(state / "keys", "pseudonym.key"))
        people = People(engine, spool.append, pseudonyms)
        keys = Keys(engine, spool.append, firm.installation.rp_id, firm.installation.origin, RowSeal.of(state))
        # The owner first: where a sign-in names no key, the keyring answers with the one that was made first.
        for person in sorted(PEOPLE, key=lambda person: person is not OWNER):
            row = people.add(person.name, person.email, _ROLES[person.role], person.language, [person.login])
            token = keys.issue_token(row.id, None, demo=True)
            options, _ = keys.begin_registration(token)
            keys.complete_registration(token, keyring.touch("create", options, firm.installation.origin), "Demo")
        table = firm.folder / "assignment.csv"
        write_assignment(table, crm.party_ids)
        Assignments(engine, spool.append).import_csv(table)
    finally:
        spool.close()
        engine.dispose()
    _bind_rest_key(firm, crm)
    with crm.log_in(OWNER.login) as direct:
        rows = direct.call("model.party.party.export_data_domain", [], ["email"], 0, None, None, False, {})
    firm.canaries = tuple(str(row[0]) for row in rows if row[0])
    notes = firm.folder / "firm.json"
    notes.touch(mode=0o600)
    notes.write_text(json.dumps({"rest_key": firm.rest_key, "canaries": firm.canaries}), encoding="utf-8")


def index_clients(firm: Firm, crm: RunningCrm) -> None:
    """Read the whole client base into the index, by the command that an administrator types. Raises DemoError."""
    password = firm.folder / "admin.password"
    password.touch(mode=0o600)
    password.write_text(crm.passwords["admin"], encoding="utf-8")
    try:
        firm.torwart("index", "build", "--account", "admin", "--password-file", str(password), "--json")
    finally:
        password.unlink()


def _bind_rest_key(firm: Firm, crm: RunningCrm) -> None:
    """A's key of the REST interface was made long ago, at the CRM itself; an administrator says whose it is."""
    firm.rest_key = crm.rest_key(ANNA.login)
    path = firm.folder / "rest.key"
    path.touch(mode=0o600)
    path.write_text(firm.rest_key, encoding="utf-8")
    firm.torwart("people", "bind", ANNA.login, "--api-key-file", str(path))
    path.unlink()


def _nothing(_event: Event) -> None:
    """Reading records nothing."""
