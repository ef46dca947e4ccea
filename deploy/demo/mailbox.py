"""The demo's mailbox: a real SMTP receiver on loopback that keeps every message as a file."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.demo.tryton_process import free_port

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that arrived."""

    number: int
    subject: str
    recipients: str
    text: str


class Mailbox:
    """Receives mail until `stop`. Files are `0001.eml` and so on; they outlive the demo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._controller = Controller(_Keeper(folder), hostname=HOST, port=free_port())
        self._controller.start()
        self.port: int = self._controller.port

    def stop(self) -> None:
        """Receive no more."""
        self._controller.stop()


def mails(folder: Path) -> list[Mail]:
    """All messages in the order of their arrival."""
    found = []
    for path in sorted(folder.glob("[0-9]*.eml")):
        message = email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        body = message.get_body(("plain",))
        found.append(Mail(int(path.stem), str(message["subject"]), str(message["to"]), body.get_content() if body else ""))
    return found


class _Keeper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        number = 1 + len(list(self._folder.glob("[0-9]*.eml")))
        content: Any = envelope.content
        path = self._folder / f"{number:04d}.eml"
        path.with_suffix(".new").write_bytes(content if isinstance(content, bytes) else content.encode())
        path.with_suffix(".new").rename(path)  # a reader never sees half a message
        return "250 kept"
