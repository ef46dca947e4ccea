from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.mail_server import MailSettings
from console.delivery import DeliveryError
from console.mail import MailChannel
from console.notice import GROWN
from deploy.demo.tryton_process import free_port
from tests.console.test_notice import STOPPED, notice
from tests.services.post import Mailbox

AT = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


def channel(port: int, **more: object) -> MailChannel:
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "torwart@firma.example",
        "recipients": ("leitung@firma.example",),
        "starttls": False,
    }
    return MailChannel(MailSettings(**(settings | more)), "https://torwart.firma.example")


def test_a_mail_arrives_with_its_text_and_subject(mailbox: Mailbox):
    told = notice(STOPPED)
    channel(mailbox.port, recipients=("leitung@firma.example", "sicherheit@firma.example")).send(told, AT)
    (mail,) = mailbox.mails
    assert mail["Subject"] == told.subject()
    assert mail.get_content().replace("\r\n", "\n") == told.text()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mailbox.recipients == [["leitung@firma.example", "sicherheit@firma.example"]]


def test_all_mails_of_an_alert_are_one_conversation_and_a_repeated_one_is_known_by_its_id(mailbox: Mailbox):
    way, first, grown = channel(mailbox.port), notice(STOPPED), replace(notice(STOPPED, kind=GROWN), id="A1.2.mail")
    for told in (first, grown, grown):
        way.send(told, AT)
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert ids[0] == "<A1@torwart.firma.example>" != ids[1] == ids[2]
    assert [mail["References"] for mail in mailbox.mails] == [None, ids[0], ids[0]]


def test_a_mail_about_torwart_itself_arrives_as_its_own_conversation(mailbox: Mailbox):
    for number in range(2):
        channel(mailbox.port).send_text(f"Torwart selbst braucht Hilfe {number}", "Störung\n", AT)
    first, second = mailbox.mails
    assert (first["Subject"], first.get_content()) == ("Torwart selbst braucht Hilfe 0", "Störung\r\n")
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    with pytest.raises(DeliveryError):
        channel(mailbox.port).send_text("a\r\nBcc: dieb@example.org", "", AT)


@pytest.mark.parametrize("person", ["P-1\r\nBcc: dieb@example.org", "P-1\nBcc: dieb@example.org"])
def test_a_line_break_in_a_header_stops_the_mail(mailbox: Mailbox, person: str):
    with pytest.raises(DeliveryError):
        channel(mailbox.port).send(replace(notice(STOPPED), person=person), AT)
    assert mailbox.mails == []


def test_a_server_that_refuses_is_a_failed_delivery(mailbox: Mailbox):
    mailbox.answer = "452 insufficient storage of leitung@firma.example"
    with pytest.raises(DeliveryError, match=r"^the mail server answered 452$"):
        channel(mailbox.port).send(notice(STOPPED), AT)


def test_no_server_is_a_failed_delivery():
    with pytest.raises(DeliveryError, match="ConnectionRefusedError"):
        channel(free_port()).send(notice(STOPPED), AT)


def test_nothing_is_sent_in_clear_where_encryption_is_asked_for(mailbox: Mailbox):
    with pytest.raises(DeliveryError, match="SMTPNotSupportedError"):
        channel(mailbox.port, starttls=True).send(notice(STOPPED), AT)
    assert mailbox.mails == []


def test_a_missing_password_file_is_a_failed_delivery_and_no_mail_without_sign_in(mailbox: Mailbox, tmp_path: Path):
    with pytest.raises(DeliveryError, match="FileNotFoundError"):
        channel(mailbox.port, user="torwart", password_file=tmp_path / "none").send(notice(STOPPED), AT)
    assert mailbox.mails == []
