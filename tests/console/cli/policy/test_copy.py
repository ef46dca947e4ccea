"""`torwart policy copy`: what is in force, as files to edit."""

from pathlib import Path

from policies.store import SHIPPED
from tests.console.cli.policy.firm import install, run


def test_the_files_in_force_are_there_to_edit_and_pass_as_they_are(tmp_path: Path) -> None:
    config, mine = install(tmp_path), tmp_path / "mine"
    run("activate", SHIPPED, "--config", config)
    run("copy", mine, "--config", config)
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == {path.name: path.read_bytes() for path in SHIPPED.glob("*.yaml")}
    run("test", mine)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    config, mine = install(tmp_path), tmp_path / "mine"
    run("activate", SHIPPED, "--config", config)
    mine.mkdir()
    result = run("copy", mine, "--config", config, code=2)
    assert "exists already" in result.stderr
    assert list(mine.iterdir()) == []


def test_where_nothing_is_in_force_it_says_what_to_do(tmp_path: Path) -> None:
    result = run("copy", tmp_path / "mine", "--config", install(tmp_path), code=2)
    assert "torwart policy activate" in result.stderr
