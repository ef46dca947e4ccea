"""The section `outside:`: where signed statements about the record go, so that they are out of the reach of whoever has this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from audit_store.outside import Outside, Place
from audit_store.outside_folder import FolderPlace
from audit_store.statements import Statements
from audit_store.witnessed import WitnessedSpool, witnessed
from auth.config_file import ConfigError, Sections
from auth.mail_server import MailSettings
from auth.outside_mail import MailPlace

if TYPE_CHECKING:
    from auth.installation import Installation

SECTION = "outside"
_KEY = re.compile(r"[0-9A-F]{4}(-[0-9A-F]{4}){4}|[0-9a-f]{64}")


class OutsideSettings(BaseModel):
    """Places outside this machine that keep signed statements about the record. Where there are any, one must have the statement about an
    export, a key, a status or rules before they are released.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: tuple[Path, ...] = ()
    """Mounted folders: each gets every statement at once. They must be there, and the machine behind them should let Torwart only add."""
    mail: tuple[str, ...] = ()
    """Addresses that get the newest statements by mail, over the server of the section `mail`. Where no folder takes a statement that must
    be outside first, one mail is sent for it at once."""
    mail_every_hours: float = Field(default=24, gt=0, le=24 * 31)
    """How often a mail is sent without need."""
    key: str | None = None
    """The fingerprint that was written down (`torwart events key`), or the public key in hexadecimal: `torwart events verify` trusts it."""
    alarm_after_minutes: float = Field(default=15, gt=0, le=24 * 60)
    """When a place that takes nothing becomes an alarm in the record."""

    @field_validator("folders", "mail", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("key")
    @classmethod
    def _readable_key(cls, value: str | None) -> str | None:
        if value is not None and not _KEY.fullmatch(value):
            raise ValueError("must be a fingerprint such as 7F3A-91C2-D4E5-F607-18A9, or 64 hexadecimal digits")
        return value


@dataclass(frozen=True, slots=True)
class OutsidePlaces:
    """The section, checked, with what it needs of others."""

    settings: OutsideSettings
    server: MailSettings | None = None

    def places(self, torwart_url: str) -> list[Place]:
        """The places, those that are asked first in front."""
        found: list[Place] = [FolderPlace(folder) for folder in self.settings.folders]
        if self.settings.mail and self.server is not None:
            every = timedelta(hours=self.settings.mail_every_hours)
            found.append(MailPlace(self.server, self.settings.mail, every, torwart_url))
        return found


def read_outside(sections: Sections, state: Path) -> OutsidePlaces:
    """The section of a configuration file; without it there are no places. Raises ConfigError."""
    if SECTION not in sections:
        return OutsidePlaces(OutsideSettings())
    section = sections[SECTION]
    if not isinstance(section, Mapping):
        raise ConfigError([f"{sections.path}:{sections.line(SECTION)}: outside must be a section with members of its own, or be left out"])
    settings = sections.parse(SECTION, OutsideSettings)
    folders = tuple((sections.path.parent / folder.expanduser()).absolute() for folder in settings.folders)
    for folder in folders:
        if folder == state or state in folder.parents or folder in state.parents:
            place = f"{sections.path}:{sections.line(SECTION, 'folders')}"
            raise ConfigError([f"{place}: outside.folders: {folder} and the state folder lie in each other — name a folder outside"])
    if settings.mail and "mail" not in sections:
        place = f"{sections.path}:{sections.line(SECTION, 'mail')}"
        raise ConfigError([f"{place}: outside.mail needs the section mail, which names the mail server"])
    server = sections.parse("mail", MailSettings) if settings.mail else None
    return OutsidePlaces(settings.model_copy(update={"folders": folders}), server)


def open_outside(installation: Installation) -> tuple[Statements, Outside]:
    """The statements of an installation and the places that they go to. Raises StatementsError."""
    statements = Statements.open(installation.state, machine=installation.machine)
    return statements, Outside(statements, installation.outside.places(installation.torwart_url))


def open_spool(installation: Installation, process: str) -> WitnessedSpool:
    """The record of one of this installation's own processes. Raises SpoolError, StatementsError."""
    statements, outside = open_outside(installation)
    try:
        spool = witnessed(installation.spool(process), installation.producer(process), statements, outside)
    except BaseException:
        outside.close()
        statements.close()
        raise
    spool.room.cap_bytes = installation.record.spool_bytes
    return spool
