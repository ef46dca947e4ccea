"""Chromium with a key of its own, and axe-core: real parts that tests of pages use.

A module that uses `chromium` has no async tests: Playwright's own loop runs in its thread until the module ends.
"""

import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.services.require import missing
from tests.services.tryton import cache_folder

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--lang=de-DE")
AXE = "axe-core@4"
expect.set_options(timeout=20_000)
"""Milliseconds: two browsers and two CRMs may share the machine. What comes at once is waited for no longer."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window, ended with the module."""
    if not CHROMIUM.exists():
        missing("chromium", f"{CHROMIUM} does not exist")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        except Error as error:
            missing("chromium", str(error).splitlines()[0])
        yield browser
        browser.close()


_PLUGGED: WeakKeyDictionary[Page, "VirtualKey"] = WeakKeyDictionary()
"""Which key is in which page."""


@dataclass
class VirtualKey:
    """One hardware key, plugged into one page after the other: a virtual authenticator belongs to a single page (`step-up.md`).

    A page has one key at a time. With two, Chromium lets either answer, and a test is green or red by chance.
    """

    user_verified: bool = True
    kind: dict[str, Any] = field(default_factory=dict)
    """What is other than of an ordinary key: options of the virtual authenticator (Chrome DevTools Protocol, WebAuthn)."""
    _credentials: list[dict[str, Any]] = field(default_factory=list)
    _where: tuple[Any, str] | None = None
    _page: Page | None = None

    def plug_into(self, page: Page) -> None:
        """The key answers on this page from now on, with everything that is registered on it; another key must be pulled before."""
        self.pull()
        other = _PLUGGED.get(page)
        assert other is None, "another key is plugged into this page: pull it first, or Chromium asks either of them"
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": self.user_verified,
            "automaticPresenceSimulation": True,
            **self.kind,
        }
        authenticator = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
        for credential in self._credentials:
            session.send("WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": credential})
        self._where, self._page = (session, authenticator), page
        _PLUGGED[page] = self
        page.bring_to_front()

    def pull(self) -> None:
        """Take the key out; it remembers its credentials and counters."""
        if self._where is None:
            return
        session, authenticator = self._where
        self._where = None
        if self._page is not None:
            _PLUGGED.pop(self._page, None)
        try:
            self._credentials = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        except Error:
            return  # the page has closed: what it signed last is not known, its counter starts again from what was
        session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})

    def count_on(self, touches: int) -> None:
        """Count touches that a page took along when it closed itself: the next one must be higher than what the server has seen."""
        for credential in self._credentials:
            credential["signCount"] += touches

    def remember(self) -> None:
        """Note the counters while the page is still there: a popup that closes itself takes its authenticator along."""
        if self._where is not None:
            session, authenticator = self._where
            self._credentials = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]


@pytest.fixture
def virtual_key() -> VirtualKey:
    return VirtualKey()


@cache
def _axe() -> str:
    npm = which("npm")
    if npm is None:
        missing("axe-core", "npm is not installed")
    folder = cache_folder() / "axe"
    script = folder / "package" / "axe.min.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, check=False, timeout=180)
        packed = sorted(folder.glob("axe-core-*.tgz"))
        if done.returncode or not packed:
            missing("axe-core", f"npm could not fetch it: {done.stderr.strip()[:200]}")
        with tarfile.open(packed[-1]) as archive:
            archive.extract("package/axe.min.js", folder, filter="data")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def axe() -> Callable[..., list[str]]:
    """What axe-core finds on a page, as lines; [] when it finds nothing. It runs beside the page: the page's CSP stays as it is.

    With a selector it looks into that element only, and into its shadow root: the rest of a CRM's page is not ours.
    """
    source = _axe()

    def check(page: Page, within: str = "html") -> list[str]:
        page.evaluate(source)
        found = page.evaluate("within => axe.run(document.querySelector(within), {resultTypes: ['violations']})", within)
        return [
            f"{page.url} {violation['id']}: {violation['help']} at {node['target']} {node.get('failureSummary', '')[:200]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return check
