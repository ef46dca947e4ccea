"""E-mail as a place outside: everything that has gathered in one mail, thinned out, and readable as it arrives."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit_store.outside import Outside, Trouble
from audit_store.outside_folder import read_place
from audit_store.statement import KEYS, End, Head, NewKey, Statement, fingerprint
from audit_store.statement_verify import Kept, collect
from audit_store.statements import Statements
from auth.mail_server import MailSettings
from auth.outside_mail import MailPlace
from tests.services.post import Mailbox


def place(port: int) -> MailPlace:
    settings = MailSettings(
        host="127.0.0.1", port=port, sender="torwart@firma.example", recipients=("leitung@firma.example",), starttls=False
    )
    return MailPlace(settings, ["chefin@firma.example"], timedelta(hours=24), "https://torwart.firma.example")


def test_one_mail_holds_the_newest_of_each_signer_and_day(tmp_path: Path, mailbox: Mailbox) -> None:
    now = datetime(2026, 5, 12, 23, 59, tzinfo=UTC)
    statements = Statements.open(tmp_path / "state", clock=lambda: now)
    outside = Outside(statements, [place(mailbox.port)], lambda: now)
    for number in range(4):
        statements.sign("gateway", Head(End("gateway", 1, number, bytes(32))))
        statements.sign("cli", Head(End("cli", 1, number, bytes(32))))
        now += timedelta(seconds=45)
    outside.deliver()
    outside.deliver()
    (mail,) = mailbox.mails
    assert mailbox.recipients == [["chefin@firma.example"]]
    assert mail["Subject"].startswith("Torwart: Protokoll bezeugt / record stated, ")
    assert "Bitte aufbewahren" in mail.get_body().get_content()
    (saved := tmp_path / "mail.eml").write_bytes(mail.as_bytes())
    kept = [one for one in read_place(saved) if isinstance(one, Statement)]
    assert [one.name for one in kept] == ["cli 2", "cli 4", "gateway 2", "gateway 4", "keys 1"]
    key = statements.newest(KEYS)
    assert key is not None
    assert isinstance(key.body, NewKey)
    found = collect([Kept("the mail", kept)], [fingerprint(key.body.public)])
    assert found.problems == []
    assert len(found.statements) == 5
    outside.close()
    statements.close()


def test_a_mail_that_is_not_taken_is_a_place_that_fails(tmp_path: Path, mailbox: Mailbox) -> None:
    statements = Statements.open(tmp_path / "state")
    outside = Outside(statements, [place(mailbox.port)])
    mailbox.answer = "452 full"
    outside.deliver()
    state = outside.states["mail chefin@firma.example"]
    assert (state.trouble, state.advice, state.waiting) == (Trouble.MAIL, "the mail server answered 452: look at the section mail", 1)
    mailbox.answer = "250 OK"
    outside.deliver()
    assert (state.trouble, state.waiting, len(mailbox.mails)) == (None, 0, 1)
    outside.close()
    statements.close()


def test_no_server_is_said_without_its_words(tmp_path: Path) -> None:
    statements = Statements.open(tmp_path / "state")
    outside = Outside(statements, [place(1)])
    outside.deliver()
    (state,) = outside.states.values()
    assert state.advice == "no mail could be handed over (ConnectionRefusedError): look at the section mail"
    outside.close()
    statements.close()
