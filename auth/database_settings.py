"""The section `database` of the configuration: where people, keys, acts, alerts and the central log are, if not in files of SQLite."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from audit_store.database import Server
from auth.config_file import Sections

DRIVER = "postgresql+psycopg"
_QUERY = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey"})
"""Parameters of the address that make sense here; all others we set ourselves (`audit_store.engines`)."""


class DatabaseSettings(BaseModel):
    """A PostgreSQL that the gateways of several machines share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """`postgresql+psycopg://torwart@db.firma.example/torwart`; no password. TLS is `verify-full` unless the server is on this machine."""
    password_file: Path | None = None
    """File with the password alone, readable by Torwart only; else TORWART_DATABASE_PASSWORD in the environment, or a certificate."""
    ca: Path | None = None
    """PEM file of the authority that signed the server's certificate, believed instead of the system's."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError(f"must be an address such as {DRIVER}://torwart@db.firma.example/torwart") from None
        if url.drivername != DRIVER or not url.database or not url.username:
            raise ValueError(f"must be an address such as {DRIVER}://torwart@db.firma.example/torwart")
        if url.password is not None:
            raise ValueError("must not hold a password: put it into a file and name it as password_file")
        if unknown := sorted(set(url.query) - _QUERY):
            raise ValueError(f"has parameters that are not known here: {', '.join(unknown)}")
        if not _is_here(url) and url.query.get("sslmode", "verify-full") not in ("verify-full", "verify-ca"):
            raise ValueError("must use TLS with a checked certificate: leave sslmode out, or say verify-full")
        return value

    def server(self) -> Server:
        """The address as the driver is given it."""
        url = make_url(self.url)
        if not _is_here(url):
            defaults = {"sslmode": "verify-full", "sslrootcert": str(self.ca) if self.ca else "system"}
            url = url.set(query=defaults | dict(url.query))
        return Server(url.render_as_string(hide_password=False), self.password_file)


def database_server(sections: Sections) -> Server | None:
    """The server that the section names, or the address alone if it is one; None: SQLite. Raises ConfigError."""
    section: Any = sections.get("database")
    if section is None:
        return None
    if isinstance(section, str):
        sections = Sections(sections.path, {"database": {"url": section}}, sections.lines)
    return sections.parse("database", DatabaseSettings).server()


def _is_here(url: URL) -> bool:
    """A socket in the file system, or a loopback address: nobody is between."""
    socket = url.query.get("host")
    if url.host is None:
        return isinstance(socket, str) and socket.startswith("/")
    if socket is not None:
        return False
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"
