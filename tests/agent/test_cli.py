"""The agent's command: it says what is missing, and never pretends to watch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from agent.cli import app

RUN = CliRunner()


def write(folder: Path) -> Path:
    config = folder / "agent.yaml"
    text = f"url: http://torwart.localhost:9\nstate: state\nwatch:\n  - path: {folder / 'stick'}\n    place: removable\n"
    config.write_text(text, encoding="utf-8")
    return config


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_machine_that_is_not_enrolled_is_not_watched_and_the_command_says_so(tmp_path: Path, command: str) -> None:
    done = RUN.invoke(app, [command, "--config", str(write(tmp_path))])
    assert done.exit_code == 2
    assert "not enrolled" in done.output


def test_without_a_configuration_the_command_says_how_to_get_one(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["run", "--config", str(tmp_path / "agent.yaml")])
    assert done.exit_code == 2
    assert "torwart-agent enrol --url" in done.output


def test_an_enrolment_that_reaches_nobody_keeps_the_key_and_fails(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["enrol", "--token", "x", "--config", str(write(tmp_path))])
    assert done.exit_code == 2
    assert "cannot be reached" in done.output
    assert (tmp_path / "state" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "state" / "agent.json").exists()


def test_enrol_writes_a_configuration_that_can_be_read_whatever_the_folder_is_called(tmp_path: Path) -> None:
    odd = tmp_path / 'a "stick": # né'
    config = tmp_path / "agent.yaml"
    done = RUN.invoke(
        app, ["enrol", "--url", "http://torwart.localhost:9/", "--token", "x", "--removable", str(odd), "--config", str(config)]
    )
    assert "cannot be reached" in done.output
    assert str(odd).replace('"', '\\"') in config.read_text(encoding="utf-8")


def test_a_configuration_that_enrol_wrote_in_vain_is_not_read_in_place_of_what_is_typed_next(tmp_path: Path) -> None:
    words = ["enrol", "--url", "http://torwart.localhost:9/", "--token", "x", "--config", str(tmp_path / "agent.yaml"), "--folder"]
    assert "lie in one another" in RUN.invoke(app, [*words, str(tmp_path)]).output
    assert "cannot be reached" in RUN.invoke(app, [*words, str(tmp_path / "downloads")]).output


def test_the_status_is_one_document_for_programs(tmp_path: Path) -> None:
    config = write(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "agent.json").write_text(json.dumps({"agent": "00ff", "pseudonym": "P-00000001", "url": "http://torwart.localhost:9"}))
    done = RUN.invoke(app, ["status", "--json", "--config", str(config)])
    assert done.exit_code == 1
    assert json.loads(done.output)["running"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "http://other.localhost:9"], "for http://torwart.localhost:9, not http://other.localhost:9"),
        (["--url", "http://torwart.localhost:9", "--folder", "elsewhere"], "elsewhere is not watched as folder in it"),
        (["--removable", "elsewhere"], "elsewhere is not watched as removable in it"),
    ],
)
def test_what_is_typed_beside_a_file_that_says_something_else_is_not_passed_over(tmp_path: Path, words: list[str], said: str) -> None:
    done = RUN.invoke(app, ["enrol", "--token", "x", "--config", str(write(tmp_path)), *words])
    assert (done.exit_code, said in done.output) == (2, True)
    assert not (tmp_path / "state").exists()


def test_what_is_typed_again_as_the_file_says_it_is_tried_again(tmp_path: Path) -> None:
    words = ["--url", "http://Torwart.localhost:9/", "--removable", str(tmp_path / "stick")]
    done = RUN.invoke(app, ["enrol", "--token", "x", "--config", str(write(tmp_path)), *words])
    assert "cannot be reached" in done.output


def test_the_status_says_that_the_disk_is_full_which_the_agent_cannot_write_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(tmp_path)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "agent.json").write_text(
        json.dumps({"agent": "00ff", "pseudonym": "P-00000001", "url": "http://torwart.localhost:9"})
    )
    assert "disk:" not in RUN.invoke(app, ["status", "--config", str(config)]).output
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=7 * 1024))
    done = RUN.invoke(app, ["status", "--config", str(config)])
    assert (done.exit_code, "has 7 KiB left: make room" in done.output) == (1, True)
