"""Recorded acts are asked when rules are activated: what is wider is found there too."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_store.event import Phase, access_event
from audit_store.log import Log
from audit_store.spool import Spool
from auth.people import People
from console.cli.house import open_house
from policies.engine import decide
from policies.load import load_contents
from policies.request import AccessRequest, Action, Channel, Context, Principal, Resource, Status
from tests.console.cli.policy.firm import RULES, events, install, put, run

BOTH = RULES + "  - {id: leads, roles: [owner], actions: [read], resource: client, when: size(resource.fields) < %d, effect: allow}\n"


def record(config: Path, age_days: int) -> str:
    """The owner has read a card with three fields; his pseudonym."""
    with open_house(config) as house:
        people: People = house.people
        person = people.find("oskar@firma.example")
        assert person is not None
        who = Principal(person.id, person.pseudonym, frozenset(person.roles), Status.ACTIVE)
    fields = frozenset({"name", "phone", "email"})
    asked = AccessRequest(
        act_id="f" * 32,
        principal=who,
        action=Action.READ,
        resource=Resource("client", "party.party", ("7",), frozenset({"7"}), fields=fields, contact_fields=fields - {"name"}),
        context=Context(datetime.now(UTC) - timedelta(days=age_days, hours=1), Channel.WEB),
    )
    decision = decide(asked, load_contents({"a.yaml": (BOTH % 2).encode()}, "1"))
    shown = frozenset[str]()
    event = access_event(request=asked, decision=decision, phase=Phase.DENIED, shown=shown, taken=shown, rows=0, fields=(), route="rpc x")
    state = config.parent / "state"
    spool, log = Spool.open(state / "spool" / "gateway", "gateway"), Log.open(state / "log")
    spool.append(event)
    log.take(spool)
    log.close()
    spool.close()
    return who.pseudonym


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = install(tmp_path)
    run("activate", put(tmp_path / "a", BOTH % 2), "--config", config)
    return config


def test_an_act_that_was_denied_and_would_be_allowed_is_named(config: Path, tmp_path: Path) -> None:
    pseudonym = record(config, age_days=0)
    document = json.loads(run("activate", put(tmp_path / "b", BOTH % 4), "--config", config, "--json", code=1).stdout)
    (line,) = [line for line in document["widenings"] if line["place"] == "recorded"]
    assert (line["who"], line["act"], line["before"], line["after"]) == (f"{pseudonym} (owner)", "read", "deny", "allow")
    assert len(events(config, "record-viewed")) == 1
    done = run("activate", tmp_path / "b", "--config", config, "--widen", document["widen"], "--by", "oskar@firma.example")
    assert "Version 2 is in force" in done.stdout


def test_older_acts_are_not_asked_and_none_with_no_days(config: Path, tmp_path: Path) -> None:
    record(config, age_days=8)
    wider = put(tmp_path / "b", BOTH % 4)
    for days, places in ((7, set()), (0, set()), (30, {"recorded"})):
        result = run("activate", wider, "--config", config, "--json", "--days", days, code=1)
        assert {line["place"] for line in json.loads(result.stdout)["widenings"]} & {"recorded"} == places
