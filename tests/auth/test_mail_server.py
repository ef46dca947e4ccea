"""A session with the mail server; what is sent over it is tested where it is made (`console.mail`, `auth.outside_mail`)."""

import smtplib
from pathlib import Path

import pytest

from auth.mail_server import MailSettings, mail_server
from tests.services.post import Mailbox


def settings(port: int, **more: object) -> MailSettings:
    members = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "torwart@firma.example",
        "recipients": ("a@firma.example",),
        "starttls": False,
    }
    return MailSettings.model_validate(members | more)


def test_a_session_is_open_and_ends(mailbox: Mailbox) -> None:
    with mail_server(settings(mailbox.port), "torwart.localhost", 5) as server:
        assert server.noop()[0] == 250
    with pytest.raises(smtplib.SMTPServerDisconnected):
        server.noop()


def test_without_tls_where_it_is_asked_for_there_is_no_session(mailbox: Mailbox) -> None:
    with (
        pytest.raises(smtplib.SMTPNotSupportedError),
        mail_server(settings(mailbox.port, starttls=True), "torwart.localhost", 5),
    ):
        raise AssertionError("a session without TLS")


def test_a_password_is_read_from_its_file(mailbox: Mailbox, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    asked = settings(mailbox.port, user="torwart", password_file=tmp_path / "password")
    with pytest.raises(smtplib.SMTPNotSupportedError), mail_server(asked, "torwart.localhost", 5):  # this server knows no log-in
        raise AssertionError("a session without the log-in")
