"""`torwart keys`, run as a command on a real installation."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit_store.alerts import Signal
from auth.command_line import out
from auth.installation import template
from console.cli import keys, people
from console.cli.house import open_house
from deploy.demo.software_key import Lies, SoftwareKey
from tests.audit_store.acts import NOW
from tests.services.maker import AAGUID, Maker

EXAMPLE = json.loads((Path(__file__).parents[2] / "data" / "mds3_example.json").read_text(encoding="utf-8"))["data"]
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


def test_of_a_key_of_the_envelope_it_says_how_long_it_lasts(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=4)
    with open_house(config) as house:
        (anna,) = house.people.all()
        token = house.keys.enrolment.issue(anna.id, None, 4, lent_until=until)
        options, _ = house.keys.begin_registration(token)
        house.keys.complete_registration(token, SoftwareKey().create(options, ORIGIN))
    (key,) = json.loads(_run(keys.app, config, "list", "--json"))["keys"]
    assert datetime.fromisoformat(key["lent_until"]) == until
    monkeypatch.setattr(out, "width", 250)
    assert f"of the emergency envelope until {key['lent_until']}" in _run(keys.app, config, "list")


def test_an_unknown_key_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    result = CliRunner().invoke(keys.app, ["lock", "none", "--config", str(config)])
    assert result.exit_code == 2
    assert "torwart keys list" in result.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_text(template(), encoding="utf-8")
    _run(people.app, path, "add", "Anna Feldmann", "anna@firma.example", "--role", "manager")
    return path


def _enrol(config: Path, lies: Lies | None = None, who: str = "anna@firma.example") -> str:
    with open_house(config) as house:
        token = house.keys.issue_token(house.person(who).id, None)
        options, _ = house.keys.begin_registration(token)
        return house.keys.complete_registration(token, SoftwareKey().create(options, ORIGIN, lies=lies or Lies()), "Blue").id


def _fails(config: Path, *words: str) -> str:
    result = CliRunner().invoke(keys.app, [*words, "--config", str(config)])
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


def _listed(config: Path) -> Any:
    return json.loads(_run(keys.app, config, "list", "--json"))


def test_who_has_fewer_than_two_keys_is_named(config: Path) -> None:
    assert [(one["name"], one["keys"]) for one in _listed(config)["fewer_than_two"]] == [("Anna Feldmann", 0)]
    _enrol(config)
    assert "has 1 usable keys of 2" in " ".join(_run(keys.app, config, "list").split())
    _enrol(config)
    assert _listed(config)["fewer_than_two"] == []


def test_a_list_of_models_says_what_a_key_is_worth(config: Path, tmp_path: Path) -> None:
    maker = Maker()
    root, blob = tmp_path / "root.der", tmp_path / "blob.jwt"
    root.write_bytes(maker.root)
    _enrol(config, maker.packed())
    assert _listed(config)["keys"][0]["standing"] == "no_list"
    assert "torwart keys metadata" in _fails(config, "models")
    blob.write_bytes(maker.blob(maker.entry()))
    assert "trusted root" in _fails(config, "metadata", str(blob))
    told = json.loads(_run(keys.app, config, "metadata", str(blob), "--root", str(root), "--json"))
    assert (told["number"], told["models"], told["out_of_date"], told["withdrawn_keys"]) == (7, 1, False, [])
    (key,) = _listed(config)["keys"]
    assert (key["class"], key["standing"], key["model"]) == ("verified", "trusted", "Maker Key 5")
    (model,) = json.loads(_run(keys.app, config, "models", "--json"))["models"]
    assert model == {"aaguid": AAGUID, "name": "Maker Key 5", "keys": 1, "state": "verified"}
    blob.write_bytes(maker.blob(maker.entry({"status": "REVOKED"}), number=8))
    said = _run(keys.app, config, "metadata", str(blob), "--root", str(root))
    assert "is of a model that was withdrawn: Maker Key 5" in " ".join(said.split())
    assert "withdrawn: REVOKED" in " ".join(_run(keys.app, config, "models").split())
    assert _listed(config)["keys"][0]["class"] == "hardware"
    blob.write_bytes(maker.blob(maker.entry(), number=7))
    assert "number 7, the one that is loaded has 8" in _fails(config, "metadata", str(blob), "--root", str(root))


def test_a_list_that_is_out_of_date_is_said_to_be(config: Path, tmp_path: Path) -> None:
    root, blob = tmp_path / "root.der", tmp_path / "blob.jwt"
    root.write_bytes(b64decode(EXAMPLE["EXAMPLE_CA"]))
    blob.write_text(EXAMPLE["EXAMPLE_BLOB"], encoding="ascii")
    assert "out of date since 2020-03-30" in _fails(config, "metadata", str(blob), "--root", str(root))
    said = _run(keys.app, config, "metadata", str(blob), "--root", str(root), "--out-of-date")
    assert "It is out of date" in said
    assert "is out of date since 2020-03-30" in " ".join(_run(keys.app, config, "models", "--all").split())


def _owner(config: Path) -> None:
    _run(people.app, config, "add", "Olga Brandt", "olga@firma.example", "--role", "owner")
    _enrol(config, who="olga@firma.example")


def test_a_last_key_waits_for_a_second_person(config: Path) -> None:
    _owner(config)
    first, second = _enrol(config), _enrol(config)
    assert json.loads(_run(keys.app, config, "remove", first, "--json")) == {"key": first, "state": "removed"}
    asked = json.loads(_run(keys.app, config, "remove", second, "--json"))
    assert asked["state"] == "asked"
    assert "Nothing was done yet" in _run(keys.app, config, "remove", second)
    assert second in [key["id"] for key in _listed(config)["keys"]]
    assert "torwart keys list" in _fails(config, "remove", first)


def test_a_key_under_a_serious_alert_waits_for_a_second_person(config: Path) -> None:
    _owner(config)
    assert "/enrol/" in json.loads(_run(keys.app, config, "token", "anna@firma.example", "--json"))["link"]
    with open_house(config) as house:
        anna = house.person("anna@firma.example")
        house.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, NOW, "high", "tried", {"asked": 7}))
    assert json.loads(_run(keys.app, config, "token", "anna@firma.example", "--json"))["state"] == "asked"
    result = CliRunner().invoke(people.app, ["token", "anna@firma.example", "--config", str(config)])
    assert result.exit_code == 2
    assert "second administrator" in " ".join(result.stderr.split())
