"""The mail server of an installation: its section of the configuration file, and a session with it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

IMPLICIT_TLS_PORT = 465
"""RFC 8314, section 3.3: TLS from the first byte."""


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


@contextmanager
def mail_server(settings: MailSettings, own_host: str, seconds: float) -> Iterator[smtplib.SMTP]:
    """A session, logged in where the settings say so. Raises smtplib.SMTPException, OSError, ValueError; `seconds` limit each step."""
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.port == IMPLICIT_TLS_PORT:
        server = smtplib.SMTP_SSL(settings.host, settings.port, own_host, timeout=seconds, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, own_host, timeout=seconds)
    with server:
        if settings.starttls and settings.port != IMPLICIT_TLS_PORT:
            server.starttls(context=context)
        if settings.user is not None and settings.password_file is not None:
            server.login(settings.user, settings.password_file.read_text("utf-8").strip())
        yield server
