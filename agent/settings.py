"""`agent.yaml`: where Torwart is, where the agent keeps its own, and which places it watches."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from auth.config_file import ConfigError, Sections, in_words, meant, read_config

TEMPLATE = """\
# Torwart's agent on this machine. `torwart-agent run` reads it.
url: {url}
# ca: torwart-ca.pem        # PEM of the authority that signed Torwart's certificate, if the system does not know it
state: agent-state          # key, index filter and record of this agent; nobody else may read it
watch:                      # removable: a stick or other device (or the folder that the system mounts them below); folder: any other
{watch}"""
_EXAMPLE = """\
  - path: /media
    place: removable
"""


class Kind(StrEnum):
    """What a place is: the channel of its events."""

    REMOVABLE = "removable"
    FOLDER = "folder"


class Place(BaseModel):
    """A folder that is watched, with everything below it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    place: Kind
    label: str = Field(default="", max_length=100)
    """For people on this machine only; in no event."""


class AgentSettings(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """Torwart's own host, as people type it."""
    ca: Path | None = None
    state: Path
    watch: tuple[Place, ...] = Field(min_length=1)
    rest_seconds: float = Field(default=1.0, ge=0.05, le=60)
    """A file is looked at when it has not changed for so long."""
    rescan_minutes: float = Field(default=10.0, ge=0.02, le=1_440)
    """How often everything is compared with what is known: finds what the system did not tell."""
    refresh_seconds: float = Field(default=120.0, ge=0.2, le=86_400)
    """How often the filter of the client base is asked for; by this the server also sees that the agent lives."""
    order_seconds: float = Field(default=60.0, ge=0.2, le=3_600)
    """How often orders are asked for while nothing happens here; after a file was told of, several times within seconds."""
    retry_seconds: float = Field(default=30.0, ge=0.1, le=3_600)
    """The longest pause between two tries while Torwart is away."""

    @field_validator("url")
    @classmethod
    def _own_host(cls, value: str) -> str:
        parts = urlsplit(value)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.path not in ("", "/") or parts.query:
            raise ValueError("must be Torwart's address, such as https://torwart.firma.example")
        if parts.scheme == "http" and not host.endswith(".localhost"):
            raise ValueError("must be https, but for names ending in .localhost")
        return value.rstrip("/").lower()

    @model_validator(mode="after")
    def _apart(self) -> AgentSettings:
        for place in self.watch:
            if place.path == self.state or place.path in self.state.parents or self.state in place.path.parents:
                raise ValueError(f"the state folder and the watched folder {place.path} lie in one another: move the state elsewhere")
        paths = [place.path for place in self.watch]
        if len(set(paths)) < len(paths):
            raise ValueError("a folder is named twice under watch")
        return self


def read_settings(path: Path) -> AgentSettings:
    """Read the file; relative names start at its folder. Raises ConfigError with all faults."""
    sections = read_config(path, hint="`torwart-agent enrol --url ... ` writes one")
    try:
        found = AgentSettings.model_validate(_located(path, sections))
    except ValidationError as error:
        raise ConfigError(
            sorted({_fault(path, sections, fault) for fault in error.errors(include_url=False, include_input=False)})
        ) from None
    return found


def write_template(path: Path, url: str, watch: list[tuple[Kind, Path]]) -> None:
    """A commented file for this machine; one that is there stays. Raises OSError."""
    lines = "".join(f"  - path: {_quoted(folder)}\n    place: {kind.value}\n" for kind, folder in watch)
    with path.open("x", encoding="utf-8") as file:
        file.write(TEMPLATE.format(url=url, watch=lines or _EXAMPLE))


def _located(path: Path, sections: Sections) -> dict[str, object]:
    """The values with absolute paths."""

    def absolute(value: object) -> object:
        return (path.parent / Path(value).expanduser()).absolute() if isinstance(value, str) else value

    found: dict[str, object] = dict(sections)
    for name in ("ca", "state"):
        if name in found:
            found[name] = absolute(found[name])
    if isinstance(found.get("watch"), list):
        found["watch"] = [
            {**place, "path": absolute(place.get("path"))} if isinstance(place, dict) else place for place in sections["watch"]
        ]
    return found


def _fault(path: Path, sections: Sections, fault: Any) -> str:
    loc = fault["loc"]
    names = [str(part) for part in loc] if isinstance(loc, tuple) else []
    where = f"{path}:{sections.line(names[0]) if names else 1}: {'.'.join(names) or 'the file'}"
    match fault["type"]:
        case "extra_forbidden":
            return f"{where} is not known{meant(names[-1], AgentSettings.model_fields if len(names) == 1 else Place.model_fields)}"
        case "missing":
            return f"{where} is missing — add it"
    return f"{where}: {in_words(fault['msg'])}"


def _quoted(folder: Path) -> str:
    """A YAML text in double quotes (YAML 1.2, section 7.3.1)."""
    return '"' + str(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'
