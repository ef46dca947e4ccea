"""`torwart people sessions`, run as a command on a real installation."""

import json

import pytest

from auth.console_sessions import ConsoleSessions, Seat
from console.cli.house import open_house
from tests.console.cli.test_people import Shell, torwart

__all__ = ["torwart"]


@pytest.fixture
def signed_in(torwart: Shell) -> Shell:
    """Anna at Torwart, in the CRM and at the proxy."""
    torwart("add", "Boris Hartwig", "boris@firma.example", "--role", "manager", "--account", "boris")
    torwart("proxy", "anna")
    with open_house(torwart.config) as house:
        for login in ("anna", "boris"):
            house.sessions.bind(f"secret-of-{login}", "session", house.person(login).id, login)
        console = ConsoleSessions(house.engine, house.record, house.credential_key)
        console.open(house.person("anna").id, None, Seat("Firefox · Linux", "10.0.0.7"))
    return torwart


def kinds(shell: Shell, who: str = "anna") -> list[str]:
    return sorted(one["kind"] for one in shell.json("sessions", who)["sessions"])


def test_all_that_somebody_is_signed_in_to_is_listed_and_the_look_recorded(signed_in: Shell) -> None:
    assert kinds(signed_in) == ["console", "proxy", "session"]
    assert kinds(signed_in, "boris") == ["session"]
    (console,) = [one for one in signed_in.json("sessions", "anna")["sessions"] if one["kind"] == "console"]
    assert (console["device"], console["source"], console["suspended"]) == ("Firefox · Linux", "10.0.0.7", False)
    shown = signed_in("sessions", "anna").stdout
    assert console["id"][:8] in shown.replace("\n", "")
    assert signed_in.events()[-1]["event"]["action"] == "record-viewed"
    assert "10.0.0.7" not in json.dumps(signed_in.events())


def test_one_is_ended_and_nobody_else_s(signed_in: Shell) -> None:
    (of_boris,) = signed_in.json("sessions", "boris")["sessions"]
    refused = signed_in("sessions", "anna", "--end", of_boris["id"])
    assert refused.exit_code == 2
    assert "no such session" in refused.output
    assert kinds(signed_in, "boris") == ["session"]
    (proxy,) = [one for one in signed_in.json("sessions", "anna")["sessions"] if one["kind"] == "proxy"]
    assert signed_in.json("sessions", "anna", "--end", proxy["id"])["ended"] == [proxy["id"]]
    assert kinds(signed_in) == ["console", "session"]


def test_all_sign_ins_are_ended_and_recorded_but_not_what_was_given_out(signed_in: Shell) -> None:
    assert len(signed_in.json("sessions", "anna", "--end", "all")["ended"]) == 2
    assert kinds(signed_in) == ["proxy"]
    assert kinds(signed_in, "boris") == ["session"]
    cut = [
        event["torwart"]["words"]["why"] for event in signed_in.events() if event["event"]["action"] in ("session-cut", "console-logout")
    ]
    assert cut == ["administrator", "administrator"]
    assert "nothing was open" in signed_in("sessions", "anna", "--end", "all").stdout
