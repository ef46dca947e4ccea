"""E-mail as a place outside for statements: what is in somebody's mailbox, nobody on this machine can take back."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from itertools import groupby
from urllib.parse import urlsplit

from audit_store.outside import Batch, PlaceError, Trouble
from audit_store.statement import Statement
from auth.mail_server import MailSettings, mail_server

SESSION_STEP_SECONDS = 10.0
_SECONDS = 20.0
_TEXT = """\
Bitte aufbewahren / please keep: Torwart, {host}

DE: Die angehängte Datei bezeugt den Stand des Protokolls. Wird später etwas darin geändert oder gelöscht, weist diese Mail es nach.
    Prüfen: torwart events verify --checkpoints DATEI --key FINGERABDRUCK
EN: The attached file states what the record is. If anything in it is changed or deleted later, this mail shows it.
    Verify: torwart events verify --checkpoints FILE --key FINGERPRINT

{lines}
"""


class MailPlace:
    """Sends statements as the attachment of a mail.

    Of what has gathered only the newest of each signer and day is sent: it stands for all before it.
    """

    seconds = _SECONDS

    def __init__(self, settings: MailSettings, recipients: Sequence[str], every: timedelta, torwart_url: str) -> None:
        self.every = every
        self._settings = settings
        self._recipients = tuple(recipients)
        self._host = urlsplit(torwart_url).hostname or "torwart.localhost"

    @property
    def name(self) -> str:
        return f"mail {', '.join(self._recipients)}"

    def put(self, batches: Sequence[Batch]) -> None:
        """All in one mail. Raises PlaceError."""
        chosen = [list(group)[-1] for batch in batches for _, group in groupby(batch.statements, lambda statement: statement.time.date())]
        try:
            message = self._message(chosen)
            with mail_server(self._settings, self._host, SESSION_STEP_SECONDS) as server:
                server.send_message(message, self._settings.sender, list(self._recipients))
        except smtplib.SMTPResponseException as error:
            raise PlaceError(Trouble.MAIL, f"the mail server answered {error.smtp_code}: look at the section mail") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise PlaceError(Trouble.MAIL, f"no mail could be handed over ({type(error).__name__}): look at the section mail") from error

    def _message(self, statements: Sequence[Statement]) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(self._recipients)
        last = statements[-1]
        now = datetime.now(UTC)
        message["Subject"] = f"Torwart: Protokoll bezeugt / record stated, {now:%Y-%m-%d %H:%M} UTC"
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{last.signer}.{last.number}.{last.digest.hex()[:16]}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5: no automatic answers
        lines = "\n".join(f"{one.name}  {one.time:%Y-%m-%d %H:%M:%S} UTC" for one in statements)
        message.set_content(_TEXT.format(host=self._host, lines=lines))
        data = "\n".join(statement.note() for statement in statements)
        message.add_attachment(data.encode(), maintype="text", subtype="plain", filename=f"torwart-{last.signer}-{last.number}.txt")
        return message
