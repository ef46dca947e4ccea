"""`torwart people totp|codes|recover|break-glass|drill`, run as commands on a real installation."""

import json

import pytest

from auth.installation import load_installation
from tests.console.cli.test_people import Shell, torwart
from tests.services.post import Mailbox

__all__ = ["torwart"]


def actions(torwart: Shell) -> list[str]:
    return [event["event"]["action"] for event in torwart.events()]


def test_codes_are_printed_once_and_recorded_without_them(torwart: Shell) -> None:
    made = torwart.json("codes", "anna")
    assert len(set(made["codes"])) == 10
    assert "shown this once" in torwart("codes", "anna").stdout
    assert actions(torwart).count("recovery-codes-issued") == 2
    assert made["codes"][0] not in json.dumps(torwart.events())


def test_an_app_is_said_and_taken_away(torwart: Shell) -> None:
    assert torwart.json("totp", "anna")["app"] == "none"
    removed = torwart.json("totp", "anna", "--remove")
    assert (removed["app"], removed["removed"]) == ("none", False)


def test_a_recovery_is_begun_and_stopped(torwart: Shell) -> None:
    begun = torwart.json("recover", "anna", "--in-person")
    assert begun["link"].startswith("http")
    assert (begun["people"], begun["nobody"]) == (1, True), "nobody here has a key"
    assert "drill" in torwart("recover", "anna").stdout
    assert torwart.json("recover", "anna", "--cancel")["stopped"] == 1
    assert torwart("recover", "anna", "--lost", "no such key").exit_code != 0
    assert [one for one in actions(torwart) if one.startswith("recovery-")] == ["recovery-opened", "recovery-opened", "recovery-ended"]


def test_an_envelope_is_sealed_and_its_access_ended(torwart: Shell) -> None:
    sealed = torwart.json("break-glass")
    assert len(sealed["code"].replace("-", "")) == 24
    assert sealed["hours"] == 4
    assert torwart.json("break-glass", "--end") == {"ended": 0}
    assert actions(torwart).count("break-glass-sealed") == 1
    assert sealed["code"] not in json.dumps(torwart.events())


def test_the_drill_names_what_is_missing_with_what_to_do_and_ends_with_one(torwart: Shell) -> None:
    result = torwart("drill", "--no-mail", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    (anna,) = report["people"]
    assert (anna["keys"], anna["codes"], anna["others"]) == (0, 0, 0)
    assert report["envelope"] is None
    said = "\n".join(report["findings"])
    for word in ("has no key", "no recovery codes", "nobody could say yes", "0 with the role owner or admin", "no emergency envelope"):
        assert word in said
    assert all("torwart people" in finding or "is needed" in finding for finding in report["findings"])
    torwart("break-glass")
    torwart("codes", "anna")
    left = json.loads(torwart("drill", "--no-mail", "--json").stdout)["findings"]
    assert not [finding for finding in left if "envelope" in finding or "recovery codes" in finding]
    assert "- " in torwart("drill", "--no-mail").stdout


@pytest.mark.parametrize("there", [True, False])
def test_the_drill_asks_the_mail_server_and_sends_nothing(torwart: Shell, mailbox: Mailbox, there: bool) -> None:
    port = mailbox.port if there else 1
    section = ["", "mail:", "  host: 127.0.0.1", f"  port: {port}", "  sender: torwart@firma.example", "  recipients: [chef@firma.example]"]
    section += ["  starttls: false", ""]
    torwart.config.write_text(torwart.config.read_text("utf-8") + "\n".join(section), "utf-8")
    assert "mail" in load_installation(torwart.config)[1]
    report = json.loads(torwart("drill", "--json").stdout)
    assert (report["mail"] == "works") == there
    assert bool([finding for finding in report["findings"] if "mail road" in finding]) != there
    assert mailbox.mails == []
