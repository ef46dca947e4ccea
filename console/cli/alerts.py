"""`torwart alerts`: what is open, why, and closing with a verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from audit_store.alerts import OPEN_STATES, AlertError, Alerts
from audit_store.tables import Alert
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json
from console.alert_view import reasons_of
from console.cli.house import House, open_house, print_table
from detectors.base import sentence

app = typer.Typer(help="Alerts: what is open, why, and closing with a verdict.", no_args_is_help=True)


COMMAND_LINE = "command-line"
"""Who closed it, where no person has signed in."""


class Verdict(StrEnum):
    """How an alert ends."""

    CONFIRMED = "confirmed"
    EXPLAINED = "explained"
    FALSE = "false"


@app.command("list")
def list_alerts(
    config: Config = DEFAULT_CONFIG,
    all_of_them: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: Json = False,
) -> None:
    """Open alerts, the newest first."""
    with open_house(config) as house:
        listed = [alert for alert in house.alerts.list() if all_of_them or alert.state in OPEN_STATES]
        house.looked_at("alerts", [alert.pseudonym for alert in listed])
        if as_json:
            print_json({"alerts": [_as_json(alert, house.installation.language) for alert in listed]})
            return
        rows = [(alert.id, alert.severity, alert.state, alert.pseudonym, _moment(alert), _short(alert, house)) for alert in listed]
    print_table(("alert", "severity", "state", "person", "last", "why"), rows)


@app.command()
def show(alert_id: Annotated[str, typer.Argument(metavar="ALERT")], config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """One alert with its reasons."""
    with open_house(config) as house:
        alert = _known(house.alerts, alert_id)
        house.looked_at(alert.pseudonym)
        if as_json:
            print_json(_as_json(alert, house.installation.language))
            return
        print(f"{alert.id}  {alert.severity}  {alert.state}  {alert.pseudonym}  {_moment(alert)}")
        for said in _sentences(alert, house.installation.language):
            print(f"- {said}")
        print(f"{house.installation.torwart_url}/alerts/{alert.id}")


@app.command()
def close(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT")],
    verdict: Annotated[Verdict, typer.Argument(help="confirmed, explained or false.")],
    note: Annotated[str, typer.Option("--note", help="What you found out; it stays with the alert.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Close an alert with a verdict and a note."""
    with open_house(config) as house:
        alert = _known(house.alerts, alert_id)
        if alert.state not in OPEN_STATES:
            fail(f"alert {alert_id} is closed already ({alert.state})")
        if not note.strip():
            fail("a verdict needs a note: say what you found out")
        try:
            house.alerts.close(alert.id, verdict.value, COMMAND_LINE, note.strip())
        except AlertError as error:
            fail(str(error))
    print(f"closed: {alert_id} ({verdict.value})")


def _known(alerts: Alerts, alert_id: str) -> Alert:
    found = alerts.get(alert_id)
    return found if found is not None else fail(f"there is no alert {alert_id!r}: `torwart alerts list --all` names all")


def _sentences(alert: Alert, language: str) -> list[str]:
    return [sentence(reason.rule, reason.code, reason.numbers, language) for reason in reasons_of(alert)]


def _short(alert: Alert, house: House) -> str:
    said = _sentences(alert, house.installation.language)
    return said[0] + (f" (+{len(said) - 1})" if len(said) > 1 else "") if said else ""


def _moment(alert: Alert) -> str:
    return f"{alert.updated_at.astimezone():%Y-%m-%d %H:%M}"


def _as_json(alert: Alert, language: str) -> dict[str, Any]:
    return {
        "id": alert.id,
        "person": alert.pseudonym,
        "severity": alert.severity,
        "state": alert.state,
        "opened_at": alert.opened_at.isoformat(),
        "updated_at": alert.updated_at.isoformat(),
        "reasons": [
            {"rule": reason.rule, "code": reason.code, "numbers": dict(reason.numbers), "text": said}
            for reason, said in zip(reasons_of(alert), _sentences(alert, language), strict=True)
        ],
    }
