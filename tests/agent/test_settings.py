"""`agent.yaml`: every fault at once, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import Kind, read_settings
from auth.config_file import ConfigError

GOOD = """\
url: https://Torwart.firma.example/
state: state
watch:
  - path: /media
    place: removable
  - {path: ~/Downloads, place: folder, label: Downloads}
"""


def read(folder: Path, text: str) -> list[str]:
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read_settings(path)
    except ConfigError as error:
        return [line.partition("agent.yaml:")[2] for line in error.errors]
    return []


def test_a_good_file_is_read_with_absolute_paths(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == []
    found = read_settings(tmp_path / "agent.yaml")
    assert found.url == "https://torwart.firma.example"
    assert found.state == tmp_path / "state"
    assert [(place.path, place.place) for place in found.watch] == [
        (Path("/media"), Kind.REMOVABLE),
        (Path("~/Downloads").expanduser(), Kind.FOLDER),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://Torwart.firma.example/", "http://torwart.firma.example", "1: url: must be https"),
        ("https://Torwart.firma.example/", "ftp://x", "1: url: must be Torwart's address"),
        ("https://Torwart.firma.example/", "https://torwart.firma.example/x", "1: url: must be Torwart's address"),
        ("state: state\n", "", "1: state is missing"),
        ("state: state", "state: /media/state", "1: the file: the state folder and the watched folder /media lie in one another"),
        ("place: removable", "place: stick", "3: watch.0.place: Input should be 'removable' or 'folder'"),
        ("label:", "labl:", "3: watch.1.labl is not known — did you mean label?"),
        ("state: state", "stat: state", "2: stat is not known — did you mean state?"),
        (
            "  - path: /media\n    place: removable\n",
            "  - {path: ~/Downloads, place: removable}\n",
            "1: the file: a folder is named twice under watch",
        ),
    ],
)
def test_a_fault_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = read(tmp_path, GOOD.replace(old, new))
    assert any(line.startswith(said) for line in found), found


@pytest.mark.parametrize("text", ["", "[]", "url: [", "watch: 7\nstate: 7\nurl: 7", "\0"])
def test_a_file_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text)
