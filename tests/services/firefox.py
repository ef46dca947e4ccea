"""Debian's Firefox, driven by its own protocol: Marionette, JSON over a socket. It has virtual keys of WebDriver, as Chromium has.

Nothing is installed for it but the browser: there is no geckodriver in Debian 12, and Playwright drives only a Firefox of its own.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.demo.tryton_process import free_port
from tests.services.certificates import Authority
from tests.services.require import missing
from tests.services.waiting import until, until_it_listens

_PREFERENCES: dict[str, str | bool | int] = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "intl.accept_languages": "de-DE,de",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "security.webauth.webauthn_enable_softtoken": True,
    "security.webauth.webauthn_enable_usbtoken": False,
    "security.webauthn.always_allow_direct_attestation": True,  # else it asks the person, in a window of its own
    "toolkit.telemetry.enabled": False,
}
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""How WebDriver marks an element (WebDriver, section 12.1)."""
_SECONDS = 60.0


class FirefoxError(Exception):
    """The browser said no."""


class Firefox:
    """One window of a running Firefox."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        self._read()  # who it is
        self._number = 0
        self("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})

    def __call__(self, command: str, **parameters: Any) -> Any:
        """Send a command and give its value. Raises FirefoxError."""
        self._number += 1
        data = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(str(len(data)).encode() + b":" + data)
        _, _, error, value = self._read()
        if error is not None:
            raise FirefoxError(f"{command}: {error['error']}: {error['message'][:300]}")
        return value["value"] if isinstance(value, dict) and set(value) == {"value"} else value

    def go(self, address: str) -> None:
        self("WebDriver:Navigate", url=address)

    def address(self) -> str:
        return str(self("WebDriver:GetCurrentURL"))

    def run(self, script: str) -> Any:
        """What a script of the page returns."""
        return self("WebDriver:ExecuteScript", script=script, args=[])

    def click(self, selector: str) -> None:
        """Click an element as soon as it can be clicked."""
        until(lambda: self.run(f"const e = document.querySelector({json.dumps(selector)}); return !!e && !e.disabled"), what=selector)
        found = self("WebDriver:FindElement", using="css selector", value=selector)
        self("WebDriver:ElementClick", id=found[_ELEMENT])

    def text(self, selector: str) -> str:
        return str(self.run(f"return document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def plug_in_a_key(self) -> None:
        """A virtual key with PIN that its owner touches at once."""
        self(
            "WebAuthn:AddVirtualAuthenticator",
            protocol="ctap2",
            transport="usb",
            hasResidentKey=True,
            hasUserVerification=True,
            isUserConsenting=True,
            isUserVerified=True,
        )

    def prefer(self, name: str, value: bool) -> None:
        """Change a preference of the browser."""
        self("Marionette:SetContext", value="chrome")
        self.run(f"Services.prefs.setBoolPref({json.dumps(name)}, {json.dumps(value)})")
        self("Marionette:SetContext", value="content")

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._some(1)
        wanted, data = int(size[:-1]), b""
        while len(data) < wanted:
            data += self._some(wanted - len(data))
        return json.loads(data)

    def _some(self, most: int) -> bytes:
        data = self._socket.recv(most)
        if not data:
            raise FirefoxError("it has ended")
        return data


@contextmanager
def running_firefox(folder: Path, authority: Authority, *hosts: str) -> Iterator[Firefox]:
    """A Firefox without a window that trusts the authority and finds these hosts on this machine; skips the test where there is none."""
    program, certutil = shutil.which("firefox-esr"), shutil.which("certutil")
    if program is None or certutil is None:
        missing("firefox", "firefox-esr or certutil (libnss3-tools) is not installed")
    profile, port, said = folder / "profile", free_port(), folder / "firefox.log"
    profile.mkdir()
    for words in (("-N", "--empty-password"), ("-A", "-t", "C,,", "-n", "Torwart's tests", "-i", str(authority.file))):
        subprocess.run([certutil, "-d", f"sql:{profile}", *words], check=True, capture_output=True)
    preferences = {**_PREFERENCES, "marionette.port": port, "network.dns.localDomains": ",".join(hosts)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    with said.open("wb") as log:
        command = [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
    try:
        until_it_listens(process, port, said)
        browser = Firefox(port)
        yield browser
        browser.close()
    finally:
        process.terminate()
        process.wait(20)
