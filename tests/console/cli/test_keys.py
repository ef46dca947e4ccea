"""`torwart keys`, run as a command on a real installation."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from auth.installation import template
from console.cli import keys, people
from console.cli.house import open_house
from deploy.demo.software_key import SoftwareKey

ORIGIN = "http://torwart.localhost:8401"


def _run(app: Any, config: Path, *words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--config", str(config)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_key_is_listed_and_locked(tmp_path: Path) -> None:
    config = tmp_path / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    _run(people.app, config, "add", "Anna Feldmann", "anna@firma.example", "--role", "manager")
    link = json.loads(_run(people.app, config, "token", "anna@firma.example", "--json"))["link"]
    with open_house(config) as house:
        token = link.rpartition("/")[2]
        options, _ = house.keys.begin_registration(token)
        house.keys.complete_registration(token, SoftwareKey().create(options, ORIGIN), "YubiKey")
    (key,) = json.loads(_run(keys.app, config, "list", "anna@firma.example", "--json"))["keys"]
    assert (key["label"], key["locked"], key["name"]) == ("YubiKey", None, "Anna Feldmann")
    _run(keys.app, config, "lock", key["id"])
    (key,) = json.loads(_run(keys.app, config, "list", "--json"))["keys"]
    assert key["locked"] == "administrator"
    assert key["pseudonym"] in _run(keys.app, config, "list")


def test_an_unknown_key_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    result = CliRunner().invoke(keys.app, ["lock", "none", "--config", str(config)])
    assert result.exit_code == 2
    assert "torwart keys list" in result.stderr
