"""`torwart alerts`, run as a command on a real installation."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from audit_store.alerts import Signal
from auth.installation import template
from console.cli.alerts import app
from console.cli.house import open_house


class Shell:
    """Runs the command on one installation that has one alert."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "torwart.yaml"
        self.config.write_text(template(), encoding="utf-8")
        numbers: dict[str, int | str] = {"asked": 3_000, "share": 100}
        with open_house(self.config) as house:
            signal = Signal("mass_export", "P-7F3A91C2", datetime.now(UTC), "high", "export_stopped", numbers, ("e1",))
            self.alert_id = house.alerts.raise_or_grow(signal).id

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def listed(self, *words: str) -> list[dict[str, Any]]:
        result = self("list", "--json", *words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["alerts"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_open_alerts_are_listed_with_their_reasons_in_words(shell: Shell):
    (alert,) = shell.listed()
    assert (alert["person"], alert["severity"], alert["state"]) == ("P-7F3A91C2", "high", "open")
    assert alert["reasons"][0]["text"] == "3.000 Kunden angefragt und angehalten, 100 % des Bestands."
    assert "P-7F3A91C2" in shell("list").output


def test_one_alert_is_shown_with_the_address_of_its_page(shell: Shell):
    said = shell("show", shell.alert_id).output
    assert "3.000 Kunden angefragt" in said
    assert f"http://torwart.localhost:8401/alerts/{shell.alert_id}" in said


def test_closing_takes_a_verdict_and_a_note(shell: Shell):
    assert shell("close", shell.alert_id, "explained", "--note", "  ").exit_code == 2
    assert shell("close", shell.alert_id, "nonsense", "--note", "x").exit_code == 2
    assert shell("close", shell.alert_id, "explained").exit_code == 2
    assert len(shell.listed()) == 1
    assert shell("close", shell.alert_id, "explained", "--note", "Rundschreiben").exit_code == 0
    assert shell.listed() == []
    assert [alert["state"] for alert in shell.listed("--all")] == ["explained"]


def test_a_closed_alert_is_not_closed_again(shell: Shell):
    shell("close", shell.alert_id, "false", "--note", "x")
    assert shell("close", shell.alert_id, "confirmed", "--note", "y").exit_code == 2
    assert shell.listed("--all")[0]["state"] == "false"


def test_an_unknown_alert_is_one_clear_line(shell: Shell):
    result = shell("show", "nothing")
    assert result.exit_code == 2
    assert "torwart alerts list --all" in result.output
