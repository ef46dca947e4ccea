"""The console's sections of the configuration file: `torwart:`, `webhook:` and `elastic:`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from auth.installation import ELASTIC_URL, ConfigError, Sections, elastic_addresses
from auth.listening import Listening

ELASTIC_SECRETS: Mapping[str, str] = MappingProxyType(
    {
        "password": "TORWART_ELASTIC_PASSWORD",
        "api_key": "TORWART_ELASTIC_API_KEY",
        "reader_password": "TORWART_ELASTIC_READER_PASSWORD",
        "reader_api_key": "TORWART_ELASTIC_READER_API_KEY",
    }
)
"""Member of the section `elastic` -> its variable in the environment: it stands there or in a file, never in the configuration."""


class TorwartSettings(Listening):
    """Torwart's own host: the relying party of every key, the console, the ceremony."""

    url: str
    """What people type, for example `https://torwart.firma.example`; its one spelling is `Installation.torwart_url`."""
    listen: str = "127.0.0.1:8401"
    """Address and port that the console listens on."""
    certificate: Path | None = None
    """PEM chain of that name; may be left out only for names ending in `.localhost`."""
    key: Path | None = None


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
    password: SecretStr | None = None
    """Only in the environment (`TORWART_ELASTIC_PASSWORD`), instead of the file."""
    api_key: SecretStr | None = None
    """Only in the environment (`TORWART_ELASTIC_API_KEY`), instead of the file."""
    ca: Path | None = None
    """PEM file of the authority that signed Elasticsearch's certificate, believed instead of the system's."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files of a certificate of Torwart's own, where Elasticsearch wants one; alone, it is the writer's log-in (PKI realm)."""
    reader_user: str | None = None
    """Who searches and looks whether what was sent is there (role `torwart_reader`)."""
    reader_password_file: Path | None = None
    reader_api_key_file: Path | None = None
    reader_password: SecretStr | None = None
    """Only in the environment (`TORWART_ELASTIC_READER_PASSWORD`)."""
    reader_api_key: SecretStr | None = None
    """Only in the environment (`TORWART_ELASTIC_READER_API_KEY`)."""
    reader_certificate: Path | None = None
    reader_key: Path | None = None
    """The reader's own certificate, where it logs in with one; else it shows `certificate`."""
    retention_days: int | None = Field(default=None, ge=1)
    """After so many days Elasticsearch deletes events (`torwart events elastic-install` tells it); None: its administrator sees to that."""
    dead_letter_retention_days: int | None = Field(default=None, ge=1)
    """The same for events that fitted no template."""

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
        _whole("", self.user, (self.password_file, self.password), (self.api_key_file, self.api_key))
        passwords, api_keys = (self.reader_password_file, self.reader_password), (self.reader_api_key_file, self.reader_api_key)
        _whole("reader_", self.reader_user, passwords, api_keys)
        for prefix, certificate, key in (("", self.certificate, self.key), ("reader_", self.reader_certificate, self.reader_key)):
            if (certificate is None) != (key is None):
                raise ValueError(f"{prefix}certificate and {prefix}key belong together: name both PEM files or neither")
        if self.has_reader and not self.has_writer:
            raise ValueError("a reader without a writer ships nothing: name user and password_file (or api_key_file) too")
        return self

    @property
    def has_writer(self) -> bool:
        """False where the server asks nobody who he is."""
        return any(one is not None for one in (self.user, self.api_key_file, self.api_key, self.certificate))

    @property
    def has_reader(self) -> bool:
        return any(one is not None for one in (self.reader_user, self.reader_api_key_file, self.reader_api_key, self.reader_certificate))


def elastic_settings(sections: Sections, environment: Mapping[str, str]) -> ElasticSettings | None:
    """The section, with address and secrets of the environment where it has them; None if neither names a server. Raises ConfigError."""
    section = sections.get("elastic")
    members = dict(section) if isinstance(section, Mapping) else {}
    for name, variable in ELASTIC_SECRETS.items():
        if name in members:
            where = f"{sections.path}:{sections.line('elastic', name)}: elastic.{name}"
            raise ConfigError([f"{where} must not stand here — put it alone into a file ({name}_file), or into {variable}"])
    named = environment.get(ELASTIC_URL, "").strip(", ")
    if not named and "elastic" not in sections:
        return None
    given: dict[str, Any] = {name: environment[variable] for name, variable in ELASTIC_SECRETS.items() if environment.get(variable)}
    if named:
        given["url"] = elastic_addresses(sections, environment)
    if not given:
        return sections.parse("elastic", ElasticSettings)
    return Sections(sections.path, {"elastic": members | given}, sections.lines).parse("elastic", ElasticSettings)


def _whole(prefix: str, user: str | None, passwords: tuple[object, object], api_keys: tuple[object, object]) -> None:
    password, api_key = (any(one is not None for one in found) for found in (passwords, api_keys))
    if (user is not None) != password:
        raise ValueError(f"{prefix}user and {prefix}password_file belong together: name both or neither")
    if user is not None and api_key:
        raise ValueError(f"{prefix}user and {prefix}api_key_file are two identities: keep one")
    if None not in passwords or None not in api_keys:
        raise ValueError(f"{prefix}password or {prefix}api_key stands in a file and in the environment: keep one")


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
