"""Alert mails over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from urllib.parse import urlsplit

from console.delivery import TIMEOUT_SECONDS, DeliveryError
from console.notice import GROWN, Notice
from console.settings import MailSettings

IMPLICIT_TLS_PORT = 465
"""RFC 8314, section 3.3: TLS from the first byte."""


class MailChannel:
    """Sends a notice to all recipients of the settings, in one message."""

    name = "mail"

    def __init__(self, settings: MailSettings, torwart_url: str) -> None:
        self._settings = settings
        self._host = urlsplit(torwart_url).hostname or "torwart.localhost"

    def send(self, notice: Notice, at: datetime) -> None:
        """Raises DeliveryError when the server took it for none of the recipients."""
        try:
            message = self.message(notice, at)
            with self._server() as server:
                server.send_message(message, self._settings.sender, list(self._settings.recipients))
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"the mail server answered {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(f"no mail could be handed over ({type(error).__name__})") from error

    def message(self, notice: Notice, at: datetime) -> EmailMessage:
        """The mail. A line break in a header raises ValueError (the policy's own check): nothing can add a header or a recipient."""
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(self._settings.recipients)
        message["Subject"] = notice.subject()
        message["Date"] = format_datetime(at)
        first = f"<{notice.alert_id}@{self._host}>"
        if notice.kind == GROWN:  # mail programs show all mails of one alert as one conversation
            message["Message-ID"], message["References"] = f"<{notice.id}@{self._host}>", first
        else:
            message["Message-ID"] = first
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: no automatic answers
        message.set_content(notice.text())
        return message

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        settings, context = self._settings, ssl.create_default_context()
        server: smtplib.SMTP
        if settings.port == IMPLICIT_TLS_PORT:
            server = smtplib.SMTP_SSL(settings.host, settings.port, self._host, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(settings.host, settings.port, self._host, timeout=TIMEOUT_SECONDS)
        with server:
            if settings.starttls and settings.port != IMPLICIT_TLS_PORT:
                server.starttls(context=context)
            if settings.user is not None and settings.password_file is not None:
                server.login(settings.user, settings.password_file.read_text("utf-8").strip())
            yield server
