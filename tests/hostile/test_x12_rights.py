"""X12: rows in the database are authority, so nobody else may write them: open rights on the state folder stop everything."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auth.installation import ConfigError, check_rights, template
from console.cli.people import app

SENSITIVE = ["torwart.db", "keys/pseudonym.key", "keys/credential.key", "spool/cli", "."]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An installation as a command leaves it behind."""
    path = tmp_path / "torwart.yaml"
    path.write_text(template(), encoding="utf-8")
    added = CliRunner().invoke(app, ["add", "Anna", "anna@firma.example", "--role", "manager", "--config", str(path)])
    assert added.exit_code == 0, added.output
    return path


def test_everything_that_torwart_makes_is_for_itself_alone(config: Path) -> None:
    state = config.parent / "state"
    check_rights(state)
    for path in (state, *state.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("name", SENSITIVE)
@pytest.mark.parametrize("right", [0o040, 0o004, 0o020, 0o002, 0o001])
def test_a_single_open_right_stops_the_start_with_the_command_to_type(config: Path, name: str, right: int) -> None:
    path = config.parent / "state" / name
    path.chmod(path.stat().st_mode & 0o777 | right)
    with pytest.raises(ConfigError) as told:
        check_rights(config.parent / "state")
    (line,) = told.value.errors
    assert f"chmod {'700' if path.is_dir() else '600'} {path.resolve()}" in line
    result = CliRunner().invoke(app, ["list", "--config", str(config)])
    assert result.exit_code == 2


def test_a_link_out_of_the_folder_stops_the_start(config: Path, tmp_path: Path) -> None:
    database = config.parent / "state" / "torwart.db"
    elsewhere = tmp_path / "elsewhere.db"
    database.rename(elsewhere)
    database.symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="is a link"):
        check_rights(config.parent / "state")
