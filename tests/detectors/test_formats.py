"""Formats and decoders are found by walking their folders."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from detectors.formats import FormatError, decoders, formats, load_decoders, load_formats

GOOD = (
    "from detectors.formats import Format, Layer\n"
    "FORMAT = Format({name!r}, Layer.ARCHIVE, lambda content, said: False, lambda content, said, budget: iter(()), order={order})\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = ModuleType("made_up_formats")
    package.__path__ = [str(tmp_path / "made_up_formats")]
    (tmp_path / "made_up_formats").mkdir()
    monkeypatch.setitem(sys.modules, package.__name__, package)
    for name in ("one", "two"):
        monkeypatch.delitem(sys.modules, f"made_up_formats.{name}", raising=False)
    return package


def put(folder: ModuleType, name: str, text: str) -> None:
    (Path(folder.__path__[0]) / f"{name}.py").write_text(text, encoding="utf-8")


def test_the_formats_of_the_house_are_there() -> None:
    assert [one.name for one in formats()[:2]] == ["office", "multipart"]
    assert {one.name for one in formats()} >= {"zip", "pdf", "ole", "tar", "compressed", "picture", "sealed"}
    assert {one.name for one in decoders()} >= {"base64", "base32", "hexadecimal", "percent", "quoted_printable", "backslash", "markup"}


def test_a_format_is_one_file_and_its_order_counts(folder: ModuleType) -> None:
    put(folder, "one", GOOD.format(name="late", order=60))
    put(folder, "two", GOOD.format(name="early", order=10))
    assert [one.name for one in load_formats(folder)] == ["early", "late"]


def test_a_name_that_is_there_twice_stops_the_start(folder: ModuleType) -> None:
    put(folder, "one", GOOD.format(name="zip", order=1))
    put(folder, "two", GOOD.format(name="zip", order=2))
    with pytest.raises(FormatError, match="there twice"):
        load_formats(folder)


def test_a_file_without_its_constant_and_an_empty_folder_stop_the_start(folder: ModuleType) -> None:
    with pytest.raises(FormatError, match="is empty"):
        load_formats(folder)
    put(folder, "one", GOOD.format(name="zip", order=1))
    with pytest.raises(FormatError, match="has no DECODER"):
        load_decoders(folder)
