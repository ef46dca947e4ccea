"""The agent as it runs, before a real console: what is copied, renamed, zipped or moved is recognised, and recorded once."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from audit_store.event import EventAction, decode_ids
from tests.services.agents import Office, build_index, email, table
from tests.services.waiting import until

pytestmark = pytest.mark.slow


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_copied_table_becomes_an_act_of_the_person_with_its_clients_and_no_value_of_them(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    desk.copy("urlaub.csv", range(40))
    until(office.copies)
    (act,) = office.copies()
    assert decode_ids(act["torwart"]["clients"]["asked"]) == frozenset(map(str, range(40)))
    assert act["user"]["id"] == desk.person.pseudonym
    assert (act["torwart"]["act"]["phase"], act["torwart"]["channel"]) == ("observed", "removable")
    assert desk.identity is not None
    assert act["torwart"]["device"] == desk.identity.producer
    assert act["file"] == {"size": len(table(range(40))), "hash": {"sha256": sha(table(range(40)))}, "extension": "csv"}
    desk.agent.stop()
    office.console.stop()
    assert office.problems() == []
    for path in [path for folder in (office.state, desk.state) for path in folder.rglob("*") if path.is_file()]:
        assert email(7).encode() not in path.read_bytes(), path


def test_renamed_zipped_and_moved_to_the_stick_it_is_recognised_and_an_ordinary_file_is_not_told(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    first = desk.copy("kunden.csv", range(40), to=desk.docs)
    (desk.docs / "brief.txt").write_text("Sehr geehrte Damen und Herren, anbei die Rechnung 4711.", encoding="utf-8")
    until(lambda: len(office.copies()) == 1)
    first.rename(desk.docs / "urlaub.bin")
    with zipfile.ZipFile(desk.docs / "fotos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(desk.docs / "urlaub.bin", "bilder/1.jpg")
    until(lambda: len(office.copies()) == 2)
    shutil.move(desk.docs / "fotos.zip", desk.stick / "fotos.zip")
    until(lambda: len(office.copies()) == 3)
    places = [(act["torwart"]["channel"], act["torwart"]["clients"]["asked_count"]) for act in office.copies()]
    assert places == [("folder", 40), ("folder", 40), ("removable", 40)]
    assert len(office.digests()) == 3


def test_an_encrypted_archive_is_told_as_unread(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    plain = desk.folder / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("kunden.csv", table(range(40)))
    data = bytearray(plain.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1  # the flag `encrypted` (APPNOTE 4.4.4)
    (desk.stick / "geheim.zip").write_bytes(data)
    until(office.copies)
    (act,) = office.copies()
    assert act["torwart"]["clients"]["asked_count"] == 0
    assert act["torwart"]["findings"] == [{"kind": "uninspectable", "detector": "encrypted", "clients": 0, "where": "file"}]


def test_what_happened_while_the_agent_was_down_is_found_once_and_what_was_told_is_not_told_again(office: Office) -> None:
    desk = office.desk()
    desk.copy("before.csv", range(10))
    desk.agent.start()
    until(lambda: len(office.copies()) == 1)
    desk.agent.stop()
    desk.copy("meanwhile.csv", range(20))
    os.utime(desk.stick / "before.csv")
    desk.agent.start()
    until(lambda: len(office.copies()) == 2)
    desk.copy("after.csv", range(30))
    until(lambda: len(office.copies()) == 3)
    assert Counter(office.digests()) == Counter(sha(table(range(count))) for count in (10, 20, 30))


def test_names_of_every_kind_links_and_deep_folders_are_no_trouble(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    deep = desk.stick.joinpath(*(["ordner"] * 30))
    deep.mkdir(parents=True)
    names = ["zeile\neins.csv", "😀.csv", "\u202egnp.csv", "x" * 250 + ".csv", os.fsdecode(b"latin-\xe4.csv"), "-rf.csv", "$(id).csv"]
    for number, name in enumerate(names):
        desk.copy(name, range(number + 1), to=desk.stick if number % 2 else deep)
    (desk.stick / "kreis").symlink_to(desk.stick)
    (desk.stick / "link.csv").symlink_to(desk.folder / "agent.yaml")
    os.mkfifo(desk.stick / "pipe")
    hard = desk.docs / "hart.csv"
    hard.write_bytes(table(range(50)))
    (desk.docs / "hart-2.csv").hardlink_to(hard)
    wanted = Counter(sha(table(range(count))) for count in (*range(1, len(names) + 1), 50))
    until(lambda: len(office.digests()) >= len(wanted))
    desk.copy("last.csv", range(60))
    until(lambda: sha(table(range(60))) in office.digests())
    assert Counter(office.digests()) == wanted + Counter([sha(table(range(60)))])
    until(lambda: len(office.copies()) == len(wanted) + 1)
    assert sorted(act["torwart"]["clients"]["asked_count"] for act in office.copies()) == [*range(1, len(names) + 1), 50, 60]
    assert office.events(EventAction.AGENT_LOSS) == []


def test_a_file_that_is_written_slowly_is_told_when_it_is_whole(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    data = table(range(200))
    with (desk.stick / "slow.csv").open("wb") as file:
        for start in range(0, len(data), 500):
            file.write(data[start : start + 500])
            file.flush()
            until(lambda start=start: os.fstat(file.fileno()).st_size >= start)  # type: ignore[misc]
    until(office.copies)
    assert office.digests() == [sha(data)]


def test_a_client_who_is_new_is_recognised_in_a_file_that_was_there_before(office: Office) -> None:
    desk = office.desk(refresh_seconds=0.5)
    desk.agent.start()
    until(lambda: (desk.state / "filter").exists())
    desk.copy("neu.csv", range(CLIENTS_NEW.start, CLIENTS_NEW.stop))
    desk.copy("alt.csv", range(5))
    until(lambda: len(office.copies()) == 1)
    build_index(office.state, range(CLIENTS_NEW.stop))
    until(lambda: len(office.copies()) == 2)
    assert decode_ids(office.copies()[1]["torwart"]["clients"]["asked"]) == frozenset(map(str, CLIENTS_NEW))


def test_two_agents_do_not_run_on_one_state_folder(office: Office, tmp_path: Path) -> None:
    desk = office.desk()
    desk.agent.start()
    until(lambda: (desk.state / "spool" / "spool.db").exists())
    second = type(desk.agent)(desk.agent.run, desk.agent.arguments, tmp_path / "second.log")
    second.start()
    until(lambda: not second.alive)
    assert "runs on this state folder already" in second.said.read_text(encoding="utf-8")
    assert desk.agent.alive


def test_a_polite_end_is_recorded(office: Office) -> None:
    desk = office.desk()
    desk.agent.start()
    until(lambda: office.events(EventAction.AGENT_STARTED))
    desk.agent.stop()
    assert [event["event"]["action"] for event in desk.recorded()] == ["agent-started", "agent-stopped"]


CLIENTS_NEW = range(3_000, 3_020)
