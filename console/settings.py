"""The console's sections of the configuration file: `torwart:`, `mail:` and `webhook:`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

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
