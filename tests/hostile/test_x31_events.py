"""No event says who somebody is: no name, address, account, machine or words of a person, whoever records it (attacks X31).

Two ways: every call of a builder in the source is read, and a firm's life is lived with words that must not turn up.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.alerts import Signal
from audit_store.event import EventAction, Phase
from auth.agents import Agents
from auth.erasure import erase
from auth.people import PeopleError
from auth.people_import import Imports
from auth.person_values import PersonChange
from policies.request import Action, Level, Status
from tests.services.console import Pages, deed

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "audit_store", "auth", "console", "detectors", "gateway", "policies")
PERSONAL = frozenset({"name", "email", "account", "label", "note", "reason", "status_reason", "said", "team", "territory", "path"})
"""Members of rows and requests that say who somebody is, or hold what somebody wrote."""
CODES = {("console/checkpoints.py", "_say", "name"): "of a place outside, of which only the kind is recorded: folder or mail"}
"""Members that are called so and say nothing about a person."""
PLANT = "plant"
"""Stands in every word about a person below."""
ELSEWHERE = {
    "what the CRM and the way out answer (tests/audit_store/test_event.py plants values in every field of a request)": {
        *(EventAction.LOGIN, EventAction.LOGIN_FAILED, EventAction.LOGOUT, EventAction.REFUSED),
        *(EventAction.CONNECTION_REFUSED, EventAction.TUNNEL_UNREAD),
    },
    "what agents say (tests/hostile/test_x22_agent_words.py)": {
        *(EventAction.FILE_SEEN, EventAction.AGENT_STARTED, EventAction.AGENT_STOPPED, EventAction.AGENT_LOSS, EventAction.AGENT_REFUSED),
        *(EventAction.FILE_QUARANTINED, EventAction.FILE_RELEASED, EventAction.ORDER_REFUSED, EventAction.QUARANTINE_ORDERED),
        *(EventAction.RELEASE_ORDERED, EventAction.AGENT_ENROLLED),
    },
    "about no person": {
        *(EventAction.GATEWAY_STARTED, EventAction.GATEWAY_STOPPED, EventAction.SELF_TEST, EventAction.INDEX_BUILT),
        *(EventAction.OUTSIDE_PLACE, EventAction.CHECKPOINT_KEY_CHANGED, EventAction.EVENTS_REMOVED),
        *(EventAction.STORE_ALARM, EventAction.POLICY_ACTIVATED, EventAction.POLICY_REFUSED),
    },
    "ids, digests and codes beside the pseudonym, words sealed (tests/auth/test_approvals.py, tests/auth/test_reveals.py)": {
        *(EventAction.APPROVAL_ASKED, EventAction.APPROVAL_NOTICED, EventAction.APPROVAL_GIVEN, EventAction.APPROVAL_TURNED_DOWN),
        *(EventAction.APPROVAL_REFUSED, EventAction.APPROVAL_TAKEN, EventAction.APPROVAL_ENDED, EventAction.APPROVAL_DOUBTED),
        EventAction.NAME_REVEALED,
    },
    "a code and an id beside the pseudonym (tests/auth, tests/console/test_notify.py)": {
        *(EventAction.KEY_ENROLLED, EventAction.KEY_REFUSED, EventAction.KEY_LOCKED, EventAction.STEP_UP_CONFIRMED),
        *(EventAction.KEY_REMOVED, EventAction.KEY_METADATA_LOADED),
        *(EventAction.TOTP_ENROLLED, EventAction.TOTP_REMOVED, EventAction.TOTP_LOCKED, EventAction.CODE_REFUSED),
        *(EventAction.SECOND_ROAD_OPENED, EventAction.RECOVERY_CODES_ISSUED, EventAction.RECOVERY_OPENED, EventAction.RECOVERY_ENDED),
        *(EventAction.BREAK_GLASS_SEALED, EventAction.BREAK_GLASS_USED, EventAction.BREAK_GLASS_ENDED, EventAction.RECOVERY_NOTIFIED),
        *(EventAction.AUTHORITY_ALARM, EventAction.ENROLMENT_WITNESSED),
        *(EventAction.STEP_UP_REFUSED, EventAction.ALERT_NOTIFIED, EventAction.PERSON_DISCLOSED, EventAction.AGENT_REMOVED),
    },
}
"""Kinds of events that the life below does not make, and where they are tested."""


def _calls() -> Iterator[tuple[str, str, ast.AST]]:
    """File, function and whatever flows into subject and numbers of each `plain_event`."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    for call in ast.walk(function):
                        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "plain_event":
                            yield from ((str(path.relative_to(ROOT)), function.name, part) for part in _flow(call, function))


def _flow(call: ast.Call, function: ast.AST) -> Iterator[ast.AST]:
    wanted = [keyword.value for keyword in call.keywords if keyword.arg in ("subject", "numbers", "act_id")]
    names = {node.id for value in wanted for node in ast.walk(value) if isinstance(node, ast.Name)}
    yield from wanted
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id in names for target in targets for one in ast.walk(target)):
                yield node.value


def test_no_call_of_the_builder_takes_a_member_that_says_who_somebody_is() -> None:
    calls = list(_calls())
    assert len(calls) > 40
    assert {file.partition("/")[0] for file, _, _ in calls} >= {"agent", "audit_store", "auth", "console", "detectors", "gateway"}
    found = {
        (file, function, node.attr)
        for file, function, part in calls
        for node in ast.walk(part)
        if isinstance(node, ast.Attribute) and node.attr in PERSONAL
    }
    assert found == CODES.keys()


def test_a_life_of_names_and_words_leaves_none_in_the_record(pages: Pages, tmp_path: Path) -> None:
    services, now = pages.services, datetime.now(UTC)
    record = services.spool.append
    clara = pages.add("Clara Plantvogt", "owner")
    anna = services.people.add(
        "Anna Plantmann", "anna.plant@firma.example", ["manager"], "de", ["plantacct"], team="Planteam", territory="Plantland", by=clara.id
    )
    services.people.bind(anna.id, "plantacct2", by=clara.id)
    services.people.bind(anna.id, "plantacct3", by=clara.id)
    services.people.unbind(anna.id, "plantacct3", by=clara.id)
    changed = PersonChange(name="Anna Plantholz", email="anna.plantholz@firma.example", roles=["manager", "intern"], team="Plantgruppe")
    services.people.change(anna.id, changed, by=clara.id)
    today = now.date()
    services.people.set_leave(anna.id, today, today + timedelta(days=3), by=clara.id)
    services.plans.plan(anna.id, Status.NOTICE_GIVEN, today + timedelta(days=9), clara.id, "Frau Plantmann hat geplant")
    services.plans.withdraw(anna.id, clara.id)
    people = Imports(services.engine, services.spool.append_all, services.pseudonyms, lambda: ("manager",), tuple)
    people.apply(b"email,name,roles,team\nboris.plant@firma.example,Boris Plantberg,manager,Planteam\n", clara.id)
    (tmp_path / "owners.csv").write_text("client_id,person\n7,plantacct\n")
    from auth.assignments import Assignments

    Assignments(services.engine, record).import_csv(tmp_path / "owners.csv")
    services.levels.set(anna.id, Level.WATCHED, now + timedelta(days=3), "sie plantscht nachts", clara.id)
    services.sessions.bind("plant-secret", "api_key", anna.id, "plantacct")
    services.keys.issue_token(anna.id, clara.id)
    agents = Agents(services.engine, record, services.agent_alarms, pages.url)
    agents.issue(anna.id, clara.id)
    pages.hold(anna)
    services.stepup.cancel("act-1")
    pages.record(deed(anna, Action.READ, Phase.RELEASED, [7], at=now, act_id="card-1"))
    services.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, now, "medium", "tried", {"asked": 7}))
    services.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, now, "high", "again", {"asked": 9}))
    client = pages.client(clara)
    form = {"csrf": pages.csrf(client), "note": "Frau Plantmann war es", "verdict": "explained", "reason": "plantschen"}
    (alert,) = services.alerts.open_ones()
    for act in ("look", "close"):
        assert client.post(f"/alerts/{alert.id}/{act}", data=form).status_code == 303
    level = {**form, "level": "watched", "days": "3"}
    for act, data in (("freeze", form), ("unfreeze", form), ("level", level)):
        assert client.post(f"/people/{anna.id}/{act}", data=data).status_code == 303
    for question in ("client=Plantmann", "act=plantact", "text=plant", "person=plantacct", "client=Frau+Plantmann"):
        assert client.get(f"/events?{question}").status_code == 200
    assert client.post("/signout", data=form).status_code == 303
    services.people.set_status(anna.id, Status.GONE, clara.id, "Frau Plantmann ist weg")
    with pytest.raises(PeopleError):
        erase(services.engine, record, clara.id)
    erase(services.engine, record, anna.id)
    stored = services.spool.read(0, 10_000)
    assert [row.canonical for row in stored if PLANT.encode() in row.canonical.lower()] == []
    pages.record()
    seen = {EventAction(row.document["event"]["action"]) for row in services.log.read(0, 10_000)}
    elsewhere = set().union(*ELSEWHERE.values())
    assert (set(EventAction) - seen - elsewhere, seen & elsewhere) == (set(), set())
