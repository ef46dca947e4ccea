"""The gateway's own section of the configuration file: `crm:`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from auth.config_file import ConfigError, read_config
from auth.installation import Installation, load_installation
from auth.listening import Listening


class CrmSettings(Listening):
    """Where the CRM is, under which name people reach it, and which profile reads its calls."""

    url: str
    """What people type: scheme, host and port of the gateway, for example `https://crm.firma.example`."""
    listen: str = "127.0.0.1:8400"
    """Address and port that the gateway listens on."""
    upstream: str
    """The CRM itself, reachable by the gateway alone, for example `http://127.0.0.1:8000`."""
    profile: str = "tryton"
    """Name of a file in `gateway/crm/profiles/`."""
    database: str = "crm"
    """Tryton's database name: the first segment of its paths."""
    owner_field: str | None = None
    """Field of the client record that names its owner; without it Torwart's own assignment table decides."""
    regions: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = Field(default=("DE",), min_length=1)
    """Countries (ISO 3166-1) whose numbers your people dial without a country code, your own first: for recognising phone numbers."""
    certificate: Path | None = None
    """PEM chain of the CRM's public name; may be left out only for names ending in `.localhost`."""
    key: Path | None = None
    upstream_timeout_seconds: float = Field(default=30.0, gt=0, le=300)
    answer_limit_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """Answers beyond this are not inspectable: nothing of them goes out."""
    request_limit_bytes: int = Field(default=16 * 1024 * 1024, gt=0)


def read_settings(config: Path) -> tuple[Installation, CrmSettings]:
    """The shared part and the gateway's section. Raises ConfigError with the faults of both at once."""
    faults: list[str] = []
    installation, settings = None, None
    try:
        installation, sections = load_installation(config)
    except ConfigError as error:
        faults += error.errors
        sections = read_config(config)
    try:
        settings = sections.parse("crm", CrmSettings)
    except ConfigError as error:
        faults += [fault for fault in error.errors if fault.split(" — ")[0] not in {known.split(" — ")[0] for known in faults}]
    if faults or installation is None or settings is None:
        raise ConfigError(faults)
    return installation, settings
