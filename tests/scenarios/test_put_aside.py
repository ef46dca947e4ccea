"""A file with clients comes to a stick, a rule puts it aside, a reviewer gives it back: real processes, from the copy to the alert."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit_store.event import EventAction
from auth.agent_signature import KEY_BYTES
from console.cli.alerts import app as alerts
from console.cli.quarantine import app as quarantine
from tests.services.agents import Desk, Office, table
from tests.services.put_aside import put_sticks_aside
from tests.services.waiting import until

pytestmark = pytest.mark.slow
NOTICE = ".torwart.txt"


def command(office: Office, app: Any, *words: str) -> Any:
    """A command of `torwart` on this installation; its JSON."""
    found = CliRunner().invoke(app, [*words, "--config", str(office.folder / "torwart.yaml"), "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def files(office: Office) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = command(office, quarantine, "list", "--all")["files"]
    return listed


def states(office: Office) -> list[str]:
    return [file["state"] for file in files(office)]


def phases(office: Office) -> list[str]:
    return [act["torwart"]["act"]["phase"] for act in office.copies()]


def outcomes(office: Office, action: EventAction) -> list[tuple[str, str]]:
    """Outcome and cause of what agents made of orders."""
    found = [event.document for event in office.events(action)]
    return [(one["event"]["outcome"], one["torwart"].get("words", {}).get("cause", "")) for one in found]


def aside(desk: Desk) -> list[bytes]:
    """What lies in the agent's folder."""
    return [path.read_bytes() for path in sorted((desk.state / "aside").iterdir())]


def reviewer(office: Office) -> None:
    with office.people() as (people, _):
        people.add("Vera Prüfer", "vera@firma.example", ["security"], "de", ["vera"])


@pytest.fixture
def desk(office: Office) -> Desk:
    """A desk whose agent runs, in a firm that puts files on sticks aside."""
    put_sticks_aside(office.state)
    reviewer(office)
    made = office.desk(order_seconds=1.0)
    made.agent.start()
    until(lambda: (made.state / "filter").exists())
    return made


def test_it_is_put_aside_told_once_alerted_given_back_by_a_reviewer_and_not_taken_again(office: Office, desk: Desk) -> None:
    path = desk.copy("urlaub.csv", range(40))
    until(lambda: not path.exists(), what="the file to be put aside")
    assert aside(desk) == [table(range(40))]
    notice = path.with_name(path.name + NOTICE)
    until(lambda: phases(office) == ["observed", "put_aside"])
    (file,) = files(office)
    assert (file["state"], file["person"]) == ("aside", desk.person.pseudonym)
    text = notice.read_text(encoding="utf-8")
    assert "Torwart hat die Datei" in text
    assert "Torwart has put the file" in text
    assert text.count(file["handle"]) == 2
    assert outcomes(office, EventAction.FILE_QUARANTINED) == [("success", "")]
    (alert,) = until(lambda: [one for one in command(office, alerts, "list")["alerts"] if len(one["reasons"]) >= 2])
    said = {reason["code"]: reason["text"] for reason in alert["reasons"]}
    assert said["put_aside"] == f"Eine Datei mit 40 Kunden wurde beiseitegelegt, Kennung {file['handle']}."
    first = office.copies()[0]["torwart"]
    assert (first["quarantine"], [one["code"] for one in first["reasons"]]) == (True, ["clients_leave"])

    command(office, quarantine, "release", file["handle"], "--by", "vera", "--reason", "abgesprochen mit der Druckerei")
    until(path.exists)
    until(lambda: states(office) == ["given_back"])
    assert path.read_bytes() == table(range(40))
    assert (aside(desk), notice.exists()) == ([], False)
    until(lambda: phases(office) == ["observed", "put_aside", "put_back"])
    desk.copy("later.csv", range(50))
    until(lambda: len(office.copies()) == 5)  # two more of the later file, none of the one that came back
    assert path.exists()
    desk.agent.stop()
    office.console.stop()
    assert office.problems() == []
    assert outcomes(office, EventAction.FILE_RELEASED) == [("success", "")]
    (released,) = office.events(EventAction.RELEASE_ORDERED)
    assert released.document["torwart"]["subject"] == desk.person.pseudonym
    for one in [one for folder in (office.state / "log", office.state / "spool") for one in folder.rglob("*") if one.is_file()]:
        assert b"Druckerei" not in one.read_bytes(), one


def test_nobody_releases_their_own_file_or_without_a_role_and_a_reason(office: Office, desk: Desk) -> None:
    path = desk.copy("urlaub.csv", range(40))
    until(lambda: states(office) == ["aside"])
    with office.people() as (people, _):
        people.add("Max Kollege", "max@firma.example", ["manager"], "de", ["max"])
    (handle,) = [file["handle"] for file in files(office)]
    config = ["--config", str(office.folder / "torwart.yaml")]
    for by, reason in (("max", "darum"), ("vera", " "), (desk.person.pseudonym, "meine")):
        refused = CliRunner().invoke(quarantine, ["release", handle, "--by", by, "--reason", reason, *config])
        assert refused.exit_code == 2, (by, refused.output)
    assert states(office) == ["aside"]
    assert not path.exists()
    assert office.events(EventAction.RELEASE_ORDERED) == []


def test_an_order_waits_for_a_machine_that_is_away_and_is_visible_meanwhile(office: Office) -> None:
    reviewer(office)
    desk = office.desk(order_seconds=1.0)
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    path = desk.copy("urlaub.csv", range(40))
    until(office.copies)
    desk.agent.kill()
    assert files(office) == []
    put_sticks_aside(office.state)
    desk.agent.start()
    path.unlink()
    path = desk.copy("mehr.csv", range(60))
    until(lambda: not path.exists())
    desk.agent.stop()
    handle = until(lambda: [file["handle"] for file in files(office) if file["state"] == "aside"])[0]
    command(office, quarantine, "release", handle, "--by", "vera", "--reason", "Arbeit")
    until(lambda: states(office) == ["release_ordered"])
    assert not path.exists()
    desk.agent.start()
    until(path.exists)
    until(lambda: states(office) == ["given_back"])


def test_a_second_name_of_the_same_file_and_a_renamed_one_are_put_aside_too(office: Office, desk: Desk) -> None:
    first = desk.stick / "one.csv"
    first.write_bytes(table(range(40)))
    second = desk.stick / "two.csv"
    second.hardlink_to(first)
    until(lambda: not first.exists() and not second.exists())
    until(lambda: sorted(states(office)) == ["aside", "aside"])
    assert aside(desk) == [table(range(40))] * 2


def test_a_file_on_another_file_system_comes_back_beside_what_has_its_name(office: Office, tmp_path: Path) -> None:
    put_sticks_aside(office.state)
    reviewer(office)
    stick = Path("/dev/shm") / f"torwart-{os.getpid()}-{office.port}"
    stick.mkdir(mode=0o700)
    try:
        desk = office.desk(order_seconds=1.0)
        desk.stick.rmdir()
        text = desk.config.read_text(encoding="utf-8").replace(str(desk.stick), str(stick))
        desk.config.write_text(text, encoding="utf-8")
        desk.agent.start()
        until(lambda: (desk.state / "filter").exists())
        path = desk.copy("urlaub.csv", range(40), to=stick)
        path.chmod(0o640)
        until(lambda: states(office) == ["aside"])
        path.write_bytes(b"something else")
        command(office, quarantine, "release", files(office)[0]["handle"], "--by", "vera", "--reason", "Arbeit")
        back = stick / "urlaub (2).csv"
        until(back.exists)
        until(lambda: states(office) == ["given_back"])
        assert back.read_bytes() == table(range(40))
        assert path.read_bytes() == b"something else"
        desk.agent.stop()
    finally:
        for left in stick.iterdir():
            left.unlink()
        stick.rmdir()


def test_where_the_folder_is_away_a_released_file_waits_and_its_person_asks_for_it(office: Office, desk: Desk) -> None:
    import agent.files_aside as local

    folder = desk.stick / "ordner"
    folder.mkdir()
    path = desk.copy("urlaub.csv", range(40), to=folder)
    until(lambda: states(office) == ["aside"])
    (handle,) = [file["handle"] for file in files(office)]
    config = ["--config", str(desk.config)]
    assert CliRunner().invoke(local.app, ["release", handle, *config]).exit_code == 1  # nobody has released it
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()
    command(office, quarantine, "release", handle, "--by", "vera", "--reason", "Arbeit")
    until(lambda: outcomes(office, EventAction.FILE_RELEASED) == [("failure", "no_folder")])
    assert "is released and could not be put back yet" in CliRunner().invoke(local.app, ["list", *config]).stdout
    folder.mkdir()
    assert CliRunner().invoke(local.app, ["release", handle, *config]).exit_code == 0
    until(path.exists)
    until(lambda: states(office) == ["given_back"])
    assert outcomes(office, EventAction.FILE_RELEASED) == [("failure", "no_folder"), ("success", "")]


def test_the_key_of_orders_lies_apart_and_the_agent_has_its_public_half(office: Office, desk: Desk) -> None:
    key = office.state / "orders" / "order.key"
    assert oct(key.stat().st_mode & 0o777) == "0o600"
    assert not (office.state / "keys" / "order.key").exists()
    assert desk.identity is not None
    assert len((office.state / "orders" / "order.pub").read_bytes()) == KEY_BYTES
    assert desk.identity.order_key
