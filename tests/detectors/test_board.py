from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detectors import board as board_module
from detectors.board import LEAST, SIZE, Board, seen
from detectors.budget import Limits
from detectors.frames import FrameError
from detectors.scanner import Scanner
from detectors.worker import _laid
from tests.services.firm_base import MAILS, Firm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has memory that is sealed")

NOBODYS = b"Sehr geehrte Damen und Herren, anbei unser Angebot. "


def of_size(size: int, *, ends: bytes = b"") -> bytes:
    """A text of so many bytes that ends with these."""
    return (NOBODYS * (size // len(NOBODYS) + 1))[: size - len(ends)] + ends


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.make()
    assert made is not None
    yield made
    made.close()


def test_what_is_laid_down_is_seen_at_the_other_end_and_nothing_of_what_lay_there_before(board: Board) -> None:
    other = seen(board.descriptor)
    assert other is not None
    for content in (of_size(SIZE), of_size(LEAST, ends=b"!"), memoryview(of_size(50_000, ends=b"?"))):
        assert board.put(content)
        assert _laid(other, len(content)) == content


def test_what_is_too_small_or_too_large_goes_another_way(board: Board) -> None:
    assert not board.put(b"x" * (LEAST - 1))
    assert not board.put(b"x" * (SIZE + 1))
    board.given()


@pytest.mark.parametrize(
    "attack",
    [
        lambda descriptor: os.write(descriptor, b"x"),
        lambda descriptor: os.ftruncate(descriptor, 1),
        lambda descriptor: os.ftruncate(descriptor, 2 * SIZE),
        lambda descriptor: mmap.mmap(descriptor, SIZE),
        lambda descriptor: os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR | os.O_TRUNC)),
    ],
    ids=["write", "cut off", "grow", "map to write", "open anew"],
)
def test_whoever_is_given_it_can_only_read(attack: Callable[[int], object], board: Board) -> None:
    with pytest.raises(PermissionError):
        attack(board.descriptor)
    board.given()


def test_what_is_mapped_to_be_read_cannot_be_made_writable(board: Board) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    place = libc.mmap(None, SIZE, mmap.PROT_READ, mmap.MAP_SHARED, board.descriptor, 0)
    assert libc.mprotect(place, SIZE, mmap.PROT_READ) == 0
    assert libc.mprotect(place, SIZE, mmap.PROT_READ | mmap.PROT_WRITE) == -1
    board.given()


def test_a_worker_holds_it_to_be_read_and_has_no_descriptor_of_it(scanner: Scanner) -> None:
    for pid in scanner.pids:
        rights = [line.split()[1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "torwart-board" in line]
        assert rights == ["r--s"]
        files = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]  # noqa: PTH115 # memory has no path
        assert files
        assert not any("torwart-board" in file for file in files)


def test_contents_of_every_size_are_read_whole_whichever_way_they_go(scanner: Scanner) -> None:
    for size in (LEAST - 1, LEAST, LEAST + 1, SIZE - 1, SIZE, SIZE + 1):
        assert len(scanner.scan_blocking(of_size(size, ends=b" " + MAILS[0].encode())).clients) == 1
        assert scanner.scan_blocking(of_size(LEAST)).clean


def test_without_such_memory_contents_go_through_the_pipe(client_base: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_SEAL_FUTURE_WRITE", 1 << 30)  # a kernel that does not know it refuses
    assert Board.make() is None
    scanner = Scanner(client_base.index, Limits(), workers=1)
    try:
        assert len(scanner.scan_blocking(of_size(100_000, ends=b" " + MAILS[0].encode())).clients) == 1
    finally:
        scanner.close()


def test_less_than_was_said_is_no_content(board: Board) -> None:
    with pytest.raises(FrameError):
        _laid(seen(board.descriptor), SIZE + 1)
    with pytest.raises(FrameError):
        _laid(seen(None), 1)
