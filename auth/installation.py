"""The one configuration file and the state folder: what all processes of an installation share, read with all faults at once.

Sections of one process are handed on to its own model (`Sections.parse`).
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from audit_store.database import Server
from auth.config_file import ConfigError, Faults, Sections, meant, read_config
from auth.database_settings import database_server
from auth.key_settings import KeySettings
from auth.outside import OutsidePlaces, OutsideSettings, read_outside
from auth.privacy_settings import PrivacySettings
from auth.record_settings import RecordSettings
from auth.recovery_settings import RecoverySettings
from auth.retention_settings import RetentionSettings, read_retention
from auth.session_settings import SessionSettings
from auth.sole_reviewer import SoleReviewer
from auth.template import template

__all__ = [
    "ConfigError",
    "Installation",
    "Sections",
    "check_rights",
    "check_state",
    "is_demo",
    "load_installation",
    "mark_demo",
    "template",
]

type Language = Literal["de", "en"]
type Names = Literal["shown", "pseudonyms"]

SECTIONS = (
    "state",
    "language",
    "names",
    "machine",
    "database",
    "torwart",
    "crm",
    "proxy",
    "mail",
    "webhook",
    "elastic",
    "outside",
    "record",
    "sessions",
    "keys",
    "recovery",
    "retention",
    "sole_reviewer",
    "privacy",
)
_PATHS = {
    "database": ("password_file", "ca"),
    "torwart": ("certificate", "key"),
    "crm": ("certificate", "key"),
    "proxy": ("trusted",),
    "mail": ("password_file",),
    "elastic": (
        *("ca", "certificate", "key", "password_file", "api_key_file"),
        *("reader_password_file", "reader_api_key_file", "reader_certificate", "reader_key"),
    ),
}
"""Members that name files; relative ones start at the folder of the configuration file."""
ELASTIC_URL = "TORWART_ELASTIC_URL"
"""In the environment: takes the place of `elastic.url`; several with commas between them."""
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
"""Host names of RFC 1123, section 2.1, in lower case; other scripts in their `xn--` form."""
_MACHINE = re.compile(r"[a-z][a-z0-9]{0,15}")
"""Without a hyphen, so that no name of a producer can be read in two ways."""
_DEMO_MARK = "demo"
"""Name of the file that marks the demo's state folder."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What gateway, console and command line agree on."""

    state: Path
    """Folder of everything that is kept; 0700."""
    torwart_url: str
    """Torwart's own host: scheme, host and port, without a slash at the end."""
    crm_url: str
    """What people type for the CRM: the gateway's address, in the same form."""
    language: Language = "de"
    """For people who are not known."""
    names: Names = "shown"
    """Whether pages show names or pseudonyms (law 11)."""
    server: Server | None = None
    """The PostgreSQL that several machines share; None: files of SQLite in `state`."""
    machine: str | None = None
    """This machine's name among those that share the server."""
    outside: OutsidePlaces = field(default_factory=lambda: OutsidePlaces(OutsideSettings()))
    record: RecordSettings = field(default_factory=RecordSettings)
    """Where signed statements about the record go."""
    sessions: SessionSettings = field(default_factory=SessionSettings)
    keys: KeySettings = field(default_factory=KeySettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    sole_reviewer: SoleReviewer | None = None
    """What stands for the second person in a firm that has none; None: such things wait."""

    @property
    def database(self) -> Path | Server:
        """Where people, keys, acts, alerts and manifests are, for `audit_store.database.open_database`."""
        return self.server or self.state / "torwart.db"

    @property
    def log(self) -> Path | Server:
        """Where the central log is, for `audit_store.log.Log.open`."""
        return self.server or self.state / "log"

    def producer(self, process: str) -> str:
        """The name under which a process of this machine records events, and of its folder in `state/spool`: one chain, one writer."""
        return f"{process}-{self.machine}" if self.machine else process

    def spool(self, process: str) -> Path:
        """The folder of that process's spool."""
        return self.state / "spool" / self.producer(process)

    @property
    def rp_id(self) -> str:
        """Relying party id of all keys: Torwart's host. Changing it voids every key (`step-up.md`)."""
        return urlsplit(self.torwart_url).hostname or ""

    @property
    def origin(self) -> str:
        """The only origin whose signatures are accepted."""
        return self.torwart_url

    @property
    def crm_origin(self) -> str:
        """Origin of the CRM's pages."""
        return self.crm_url


def load_installation(path: Path) -> tuple[Installation, Sections]:
    """Read the configuration file. Raises ConfigError with all faults at once, each as `file:line: what is wrong — what to do`."""
    sections = read_config(path)
    faults = Faults(sections)
    for name in sections:
        if name not in SECTIONS:
            faults.add(f"{name!r} is not known{meant(str(name), SECTIONS)}", name)
    torwart = _host(faults, "torwart")
    crm = _host(faults, "crm")
    if torwart and crm:
        _apart(faults, urlsplit(torwart).hostname or "", urlsplit(crm).hostname or "")
    for name in ("mail", "webhook", "elastic"):
        if name in sections and not isinstance(sections[name], Mapping):
            faults.add(f"{name} must be a section with members of its own, or be left out", name)
    state = faults.text("state", "state")
    language = faults.one_of("language", ("de", "en"))
    names = faults.one_of("names", ("shown", "pseudonyms"))
    machine = _machine(faults)
    for section, members in _PATHS.items():
        for member in members:
            _locate(sections, section, member)
    faults.raise_all()
    folder = (path.parent / Path(state).expanduser()).absolute()
    outside = read_outside(sections, folder)
    record = sections.parse("record", RecordSettings)
    server = database_server(sections)
    sessions = sections.parse("sessions", SessionSettings)
    keys = sections.parse("keys", KeySettings)
    recovery = sections.parse("recovery", RecoverySettings)
    retention = read_retention(sections, record)
    privacy = sections.parse("privacy", PrivacySettings)
    sole = sections.parse("sole_reviewer", SoleReviewer) if "sole_reviewer" in sections else None
    parts = (outside, record, sessions, keys, recovery, retention, privacy, sole)
    installation = Installation(folder, torwart, crm, language, names, server, machine, *parts)  # type: ignore[arg-type] # one_of has checked both
    return installation, sections


def check_rights(state: Path) -> None:
    """Nobody but us may read or write the state folder (attacks X12): folders 0700, files 0600, all ours, no links.

    Raises ConfigError that names each file and the command to type. A folder that does not exist yet is made.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    errors: list[str] = []
    for path in [state, *sorted(state.rglob("*"))]:
        try:
            facts = path.lstat()
        except FileNotFoundError:
            continue  # a database's side file, gone since the listing
        if stat.S_ISLNK(facts.st_mode):
            errors.append(f"{path}: is a link — move the real file here")
        elif facts.st_uid != os.geteuid():
            errors.append(f"{path}: belongs to another user — chown {os.geteuid()} {path}")
        elif stat.S_IMODE(facts.st_mode) & 0o077:
            right = "700" if stat.S_ISDIR(facts.st_mode) else "600"
            errors.append(f"{path}: others may use it (rights {stat.S_IMODE(facts.st_mode):o}) — chmod {right} {path}")
    if errors:
        raise ConfigError(errors)


def check_state(state: Path, *, demo: bool = False) -> None:
    """`check_rights`, and the demo's state folder is for the demo alone (attacks X17). Raises ConfigError."""
    check_rights(state)
    if is_demo(state) and not demo:
        raise ConfigError([f"{state}: this state folder belongs to the demo — choose another under `state:`"])


def mark_demo(state: Path) -> None:
    """Mark a state folder as the demo's, for ever: `torwart up` refuses it (attacks X17)."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state / _DEMO_MARK).touch(mode=0o600)


def is_demo(state: Path) -> bool:
    """True for a state folder of the demo."""
    return os.path.lexists(state / _DEMO_MARK)


def _machine(faults: Faults) -> str | None:
    """The machine's name; it must have one where others record beside it."""
    name = faults.sections.get("machine")
    if name is None:
        if faults.sections.get("database") is not None:
            faults.add(
                "machine is missing — with a shared database every machine has a name of its own, for example `machine: north`", "database"
            )
        return None
    if not isinstance(name, str) or not _MACHINE.fullmatch(name):
        faults.add("machine must be lower-case letters and digits, at most 16, for example `machine: north`", "machine")
        return None
    return name


def _host(faults: Faults, section: str) -> str:
    """The address of one of the two hosts in its one spelling; empty if it is faulty."""
    members = faults.sections.get(section)
    if not isinstance(members, Mapping):
        faults.add(f"the section {section} is missing — `torwart init` writes an example", section)
        return ""
    url = members.get("url")
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        port = parts.port if parts else None
    except ValueError:
        parts = None
    host = parts.hostname or "" if parts else ""
    if parts is None or parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.password is not None:
        faults.add(f"{section}.url must be an address such as https://{section}.firma.example", section, "url")
        return ""
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        faults.add(f"{section}.url names a host, without path, query or fragment — leave out what follows the host", section, "url")
    if _is_address(host):
        faults.add(
            f"{section}.url names an IP address — keys and certificates need a host name (WebAuthn knows no IP address)", section, "url"
        )
        return ""
    if not _HOST.fullmatch(host):
        faults.add(f"{section}.url names no valid host — letters, digits, `-` and dots; other scripts in their xn-- form", section, "url")
        return ""
    local = host.endswith(".localhost")
    if parts.scheme == "http" and not local:
        faults.add(f"{section}.url must be https — browsers give no key to http, but for names ending in .localhost", section, "url")
    _certificate(faults, section, members, needed=not local)
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def _certificate(faults: Faults, section: str, members: Mapping[str, Any], *, needed: bool) -> None:
    for member in ("certificate", "key"):
        value = members.get(member)
        if value is None:
            other = members.get("key" if member == "certificate" else "certificate")
            if needed or other is not None:
                faults.add(f"{section}.{member} is missing — name the PEM file of this host's {member}", section)
        elif not isinstance(value, str) or not (faults.sections.path.parent / Path(value).expanduser()).is_file():
            faults.add(f"{section}.{member} names no file — put the PEM file there or correct the name", section, member)


def _apart(faults: Faults, torwart: str, crm: str) -> None:
    if torwart == crm:
        faults.add(
            "torwart.url and crm.url name the same host — Torwart needs a host name of its own, or the CRM's pages could use the keys",
            "torwart",
            "url",
        )
    elif crm.endswith("." + torwart):
        faults.add(
            "crm.url lies below Torwart's host — browsers let it use Torwart's keys; give the CRM a name beside Torwart's, not under it",
            "crm",
            "url",
        )


def _is_address(host: str) -> bool:
    """IPv4, IPv6, and what browsers read as IPv4: a name whose last label is a number (WHATWG URL, section 3.5)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
    return True


def _locate(sections: Sections, section: str, member: str) -> None:
    members = sections.get(section)
    if isinstance(members, dict) and isinstance(members.get(member), str):
        members[member] = str((sections.path.parent / Path(members[member]).expanduser()).absolute())


def elastic_addresses(sections: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Where Elasticsearch is: by the environment (`ELASTIC_URL`), else by the section; empty if nobody says."""
    named = [url.strip() for url in environment.get(ELASTIC_URL, "").split(",") if url.strip()]
    if named:
        return named
    section = sections.get("elastic")
    url = section.get("url") if isinstance(section, Mapping) else None
    return [url] if isinstance(url, str) else [str(one) for one in url or ()]
