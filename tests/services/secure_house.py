"""Torwart as a firm has it: `torwart up` before real Tryton, https on both hosts, certificates of a private authority that browsers trust.

The names are no loopback names. Chromium is told their addresses by its own resolver rules, and trusts the authority through the NSS
database of its user (`certutil` of Debian's `libnss3-tools`), as an administrator of Linux desks sets it up.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from deploy.demo.crm import PreparedCrm, RunningCrm, start
from deploy.demo.people import book_of
from deploy.demo.tryton_process import free_port
from tests.services.browser import ARGUMENTS, CHROMIUM
from tests.services.certificates import Authority
from tests.services.require import missing
from tests.services.waiting import until_it_listens

ROOT = Path(__file__).parents[2]
TORWART, CRM = "torwart.firma.example", "crm.firma.example"
_CONFIG = """\
state: state
torwart:
  url: https://{torwart}:{torwart_port}
  listen: 127.0.0.1:{torwart_port}
  certificate: {torwart_files[0]}
  key: {torwart_files[1]}
crm:
  url: https://{crm}:{crm_port}
  listen: 127.0.0.1:{crm_port}
  certificate: {crm_files[0]}
  key: {crm_files[1]}
  upstream: {upstream}
  profile: tryton
  database: crm
"""


@dataclass(frozen=True)
class SecureHouse:
    """The running installation."""

    folder: Path
    authority: Authority
    crm: RunningCrm
    torwart_port: int
    crm_port: int

    @property
    def torwart_url(self) -> str:
        return f"https://{TORWART}:{self.torwart_port}"

    @property
    def crm_url(self) -> str:
        return f"https://{CRM}:{self.crm_port}"

    @property
    def resolver_rules(self) -> str:
        """For Chromium: where both names are."""
        return f"MAP {TORWART} 127.0.0.1, MAP {CRM} 127.0.0.1"

    def torwart(self, *words: str) -> Any:
        """Run a command as an administrator does; what it says in JSON."""
        command = [sys.executable, "-m", "console.cli", *words, "--config", str(self.folder / "torwart.yaml"), "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def book(self, login: str) -> list[int]:
        """Ids of this manager's own clients."""
        return book_of(login, self.crm.party_ids)

    def link(self, login: str) -> str:
        """A one-time link for this person's next key."""
        return str(self.torwart("people", "token", login)["link"])


@pytest.fixture(scope="module")
def secure_house(prepared_tryton: PreparedCrm, tryton_web_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureHouse]:
    """With an owner and a manager who has clients; nobody has a key yet."""
    folder = tmp_path_factory.mktemp("secure")
    folder.chmod(0o700)
    authority = Authority(folder)
    crm = start(prepared_tryton, folder / "tryton")
    house = SecureHouse(folder, authority, crm, free_port(), free_port())
    files = {"torwart_files": authority.issue(TORWART, folder=folder), "crm_files": authority.issue(CRM, folder=folder)}
    ports = {"torwart_port": house.torwart_port, "crm_port": house.crm_port}
    text = _CONFIG.format(torwart=TORWART, crm=CRM, upstream=crm.base_url, **ports, **files)
    (folder / "torwart.yaml").write_text(text, encoding="utf-8")
    house.torwart("people", "add", "Oskar Brandt", "oskar@firma.example", "--role", "owner", "--account", "oskar")
    house.torwart("people", "add", "Boris Hartwig", "boris@firma.example", "--role", "manager", "--account", "boris")
    _assign(house, folder / "clients.csv")
    command = [sys.executable, "-m", "console.cli", "up", "--config", str(folder / "torwart.yaml")]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)
    try:
        for port in (house.torwart_port, house.crm_port):
            until_it_listens(process, port, folder / "said")
        yield house
    finally:
        process.terminate()
        process.wait(20)
        crm.stop()
        print((folder / "said").read_text(encoding="utf-8"))  # shown with a failure


def _assign(house: SecureHouse, table: Path) -> None:
    own = set(house.book("boris"))
    with table.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("client_id", "person"))
        rows.writerows((client, "boris" if client in own else "") for client in sorted(house.crm.party_ids.values()))
    house.torwart("people", "assign", str(table))


def trusting(browser_home: Path, authority: Authority) -> None:
    """Make a user's NSS database that trusts the authority."""
    certutil = shutil.which("certutil")
    if certutil is None:
        missing("certutil", "libnss3-tools is not installed")
    database = browser_home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for words in (("-N", "--empty-password"), ("-A", "-t", "C,,", "-n", "Torwart's tests", "-i", str(authority.file))):
        subprocess.run([certutil, "-d", f"sql:{database}", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def trusting_chromium(secure_house: SecureHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose user trusts the private authority, and that knows where both hosts are."""
    if not CHROMIUM.exists():
        missing("chromium", f"{CHROMIUM} does not exist")
    home = tmp_path_factory.mktemp("home")
    trusting(home, secure_house.authority)
    with sync_playwright() as playwright:
        browser = _launch(playwright, home, (*ARGUMENTS, f"--host-resolver-rules={secure_house.resolver_rules}"))
        yield browser
        browser.close()


def _launch(playwright: Playwright, home: Path, arguments: Sequence[str]) -> Browser:
    environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(home)}
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(arguments), env=environment)
