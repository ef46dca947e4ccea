"""The console's sections of the configuration file: `torwart:`, `mail:`, `webhook:` and `elastic:`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from auth.installation import ELASTIC_URL, Sections, elastic_addresses
from auth.listening import Listening


class TorwartSettings(Listening):
    """Torwart's own host: the relying party of every key, the console, the ceremony."""

    url: str
    """What people type, for example `https://torwart.firma.example`; its one spelling is `Installation.torwart_url`."""
    listen: str = "127.0.0.1:8401"
    """Address and port that the console listens on."""
    certificate: Path | None = None
    """PEM chain of that name; may be left out only for names ending in `.localhost`."""
    key: Path | None = None


class MailSettings(BaseModel):
    """Where alert mails go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: int = Field(default=587, ge=1, le=65_535)
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1)
    starttls: bool = True
    user: str | None = None
    password_file: Path | None = None
    """File with the password alone, readable by Torwart only; a password never stands in the configuration."""


class WebhookSettings(BaseModel):
    """Where signed alert messages are posted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise ValueError("must be an http(s) address without user or password")
        return value


class ElasticSettings(BaseModel):
    """Where events are shipped to, so that they can be searched and kept beside everything else that a company logs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: tuple[str, ...] = Field(min_length=1)
    """Address of Elasticsearch 8.19 or later, or a list of them; https, or http on this machine alone."""
    user: str | None = None
    """Who adds events, and may do nothing else (role `torwart_writer` of `deploy/elasticsearch/roles.yml`)."""
    password_file: Path | None = None
    api_key_file: Path | None = None
    """Instead of user and password: the key as Elasticsearch shows it once, encoded."""
    ca: Path | None = None
    """PEM file of the authority that signed Elasticsearch's certificate, believed instead of the system's."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files of a certificate of Torwart's own, where Elasticsearch wants one."""
    reader_user: str | None = None
    """Who searches and looks whether what was sent is there (role `torwart_reader`)."""
    reader_password_file: Path | None = None
    reader_api_key_file: Path | None = None

    @field_validator("url", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _safe_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_safe_address(url) for url in value)

    @model_validator(mode="after")
    def _whole_identities(self) -> Self:
        _whole("", self.user, self.password_file, self.api_key_file)
        _whole("reader_", self.reader_user, self.reader_password_file, self.reader_api_key_file)
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: name both PEM files or neither")
        if self.has_reader and not self.has_writer:
            raise ValueError("a reader without a writer ships nothing: name user and password_file (or api_key_file) too")
        return self

    @property
    def has_writer(self) -> bool:
        """False where the server asks nobody who he is."""
        return self.user is not None or self.api_key_file is not None or self.certificate is not None

    @property
    def has_reader(self) -> bool:
        return self.reader_user is not None or self.reader_api_key_file is not None


def elastic_settings(sections: Sections, environment: Mapping[str, str]) -> ElasticSettings | None:
    """The section, with the address of the environment if it has one; None if neither is there. Raises ConfigError."""
    if not environment.get(ELASTIC_URL, "").strip(", "):
        return sections.parse("elastic", ElasticSettings) if "elastic" in sections else None
    addresses = elastic_addresses(sections, environment)
    section = sections.get("elastic")
    members = dict(section) if isinstance(section, Mapping) else {}
    return Sections(sections.path, {"elastic": members | {"url": addresses}}, sections.lines).parse("elastic", ElasticSettings)


def _whole(prefix: str, user: str | None, password_file: Path | None, api_key_file: Path | None) -> None:
    if (user is None) != (password_file is None):
        raise ValueError(f"{prefix}user and {prefix}password_file belong together: name both or neither")
    if user is not None and api_key_file is not None:
        raise ValueError(f"{prefix}user and {prefix}api_key_file are two identities: keep one")


def _safe_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError("must be an address such as https://elastic.firma.example:9200") from None
    if not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://elastic.firma.example:9200, without user, password or query")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise ValueError("must be https: only a server on this machine may be spoken to without TLS")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
