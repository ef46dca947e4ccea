"""Putting aside and back by descriptors: what is swapped in is left alone, and a kill at any line loses nothing and tells once."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import agent.aside
from agent.journal import ASIDE, GIVEN, LEFT
from agent.observe import Result
from auth.agent_order import Verb
from tests.services.ordered import CONTENT, HANDLE, Machine

TRACED = tuple(f"agent/{name}.py" for name in ("aside", "folders", "journal", "notice", "orders", "seen", "telling"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def notice(path: Path) -> Path:
    return path.with_name(path.name + ".torwart.txt")


def test_it_lies_in_a_folder_of_the_agents_own_and_a_notice_in_its_place(machine: Machine) -> None:
    path, event = machine.arrives("Müller & Söhne.csv")
    machine.obeys(machine.order(event))
    assert not path.exists()
    copy = machine.state / "aside" / event
    assert copy.read_bytes() == CONTENT
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    text = notice(path).read_text(encoding="utf-8")
    assert text.count(HANDLE) == text.count("Müller & Söhne.csv") == 2
    (told,) = machine.told("file-quarantined")
    assert told["torwart"]["numbers"] == {"order": 1, "size": len(CONTENT), "links": 0}
    assert told["torwart"]["words"] == {"event": event}
    assert "Müller" not in str(machine.told())


def test_it_comes_back_as_it_was_and_nobody_is_told_of_it_again(machine: Machine) -> None:
    path, event = machine.arrives()
    path.chmod(0o640)
    os.utime(path, ns=(1_000_000_000, 1_700_000_000_000_000_000))
    machine.observer.look(path)
    machine.obeys(machine.order(event))
    machine.obeys(machine.order(event, Verb.RELEASE))
    facts = path.stat()
    assert (path.read_bytes(), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns) == (CONTENT, 0o640, 1_700_000_000_000_000_000)
    assert (machine.held(), notice(path).exists()) == ([], False)
    assert machine.outcomes("file-released") == [("success", "")]
    assert machine.observer.look(path) is Result.KNOWN


def test_nothing_is_ever_overwritten_on_the_way_back(machine: Machine) -> None:
    path, event = machine.arrives()
    machine.obeys(machine.order(event))
    path.write_bytes(b"new")
    (machine.stick / "urlaub (2).csv").symlink_to(machine.docs / "target")
    notice(path).write_text("mine", encoding="utf-8")
    machine.obeys(machine.order(event, Verb.RELEASE))
    assert (path.read_bytes(), (machine.stick / "urlaub (3).csv").read_bytes()) == (b"new", CONTENT)
    assert notice(path).read_text(encoding="utf-8") == "mine"
    assert not (machine.docs / "target").exists()


def _rewritten(machine: Machine, path: Path) -> None:
    path.write_bytes(CONTENT + b"more")


def _replaced(machine: Machine, path: Path) -> None:
    (machine.docs / "new").write_bytes(b"another")
    (machine.docs / "new").rename(path)


def _removed(machine: Machine, path: Path) -> None:
    path.unlink()


def _linked(machine: Machine, path: Path) -> None:
    """The very same content, but elsewhere."""
    (machine.docs / "secret").write_bytes(CONTENT)
    path.unlink()
    path.symlink_to(machine.docs / "secret")


def _folder_linked(machine: Machine, path: Path) -> None:
    path.parent.rename(machine.docs / "away")
    path.parent.symlink_to(machine.docs / "away")


def _a_pipe(machine: Machine, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _a_folder(machine: Machine, path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("swap", "cause"),
    [
        (_rewritten, "changed"),
        (_replaced, "changed"),
        (_removed, "gone"),
        (_linked, "link"),
        (_folder_linked, "gone"),
        (_a_pipe, "no_file"),
        (_a_folder, "no_file"),
    ],
)
@pytest.mark.parametrize("below", [False, True])
def test_what_is_swapped_in_meanwhile_is_left_and_looked_at_as_new(
    machine: Machine, swap: Callable[[Machine, Path], None], cause: str, *, below: bool
) -> None:
    folder = machine.stick / "a" if below else machine.stick
    folder.mkdir(exist_ok=True)
    path, event = machine.arrives(folder=folder)
    swap(machine, path)
    before = sorted((one, one.is_symlink()) for one in (*machine.stick.rglob("*"), *machine.docs.rglob("*")))
    machine.obeys(machine.order(event))
    assert machine.outcomes() == [("failure", cause)]
    assert sorted((one, one.is_symlink()) for one in (*machine.stick.rglob("*"), *machine.docs.rglob("*"))) == before
    assert machine.held() == []
    (kept,) = machine.journal.all()
    assert (kept.state, kept.cause) == (LEFT, cause)
    if swap in (_rewritten, _replaced):
        assert machine.observer.look(path) is Result.TOLD
    assert machine.moved == [path]


def test_a_watched_folder_that_was_replaced_by_a_link_is_not_entered(machine: Machine) -> None:
    path, event = machine.arrives()
    machine.stick.rename(machine.docs / "stick")
    machine.stick.symlink_to(machine.docs / "stick")
    machine.obeys(machine.order(event))
    assert machine.outcomes() == [("failure", "gone")]
    assert path.read_bytes() == CONTENT


def test_a_change_between_the_copy_and_the_removal_is_seen(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path, event = machine.arrives()
    keeps = machine.journal.keeps

    def written_meanwhile(*arguments: Any) -> None:
        keeps(*arguments)
        path.write_bytes(CONTENT + b"!")

    monkeypatch.setattr(machine.journal, "keeps", written_meanwhile)
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), machine.held(), path.read_bytes()) == ([("failure", "changed")], [], CONTENT + b"!")


def test_what_is_written_in_the_very_moment_of_the_removal_is_in_the_copy(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path, event = machine.arrives()
    unlink = os.unlink

    def written_meanwhile(name: Any, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None:
            path.write_bytes(CONTENT + b"!")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(agent.aside.os, "unlink", written_meanwhile)
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), machine.held()) == ([("success", "")], [CONTENT + b"!"])


def test_a_second_name_is_left_counted_and_new(machine: Machine) -> None:
    path, event = machine.arrives()
    second = machine.stick / "second.csv"
    second.hardlink_to(path)
    outside = machine.state.parent / "outside.csv"
    outside.hardlink_to(path)
    machine.obeys(machine.order(event))
    assert machine.told("file-quarantined")[0]["torwart"]["numbers"]["links"] == 2
    assert outside.read_bytes() == CONTENT
    assert machine.observer.look(second) is Result.TOLD
    machine.obeys(machine.order(machine.told()[-1]["event"]["id"]))
    assert (second.exists(), outside.exists(), machine.held()) == (False, True, [CONTENT] * 2)


def test_a_file_that_was_renamed_since_is_found_under_its_new_name(machine: Machine) -> None:
    path, event = machine.arrives()
    path.rename(machine.stick / "other.csv")
    machine.observer.look(machine.stick / "other.csv")
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), machine.held(), list(machine.stick.glob("*.csv"))) == ([("success", "")], [CONTENT], [])


def test_one_that_was_renamed_and_not_looked_at_since_is_new_under_its_new_name(machine: Machine) -> None:
    path, event = machine.arrives()
    path.rename(machine.stick / "other.csv")
    machine.obeys(machine.order(event))
    assert machine.outcomes() == [("failure", "gone")]
    assert machine.observer.look(machine.stick / "other.csv") is Result.TOLD


def test_where_there_is_no_room_the_file_stays(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path, event = machine.arrives()
    monkeypatch.setattr(agent.aside, "SPARE_BYTES", 1 << 62)
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), path.read_bytes(), machine.held()) == ([("failure", "no_room")], CONTENT, [])


def test_a_disk_that_fills_up_while_it_is_copied_leaves_the_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path, event = machine.arrives()

    def full(target: int, piece: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(agent.aside.os, "write", full)
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), path.read_bytes(), machine.held()) == ([("failure", "no_room")], CONTENT, [])


def test_a_place_from_which_nothing_can_be_removed_keeps_its_file_and_no_copy_stays(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, event = machine.arrives()
    unlink = os.unlink

    def read_only(name: Any, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None:
            raise OSError(errno.EROFS, "read-only file system")
        unlink(name)

    monkeypatch.setattr(agent.aside.os, "unlink", read_only)
    machine.obeys(machine.order(event))
    assert (machine.outcomes(), path.read_bytes(), machine.held()) == ([("failure", "not_removable")], CONTENT, [])


def test_a_copy_that_is_gone_cannot_be_given_back_and_that_is_said(machine: Machine) -> None:
    path, event = machine.arrives()
    machine.obeys(machine.order(event))
    (machine.state / "aside" / event).unlink()
    machine.obeys(machine.order(event, Verb.RELEASE))
    assert machine.outcomes("file-released") == [("failure", "copy_gone")]
    assert not path.exists()


def _killed_at(line: int, folder: Path, key: Any, order: Any) -> bool:
    """Obey in a process of its own that is killed before this line; False: it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            made = Machine(folder, key=key)
            made.offers(order)
            left = line

            def trace(frame: FrameType, what: str, _argument: object) -> Any:
                nonlocal left
                if not frame.f_code.co_filename.endswith(TRACED):
                    return None
                if what == "line":
                    left -= 1
                    if left < 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                return trace

            sys.settrace(trace)
            made.orders.step()
            sys.settrace(None)
            made.close()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.parametrize("verb", list(Verb))
def test_killed_before_any_line_nothing_is_lost_and_the_outcome_is_told_once(tmp_path: Path, verb: Verb) -> None:
    line, killed = 0, True
    while killed:
        folder = tmp_path / str(line)
        made = Machine(folder)
        path, event = made.arrives()
        if verb is Verb.RELEASE:
            made.obeys(made.order(event))
        order = made.order(event, verb)
        made.close()
        killed = _killed_at(line, folder, made.key, order)
        copies = [one for one in (path, folder / "state" / "aside" / event) if one.exists() and one.read_bytes() == CONTENT]
        assert copies, f"lost before line {line}"
        again = Machine(folder, key=made.key)
        again.obeys(*([order] if again.journal.last() < order.counter else []))  # what was not taken before the kill is offered still
        again.obeys()
        (kept,) = again.journal.all()
        done = "file-quarantined" if verb is Verb.QUARANTINE else "file-released"
        assert again.outcomes(done) == [("success", "")], line
        assert again.refusals() == [], line
        if verb is Verb.QUARANTINE:
            assert (kept.state, path.exists(), again.held()) == (ASIDE, False, [CONTENT]), line
        else:
            assert (kept.state, path.read_bytes(), again.held()) == (GIVEN, CONTENT, []), line
            assert sorted(one.name for one in (folder / "stick").iterdir()) == [path.name], line
            assert again.observer.look(path) is Result.KNOWN, line
        again.close()
        line += 1
    assert line > 100
