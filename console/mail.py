"""Mails to whoever watches, over SMTP: alerts, and trouble of Torwart's own."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, make_msgid
from urllib.parse import urlsplit

from auth.mail_server import MailSettings, mail_server
from console.delivery import TIMEOUT_SECONDS, DeliveryError
from console.notice import GROWN, Notice


class MailChannel:
    """Sends a notice to all recipients of the settings, in one message."""

    name = "mail"

    def __init__(self, settings: MailSettings, torwart_url: str) -> None:
        self._settings = settings
        self._host = urlsplit(torwart_url).hostname or "torwart.localhost"

    def send(self, notice: Notice, at: datetime) -> None:
        """Raises DeliveryError when the server took it for none of the recipients."""
        with _delivery():
            self._hand_over(self.message(notice, at))

    def send_text(self, subject: str, text: str, at: datetime, to: Sequence[str] | None = None) -> None:
        """A mail that is about no alert, to the recipients of the settings or to these. Raises DeliveryError as `send` does."""
        with _delivery():
            message = self._headed(subject, at, to)
            message["Message-ID"] = make_msgid(domain=self._host)
            message.set_content(text)
            self._hand_over(message, to)

    def message(self, notice: Notice, at: datetime) -> EmailMessage:
        """The mail. A line break in a header raises ValueError (the policy's own check): nothing can add a header or a recipient."""
        message = self._headed(notice.subject(), at)
        first = f"<{notice.alert_id}@{self._host}>"
        if notice.kind == GROWN:  # mail programs show all mails of one alert as one conversation
            message["Message-ID"], message["References"] = f"<{notice.id}@{self._host}>", first
        else:
            message["Message-ID"] = first
        message.set_content(notice.text())
        return message

    def _headed(self, subject: str, at: datetime, to: Sequence[str] | None = None) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(to or self._settings.recipients)
        message["Subject"] = subject
        message["Date"] = format_datetime(at)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: no automatic answers
        return message

    def _hand_over(self, message: EmailMessage, to: Sequence[str] | None = None) -> None:
        with mail_server(self._settings, self._host, TIMEOUT_SECONDS) as server:
            server.send_message(message, self._settings.sender, list(to or self._settings.recipients))


@contextmanager
def _delivery() -> Iterator[None]:
    """Whatever goes wrong becomes DeliveryError, without a word of the other side."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"the mail server answered {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise DeliveryError(f"no mail could be handed over ({type(error).__name__})") from error
