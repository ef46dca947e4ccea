"""Alert mails over SMTP."""

from __future__ import annotations

import smtplib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
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
        try:
            message = self.message(notice, at)
            with mail_server(self._settings, self._host, TIMEOUT_SECONDS) as server:
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
