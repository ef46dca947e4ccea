"""Nobody looks at a person's data unrecorded: every page and every command that names somebody has said so before (attacks X31).

Each route and each command stands in a table here. One that is missing fails the test: whoever adds a page says how it is visited.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from fastapi.routing import APIRoute
from typer.testing import CliRunner

from audit_store.alerts import Alerts, Signal
from audit_store.database import open_database
from audit_store.event import Phase
from audit_store.spool import Spool
from auth.approval_request import ApprovalKind, Shown
from console.app import _routers
from console.cli import COMMANDS, alerts, events, keys, people, policy, quarantine, scan, trace
from gateway import index_commands
from policies.needs import Approval
from policies.request import Action
from policies.store import SHIPPED
from tests.console.cli.policy.test_diff import WORKING_HOUR, Firm, firm
from tests.services.console import Pages, deed

__all__ = ["firm"]

ROUTES = {
    (method, route.path)
    for router in _routers()
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
    if method in ("GET", "POST")
}
SIGNED = "agents sign each request; nobody reads it"
CEREMONY = "a challenge for the key of the person's own; names nobody but them"
ENDS = "leads on to another page"
OWN = "shows whoever has the secret address something about themselves"
VISITS: dict[tuple[str, str], str] = {
    ("GET", "/"): ENDS,
    ("GET", "/signin"): ENDS,
    ("POST", "/signout"): ENDS,
    ("GET", "/health"): "/health",
    ("GET", "/keys"): "/keys",
    ("POST", "/keys/{key_id}/name"): "/keys/none/name",
    ("POST", "/keys/{key_id}/remove"): "/keys/none/remove",
    ("POST", "/api/keys/begin"): CEREMONY,
    ("POST", "/api/keys/complete"): CEREMONY,
    ("POST", "/api/touch/begin"): CEREMONY,
    ("POST", "/api/touch/complete"): CEREMONY,
    ("GET", "/me"): "/me",
    ("POST", "/me/sessions/others"): "/me/sessions/others",
    ("POST", "/me/sessions/{session_id}/end"): "/me/sessions/none/end",
    ("GET", "/alerts"): "/alerts",
    ("GET", "/alerts/{alert_id}"): "/alerts/{alert}",
    ("GET", "/alerts/{alert_id}/events"): "/alerts/{alert}/events?reason=0",
    ("POST", "/alerts/{alert_id}/look"): "/alerts/{alert}/look",
    ("POST", "/alerts/{alert_id}/close"): "/alerts/{alert}/close",
    ("GET", "/events"): "/events?client=7",
    ("GET", "/people"): "/people",
    ("GET", "/people/new"): "/people/new",
    ("POST", "/people/new"): "/people/new",
    ("GET", "/people/import"): "/people/import",
    ("POST", "/people/import"): "/people/import?table",
    ("POST", "/people/import/undo"): "/people/import/undo",
    ("GET", "/people/{person_id}"): "/people/{person}",
    ("POST", "/people/{person_id}/freeze"): "/people/{person}/freeze",
    ("POST", "/people/{person_id}/unfreeze"): "/people/{person}/unfreeze",
    ("POST", "/people/{person_id}/status"): "/people/{person}/status",
    ("POST", "/people/{person_id}/change"): "/people/{person}/change",
    ("POST", "/people/{person_id}/bind"): "/people/{person}/bind",
    ("POST", "/people/{person_id}/unbind"): "/people/{person}/unbind",
    ("POST", "/people/{person_id}/leave"): "/people/{person}/leave",
    ("POST", "/people/{person_id}/drop"): "/people/{person}/drop",
    ("POST", "/people/{person_id}/level"): "/people/{person}/level",
    ("POST", "/people/{person_id}/token"): "/people/{person}/token",
    ("GET", "/people/{person_id}/key"): "/people/{person}/key",
    ("POST", "/api/people/{person_id}/witness/begin"): CEREMONY,
    ("POST", "/api/people/{person_id}/witness/complete"): CEREMONY,
    ("GET", "/approvals"): "/approvals",
    ("GET", "/approvals/{request_id}"): "/approvals/{approval}",
    ("POST", "/approvals/{request_id}/withdraw"): "/approvals/none/withdraw",
    ("POST", "/approvals/{request_id}/open"): "/approvals/none/open",
    ("POST", "/people/{person_id}/reveal"): "/people/{person}/reveal",
    ("POST", "/api/approvals/{request_id}/ask/begin"): CEREMONY,
    ("POST", "/api/approvals/{request_id}/ask/complete"): CEREMONY,
    ("POST", "/api/approvals/{request_id}/begin"): CEREMONY,
    ("POST", "/api/approvals/{request_id}/complete"): CEREMONY,
    ("GET", "/people/{person_id}/recovery"): "/people/{person}/recovery",
    ("POST", "/people/{person_id}/recovery"): "/people/{person}/recovery",
    ("POST", "/recovery/{recovery_id}/cancel"): ENDS,
    ("GET", "/codes"): "/codes",
    ("GET", "/codes/picture/{word}"): OWN,
    ("GET", "/second"): "/second",
    ("POST", "/second"): ENDS,
    ("GET", "/recover"): "/recover",
    ("POST", "/recover"): ENDS,
    ("GET", "/recover/{word}"): OWN,
    ("POST", "/recover/{word}"): ENDS,
    ("GET", "/emergency"): "/emergency",
    ("POST", "/emergency"): ENDS,
    ("POST", "/api/codes/{what}/begin"): CEREMONY,
    ("POST", "/api/codes/{what}/complete"): CEREMONY,
    ("POST", "/api/codes/totp/confirm"): CEREMONY,
    ("POST", "/api/acts/{act_id}/code"): CEREMONY,
    ("POST", "/api/acts/{act_id}/second"): CEREMONY,
    ("GET", "/why/{act_id}"): "/why/card",
    ("GET", "/act/{act_id}"): "/act/act-1",
    ("GET", "/enrol/{token}"): "/enrol/{token}",
    ("GET", "/api/alerts"): "/api/alerts",
    ("GET", "/api/alerts/{alert_id}"): "/api/alerts/{alert}",
    ("GET", "/api/acts/{act_id}"): "/api/acts/act-1",
    ("POST", "/api/acts/{act_id}/begin"): CEREMONY,
    ("POST", "/api/acts/{act_id}/complete"): CEREMONY,
    ("POST", "/api/acts/{act_id}/cancel"): CEREMONY,
    ("POST", "/api/enrol/begin"): CEREMONY,
    ("POST", "/api/enrol/complete"): CEREMONY,
    ("POST", "/api/signin/begin"): CEREMONY,
    ("POST", "/api/signin/complete"): CEREMONY,
    ("GET", "/api/agents/filter"): SIGNED,
    ("GET", "/api/agents/orders"): SIGNED,
    ("POST", "/api/agents/enrol"): SIGNED,
    ("POST", "/api/intake"): SIGNED,
}
"""Route -> how it is visited, or why it shows a visitor nothing about somebody else."""
SHOWS = {
    *("/approvals", "/approvals/{approval}"),
    *(
        "/alerts",
        "/alerts/{alert}",
        "/alerts/{alert}/events?reason=0",
        "/events?client=7",
        "/people",
        "/people/{person}",
        "/people/import?table",
    ),
    *("/why/card", "/act/act-1", "/enrol/{token}", "/people/{person}/token", "/people/{person}/recovery", "/people/{person}/key"),
}
"""Visits whose answer names the person: that they do is checked, or the test would see nothing."""
FORM = {"status": "active", "sure": "yes", "level": "normal", "days": "1", "reason": "wanted", "verdict": "false", "note": "x"} | {
    "case": "2026-17",
    "again": base64.b64encode(b"email;team\nanna@firma.example;Nord\n").decode(),
    "roles": "manager",
    "language": "de",
    "account": "x",
    "name": "x",
    "email": "x@firma.example",
}


def test_every_route_stands_in_the_table() -> None:
    assert set(VISITS) == ROUTES


@pytest.mark.parametrize(("method", "visit"), sorted((method, visit) for (method, _), visit in VISITS.items() if visit.startswith("/")))
def test_a_page_that_names_somebody_has_recorded_who_looked(pages: Pages, method: str, visit: str) -> None:
    owner, anna = pages.add("Oskar Brandt", "owner"), pages.add("Anna Feldmann")
    (card, *_) = pages.record(deed(anna, Action.READ, Phase.RELEASED, [7], at=WORKING_HOUR, act_id="card"))
    event_id = card.document["event"]["id"]
    pages.services.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, WORKING_HOUR, "medium", "tried", {"asked": 7}, (event_id,)))
    pages.hold(anna)
    (alert,) = pages.services.alerts.open_ones()
    token = pages.services.keys.issue_token(anna.id, None)
    ask = pages.services.approvals.ask
    waits = ask(kind=ApprovalKind.ACT, requester=anna.id, digest="ab" * 32, shown=Shown("export"), need=Approval())
    address = visit.format(alert=alert.id, person=anna.id, token=token, approval=waits.id)
    client = pages.client(owner)
    before = pages.services.spool.head().sequence
    answer = client.get(address) if method == "GET" else client.post(address, data={**FORM, "csrf": pages.csrf(client)})
    assert answer.status_code in (200, 303), (address, answer.status_code)
    named = any(mark in answer.text for mark in ("Anna", anna.pseudonym, "/why/card"))
    assert named == (visit in SHOWS)
    assert not named or any(_is_look_at(row.canonical, anna.pseudonym, owner.pseudonym) for row in pages.services.spool.read(before, 100))


def _is_look_at(canonical: bytes, subject: str, viewer: str | None) -> bool:
    document = json.loads(canonical)
    ours = document["torwart"]
    return (
        document["event"]["action"] == "record-viewed"
        and document.get("user", {}).get("id") == viewer
        and subject in (ours["subject"], *ours.get("words", {}).get("about", "").split())
    )


APPS: dict[str, typer.Typer] = {
    "policy": policy.app,
    "people": people.app,
    "keys": keys.app,
    "index": index_commands.app,
    "scan": scan.app,
    "trace": trace.app,
    "events": events.app,
    "alerts": alerts.app,
    "quarantine": quarantine.app,
}
NOTHING = "says nothing about a person"
CHANGES = "changes something about the person, and that is an event about them"
ELSEWHERE = "tests/console/cli: on files with exports of somebody"
LINES: dict[str, tuple[str, ...] | str] = {
    "policy check": NOTHING,
    "policy test": NOTHING,
    "policy show": NOTHING,
    "policy copy": NOTHING,
    "policy plan": NOTHING,
    "policy versions": NOTHING,
    "policy activate": NOTHING,
    "policy rollback": NOTHING,
    "policy diff": ("policy", "diff", "{rules}"),
    "policy explain": ("policy", "explain", "act1"),
    "people list": ("people", "list"),
    "people devices": ("people", "devices"),
    "people add": CHANGES,
    "people totp": ("people", "totp", "anna"),
    "people codes": CHANGES,
    "people recover": CHANGES,
    "people break-glass": NOTHING,
    "people drill": ("people", "drill", "--no-mail"),
    "people status": CHANGES,
    "people change": CHANGES,
    "people unbind": CHANGES,
    "people leave": CHANGES,
    "people plans": ("people", "plans"),
    "people accounts": ("people", "accounts"),
    "people import": "tests/console/cli/test_people_import.py: needs a table; a preview is a look, the rest changes",
    "people level": CHANGES,
    "people freeze": CHANGES,
    "people unfreeze": CHANGES,
    "people bind": CHANGES,
    "people assign": NOTHING,
    "people token": CHANGES,
    "people device": CHANGES,
    "people proxy": CHANGES,
    "people erase": CHANGES,
    "people check": ("people", "check"),
    "people accept": CHANGES,
    "people sessions": ("people", "sessions", "{pseudonym}"),
    "people access": "writes a file, and that is an event about the person",
    "keys list": ("keys", "list"),
    "keys lock": CHANGES,
    "keys remove": CHANGES,
    "keys token": CHANGES,
    "keys metadata": "tests/console/cli/test_keys.py: needs a list; names whose key is of a model that was withdrawn",
    "keys models": NOTHING,
    "index build": NOTHING,
    "index stats": NOTHING,
    "index probe": NOTHING,
    "scan": ELSEWHERE,
    "trace": ELSEWHERE,
    "events tail": ("events", "tail"),
    "events search": ("events", "search", "--client", "7"),
    "events timeline": ("events", "timeline", "--client", "7"),
    "events verify": NOTHING,
    "events reindex": NOTHING,
    "events export": "writes the whole record into a file, and that is an event",
    "events prove": "tests/console/cli/test_events_verify.py: needs a signed statement",
    "events places": NOTHING,
    "events key": NOTHING,
    "events spools": NOTHING,
    "events retention": NOTHING,
    "events elastic-install": NOTHING,
    "events elastic-check": NOTHING,
    "alerts list": ("alerts", "list"),
    "alerts show": ("alerts", "show", "{alert}"),
    "alerts close": CHANGES,
    "quarantine list": ("quarantine", "list"),
    "quarantine release": CHANGES,
}
"""Command -> how it is called, or why it shows nobody's data unrecorded."""
NAMES_NOBODY_HERE = {"people check", "people devices", "people plans", "people sessions", "quarantine list"}
"""Of what they list, this installation has nothing."""


def _commands() -> set[str]:
    found: set[str] = set()
    for name, app in APPS.items():
        command = typer.main.get_command(app)
        below: dict[str, Any] = getattr(command, "commands", {})
        found |= {f"{name} {one}" for one in below} or {name}
    return found


def test_every_command_stands_in_the_table() -> None:
    assert set(APPS) == set(COMMANDS) - {"init", "up"}
    assert _commands() == set(LINES)


@pytest.fixture
def busy(firm: Firm) -> tuple[Firm, str]:
    """With an export that is in the record and in an alert."""
    firm.record(firm.export("act1", 250, before=100))
    engine = open_database(firm.folder / "state" / "torwart.db")
    raised = Alerts(engine, lambda _event: None).raise_or_grow(
        Signal("export_try", firm.pseudonym, WORKING_HOUR, "high", "tried", {"asked": 7})
    )
    engine.dispose()
    return firm, raised.id


@pytest.mark.parametrize("command", sorted(command for command, line in LINES.items() if isinstance(line, tuple)))
def test_a_command_that_names_somebody_has_recorded_the_look(busy: tuple[Firm, str], command: str) -> None:
    firm, alert = busy
    name, *words = LINES[command]
    filled = [word.format(alert=alert, rules=_stricter(firm.folder), pseudonym=firm.pseudonym) for word in words]
    before = len(_stored(firm))
    result = CliRunner().invoke(APPS[name], [*filled, "--config", str(firm.folder / "torwart.yaml")])
    assert result.exit_code in (0, 1), result.output
    named = "Anna" in result.stdout or firm.pseudonym in result.stdout
    assert named == (command not in NAMES_NOBODY_HERE), result.stdout
    assert not named or any(_is_look_at(one, firm.pseudonym, None) for one in _stored(firm)[before:])


def _stored(firm: Firm) -> list[bytes]:
    spool = Spool.open(firm.folder / "state" / "spool" / "cli", "cli")
    try:
        return [row.canonical for row in spool.read(0, 1_000)]
    finally:
        spool.close()


def _stricter(folder: Path) -> Path:
    """The shipped rules with a manager's limit of exports that the recorded one is above."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for path in SHIPPED.glob("*.yaml"):
        text = re.sub(r"counter: exported_day, percent: \d+", "counter: exported_day, percent: 1", path.read_text())
        (rules / path.name).write_text(text)
    return rules
