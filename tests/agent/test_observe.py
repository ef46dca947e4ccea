"""Looking at files: told once, whatever crashes in between, and only what may hold clients."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import observe
from agent.observe import ClosingError, Observer, Result
from agent.places import Places
from agent.seen import Seen
from agent.settings import Kind, Place
from audit_store.spool import Spool, SpoolError
from audit_store.spool_waiting import Receipt
from detectors.mark import Mark
from detectors.verdict import Unread, Verdict

NAME = "agent-00ff"


class Desk:
    """Files, a record, and a scan that suspects whatever holds the word `client`."""

    def __init__(self, folder: Path) -> None:
        self.stick, self.docs, self.state = folder / "stick", folder / "docs", folder / "state"
        for path in (self.stick, self.docs, self.state):
            path.mkdir(mode=0o700)
        self.scans: list[tuple[bytes, str | None]] = []
        self.answer: Callable[[bytes], Verdict] = lambda content: Verdict(
            suspected=frozenset({content.count(b"client")} if b"client" in content else ()), size=len(content)
        )
        self.closing = False
        self.open()

    def open(self) -> None:
        """As after a start."""
        self.spool = Spool.open(self.state / "spool", NAME)
        self.seen = Seen(self.state / "seen.db")
        places = Places((Place(path=self.stick, place=Kind.REMOVABLE), Place(path=self.docs, place=Kind.FOLDER)))
        self.observer = Observer(
            places=places,
            seen=self.seen,
            spool=self.spool,
            device=NAME,
            pseudonym="P-00000001",
            scan=self.scan,
            closing=lambda: self.closing,
        )

    def close(self) -> None:
        self.spool.close()
        self.seen.close()

    def again(self) -> int:
        """A new start; how many events a crash had left."""
        self.close()
        self.open()
        return self.observer.recover()

    def scan(self, content: bytes, *, name: str | None = None) -> Verdict:
        self.scans.append((content, name))
        return self.answer(content)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(row.canonical) for row in self.spool.read(0, 1_000)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def put(folder: Path, name: str, content: bytes = b"a client") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_suspicion_is_told_with_the_place_and_without_the_name(desk: Desk) -> None:
    path = put(desk.stick, "Müller Söhne.CSV", b"client client")
    assert desk.observer.look(path) is Result.TOLD
    (event,) = desk.told()
    assert (event["torwart"]["channel"], event["torwart"]["device"], event["user"]) == ("removable", NAME, {"id": "P-00000001"})
    assert (event["file"]["size"], event["file"]["extension"], event["torwart"]["suspected_count"]) == (13, "csv", 1)
    assert "Müller" not in str(event)
    assert desk.scans == [(b"client client", "Müller Söhne.CSV")]


def test_a_mark_without_a_client_is_told_by_its_code_and_without_the_name_in_it(desk: Desk) -> None:
    desk.answer = lambda content: Verdict(marks=(Mark("7F3A", "Anna Feldmann", "2026-05-12 09:14 UTC", "AAAA-BBBB-CCCC-DDDD"),))
    assert desk.observer.look(put(desk.stick, "a.csv", b"x")) is Result.TOLD
    (event,) = desk.told()
    assert event["torwart"]["marks"] == ["AAAA-BBBB-CCCC-DDDD"]
    assert "Feldmann" not in str(event)


def test_an_ordinary_file_is_not_told_and_not_scanned_again(desk: Desk) -> None:
    path = put(desk.stick, "brief.txt", b"hello")
    assert [desk.observer.look(path), desk.observer.look(path)] == [Result.CLEAN, Result.KNOWN]
    assert desk.told() == []
    assert len(desk.scans) == 1


@pytest.mark.parametrize(
    ("what", "result", "told"),
    [
        ("touched", Result.KNOWN, 1),
        ("renamed", Result.KNOWN, 1),
        ("hard link", Result.KNOWN, 1),
        ("saved again", Result.KNOWN, 1),
        ("changed", Result.TOLD, 2),
        ("same size and time", Result.TOLD, 2),
        ("copied", Result.TOLD, 2),
        ("moved to another place", Result.TOLD, 2),
        ("removed and copied again", Result.TOLD, 2),
        ("gone while nobody looked, and back", Result.KNOWN, 1),
    ],
)
def test_what_is_new_is_told_and_what_is_not_is_not(desk: Desk, what: str, result: Result, told: int) -> None:
    path = other = put(desk.docs, "a.csv", b"a client")
    desk.observer.look(path)
    times = path.stat()
    match what:
        case "touched":
            os.utime(path)
        case "renamed":
            other = path.rename(desk.docs / "b.jpg")
        case "hard link":
            other = desk.docs / "b.csv"
            other.hardlink_to(path)
        case "saved again":
            put(desk.docs, "draft", b"a client").replace(path)
        case "changed":
            path.write_bytes(b"a client more")
        case "same size and time":
            path.write_bytes(b"2 client")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "copied":
            other = put(desk.docs, "b.csv")
        case "moved to another place":
            other = path.rename(desk.stick / "a.csv")
        case "removed and copied again":
            path.unlink()
            desk.observer.look(path)
            put(desk.docs, "a.csv")
        case "gone while nobody looked, and back":
            path.unlink()
            desk.seen.sweep(desk.docs, set())
            put(desk.docs, "a.csv")
    assert desk.observer.look(other) is result
    assert len(desk.told()) == told


@pytest.mark.parametrize("crash", ["before the spool", "after the spool", "before anything"])
def test_a_crash_at_any_point_tells_it_once(desk: Desk, monkeypatch: pytest.MonkeyPatch, crash: str) -> None:
    path = put(desk.stick, "a.csv")
    with monkeypatch.context() as broken:
        if crash == "before the spool":
            broken.setattr(Spool, "append", _full)
        elif crash == "after the spool":
            broken.setattr(Seen, "settle", _full)
        else:
            broken.setattr(Seen, "keep", _full)
        with pytest.raises(SpoolError):
            desk.observer.look(path)
    assert desk.again() == (1 if crash == "before the spool" else 0)
    desk.observer.look(path)
    assert len(desk.told()) == 1
    assert desk.again() == 0


def test_after_a_full_disk_the_next_look_tells_it_too_without_a_restart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(desk.stick, "a.csv")
    with monkeypatch.context() as broken:
        broken.setattr(Spool, "append", _full)
        with pytest.raises(SpoolError):
            desk.observer.look(path)
    assert desk.observer.look(path) is Result.KNOWN
    assert len(desk.told()) == 1


def test_a_verdict_at_the_end_of_the_agent_counts_for_nothing(desk: Desk) -> None:
    path = put(desk.stick, "a.csv")
    desk.closing = True
    with pytest.raises(ClosingError):
        desk.observer.look(path)
    desk.closing = False
    desk.again()
    assert desk.observer.look(path) is Result.TOLD


@pytest.mark.parametrize("cause", [Unread.CRASHED, Unread.TIMED_OUT])
def test_a_scan_that_did_not_end_is_tried_once_more_and_then_told(desk: Desk, cause: Unread) -> None:
    path = put(desk.stick, "a.csv")
    desk.answer = lambda _content: Verdict(unread=(cause,))
    assert [desk.observer.look(path), desk.observer.look(path)] == [Result.UNREADABLE, Result.TOLD]
    assert desk.told()[0]["torwart"]["unread"] == [cause.value]


def test_of_a_large_file_the_beginning_is_scanned_and_everything_is_in_the_digest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "READ_BYTES", 3_000_000)
    data = os.urandom(5_000_000)
    desk.answer = lambda _content: Verdict(unread=(Unread.TOO_LARGE,))
    desk.observer.look(put(desk.stick, "film.mkv", data))
    assert desk.scans[0][0] == data[:3_000_001]
    assert desk.told()[0]["file"]["hash"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert desk.told()[0]["file"]["size"] == 5_000_000


def test_of_very_many_suspicions_a_fair_part_is_named_and_all_are_counted(desk: Desk) -> None:
    desk.answer = lambda _content: Verdict(suspected=frozenset(range(100_000)))
    desk.observer.look(put(desk.stick, "a.csv"))
    (event,) = desk.told()
    assert event["torwart"]["suspected_count"] == 100_000
    assert len(desk.spool.read(0, 1)[0].canonical) < 512 * 1024


def test_what_is_no_file_is_passed_over(desk: Desk) -> None:
    target = put(desk.stick, "real.csv")
    (desk.stick / "link").symlink_to(target)
    (desk.stick / "loop").symlink_to(desk.stick / "loop")
    os.mkfifo(desk.stick / "pipe")
    os.mknod(desk.stick / "socket", stat.S_IFSOCK | 0o600)
    names = ["link", "loop", "pipe", "socket", "nothing", "", ".", "nul\0"]
    assert {name: desk.observer.look(desk.stick / name) for name in names} == dict.fromkeys(names, Result.GONE)
    assert desk.observer.look(desk.stick.parent / "elsewhere") is Result.GONE
    assert desk.scans == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENAMETOOLONG])
def test_what_cannot_be_opened_now_is_looked_at_later(desk: Desk, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    path = put(desk.stick, "a.csv")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", refuse)
        assert desk.observer.look(path) is Result.UNREADABLE
    assert desk.observer.look(path) is Result.TOLD


def test_a_file_that_changes_while_it_is_read_is_looked_at_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(desk.stick, "a.csv", b"a" * 100)
    read = os.read

    def read_and_write(descriptor: int, count: int) -> bytes:
        found = read(descriptor, count)
        if found:
            with path.open("ab") as file:
                file.write(b"client")
        return found[:50] if len(found) > 50 else b""

    with monkeypatch.context() as broken:
        broken.setattr(os, "read", read_and_write)
        assert desk.observer.look(path) is Result.CHANGING
    assert desk.observer.look(path) is Result.TOLD


def test_the_stamp_of_a_file_is_taken_from_the_file_that_was_read(desk: Desk) -> None:
    """Not from its name, which may be another file's a moment later."""
    path = put(desk.stick, "a.csv", b"hello")
    desk.answer = lambda content: (path.unlink(), put(desk.stick, "a.csv", b"a client"), Verdict(size=len(content)))[2]
    assert desk.observer.look(path) is Result.CLEAN
    desk.answer = lambda content: Verdict(suspected=frozenset({1}))
    assert desk.observer.look(path) is Result.TOLD


def _full(*_: object, **__: object) -> Receipt:
    raise SpoolError("no room")
