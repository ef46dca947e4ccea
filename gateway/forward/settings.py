"""The forward proxy's own section of the configuration file: `proxy:`."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from auth.config_file import ConfigError, Sections
from auth.installation import Installation, elastic_addresses, load_installation
from auth.listening import Listening
from gateway.settings import CrmSettings

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_PLACE = re.compile(r"(.+):([1-9][0-9]{0,4})")
MIB = 1024 * 1024


class ProxySettings(Listening):
    """The way out: who may use the proxy, where it may connect, and what it does not open."""

    listen: str = "127.0.0.1:8402"
    """Address and port that the proxy listens on."""
    person: str | None = None
    """The one person whose machine this is (e-mail address, pseudonym or CRM account): no log-in is asked. Only with a loopback address."""
    allow: tuple[str, ...] = ()
    """`host:port` that may be connected to although it is no public address. Never Torwart's own services, the CRM or Elasticsearch."""
    destinations: dict[str, Literal["cloud", "webmail", "messenger", "website"]] = Field(default_factory=dict)
    """Host, or the end of host names -> what kind of place it is, beside the services that are well known."""
    upload_limit_bytes: int = Field(default=64 * MIB, ge=MIB, le=1024 * MIB)
    """Uploads beyond this are not inspectable: nothing of them goes out."""
    ports: tuple[int, ...] = (443,)
    """Ports for CONNECT; plain HTTP may use these and port 80."""
    trusted: Path | None = None
    """PEM file with authorities of TLS servers beside those of the machine."""
    bypass: tuple[str, ...] = ()
    """Hosts, or ends of host names, whose TLS goes through unread: health, banking, programs that pin certificates. Counted, not judged."""

    @field_validator("allow")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            found = _PLACE.fullmatch(place)
            if found is None or int(found[2]) > 65_535 or not _HOST.fullmatch(found[1].lower()):
                raise ValueError("must name exact places as host:port, for example cloud.localhost:8403")
        return tuple(place.lower() for place in value)

    @field_validator("bypass")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_HOST.fullmatch(host.lower()) for host in value):
            raise ValueError("must be host names, for example bank.example")
        return tuple(host.lower() for host in value)

    @field_validator("ports")
    @classmethod
    def _ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or not all(0 < port < 65_536 for port in value):
            raise ValueError("must be port numbers, for example [443]")
        return value

    @model_validator(mode="after")
    def _never_open(self) -> Self:
        """Without a log-in, only this machine may reach the proxy (attacks X9)."""
        if self.person is not None and not self.on_loopback:
            raise ValueError("`person` goes with a loopback address only: on any other everybody logs in — leave `person` out")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the proxy."""
        try:
            return ipaddress.ip_address(self.listen_host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """A service of the installation: never connected to through the proxy, whatever it is called (attacks X9)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Forward:
    """What the forward proxy is started with."""

    installation: Installation
    proxy: ProxySettings
    own: tuple[OwnPlace, ...]


def read_forward(config: Path) -> Forward | None:
    """The forward proxy's part of a configuration; None if it has no section `proxy`. Raises ConfigError with all faults."""
    installation, sections = load_installation(config)
    if "proxy" not in sections:
        return None
    proxy = sections.parse("proxy", ProxySettings)
    if proxy.trusted is not None and not proxy.trusted.is_file():
        where = f"{config}:{sections.line('proxy', 'trusted')}: proxy.trusted"
        raise ConfigError([f"{where} names no file — put the PEM file there or correct the name"])
    return Forward(installation, proxy, own_places(installation, sections.parse("crm", CrmSettings), proxy, sections))


def own_places(installation: Installation, crm: CrmSettings, proxy: ProxySettings, sections: Sections) -> tuple[OwnPlace, ...]:
    """Torwart's hosts and listening addresses, the CRM under its public name and its own, and Elasticsearch."""
    places = [_of_url(url) for url in (installation.torwart_url, installation.crm_url, crm.upstream)]
    torwart = (sections.get("torwart") or {}).get("listen", "127.0.0.1:8401")
    for listen in (torwart, crm.listen, proxy.listen):
        host, _, port = str(listen).rpartition(":")
        places.append(OwnPlace(host.strip("[]").lower(), int(port)))
    return (*places, *map(_of_url, elastic_addresses(sections, os.environ)))


def _of_url(url: str) -> OwnPlace:
    parts = urlsplit(url)
    return OwnPlace((parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80))
