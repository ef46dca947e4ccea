"""`torwart policy diff`, run as a command on a real installation with a recorded day."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from audit_store.event import Event, Phase, access_event
from audit_store.log import Log
from audit_store.spool import Spool, SpoolReader
from auth.installation import template
from auth.people import People
from console.cli import policy
from console.cli.house import open_house
from policies.decision import Allow, Decision
from policies.engine import decide
from policies.load import load
from policies.request import AccessRequest, Action, Channel, Context, Counts, KeyClass, KeyProof, Principal, Resource, Status, Usage
from policies.store import SHIPPED

BASE = 3_000
_YESTERDAY = datetime.now(UTC).replace(hour=10, minute=0, second=0) - timedelta(days=1)
WORKING_HOUR = _YESTERDAY - timedelta(days=(_YESTERDAY.weekday() - 2) % 7)
"""Ten o'clock on the last Wednesday: rules may be others at night and on Sundays."""


@dataclass
class Firm:
    """An installation with the shipped rules in force, a manager, and whatever is recorded of them."""

    folder: Path
    pseudonym: str
    person: str

    def run(self, *words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(policy.app, [*map(str, words), "--config", str(self.folder / "torwart.yaml")], env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result

    def record(self, *events: Event) -> None:
        spool = Spool.open(self.folder / "state" / "spool" / "gateway", "gateway")
        log = Log.open(self.folder / "state" / "log")
        for event in events:
            spool.append(event)
        log.take(spool)
        log.close()
        spool.close()

    def export(self, act: str, clients: int, *, before: int = 0, touched: bool = True, observed: tuple[str, ...] = ()) -> Event:
        """An export of own clients, released with the key or held for it."""
        ids = tuple(map(str, range(clients)))
        fields = frozenset({"name", "phone"})
        at = WORKING_HOUR
        asked = AccessRequest(
            act_id=act,
            principal=Principal(self.person, self.pseudonym, frozenset({"manager"}), Status.ACTIVE),
            action=Action.EXPORT,
            resource=Resource(
                "client", "party.party", ids, frozenset(ids), frozenset(ids), fields=fields, contact_fields=frozenset({"phone"})
            ),
            context=Context(at, Channel.DOWNLOAD),
            usage=Usage(
                Counts(shown_day=before, exported_day=before, taken_day=before),
                Counts(shown_day=before + clients, exported_day=before + clients, taken_day=before + clients),
                BASE,
                480,
            ),
            proof=KeyProof(act, "0" * 64, at, True, frozenset(ids), fields, key_class=KeyClass.HARDWARE) if touched else None,
        )
        decision: Decision = decide(asked, load(SHIPPED, "1"))
        if isinstance(decision, Allow):
            decision = replace(decision, observed=observed)
        return access_event(
            request=asked,
            decision=decision,
            phase=Phase.RELEASED if touched else Phase.HELD,
            shown=frozenset(ids) if touched else frozenset(),
            taken=frozenset(),
            rows=clients,
            fields=fields,
            route="rpc model.party.party.export_data",
        )


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    config = tmp_path / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    with open_house(config) as house:
        people: People = house.people
        manager = people.add("Anna Kern", "anna@firma.example", ["manager"], "de", ["anna"])
    made = Firm(tmp_path, manager.pseudonym, manager.id)
    made.run("activate", SHIPPED)
    return made


@pytest.fixture
def five_percent(tmp_path: Path) -> Path:
    """The newcomer's edit: the manager's export limit of ten percent becomes five."""
    rules = Path(shutil.copytree(SHIPPED, tmp_path / "rules"))
    edited = [path for path in rules.glob("*.yaml") if "{counter: exported_day, percent: 10," in path.read_text()]
    assert edited
    for path in edited:
        path.write_text(path.read_text().replace("{counter: exported_day, percent: 10,", "{counter: exported_day, percent: 5,"))
    return rules


def looks(firm: Firm) -> list[dict[str, Any]]:
    reader = SpoolReader.open(firm.folder / "state" / "spool" / "cli")
    try:
        documents = [json.loads(stored.canonical) for stored in reader.read(0, 100)]
    finally:
        reader.close()
    return [document["torwart"] for document in documents if document["event"]["action"] == "record-viewed"]


def test_a_newcomer_who_edits_a_number_sees_who_would_be_hit(firm: Firm, five_percent: Path) -> None:
    firm.record(
        firm.export("small", 40),
        firm.export("big", 250),
        firm.export("second", 60, before=200),
        firm.export("waiting", 290, touched=False),
    )
    result = firm.run("diff", five_percent, code=1)
    assert "4 acts of 1 person" in result.stdout
    assert "3 would be different" in result.stdout
    assert f"{firm.pseudonym} (Anna Kern)" in result.stdout
    document = json.loads(firm.run("diff", five_percent, "--json", code=1).stdout)
    lines = {line["effect"]: line for line in document["lines"]}
    assert {effect: (line["act"], line["count"], line["name"]) for effect, line in lines.items()} == {
        "denied": ("export", 1, "Anna Kern"),
        "fewer": ("export", 2, "Anna Kern"),
    }
    assert [(one["act_id"], one["asked"], one["before"], one["after"], one["reason"]) for one in lines["denied"]["examples"]] == [
        ("second", 60, 60, 0, "export_limit")
    ]
    assert [(one["act_id"], one["before"], one["after"], one["said"]) for one in lines["fewer"]["examples"]] == [
        ("big", 250, 150, "allow"),
        ("waiting", 290, 150, "challenge"),
    ]
    assert document["verdicts"]["then"] == document["verdicts"]["in_force"] == {"allow": 3, "challenge": 1, "deny": 0}
    assert "judged by other rules" in looks(firm)[0]["subject"]


def test_the_same_rules_make_no_difference(firm: Firm) -> None:
    firm.record(firm.export("big", 250))
    assert "1 act of 1 person" in firm.run("diff", SHIPPED).stdout
    assert json.loads(firm.run("diff", SHIPPED, "--json").stdout)["lines"] == []


def test_names_are_left_out_where_names_are_not_shown(firm: Firm, five_percent: Path) -> None:
    config = firm.folder / "torwart.yaml"
    config.write_text(config.read_text().replace("names: shown", "names: pseudonyms"))
    firm.record(firm.export("big", 250))
    for words in (("diff", five_percent), ("diff", five_percent, "--json")):
        assert "Anna" not in firm.run(*words, code=1).stdout


def test_only_the_days_that_were_asked_for(firm: Firm, five_percent: Path) -> None:
    old = firm.export("big", 250)
    old.document["@timestamp"] = f"{datetime.now(UTC) - timedelta(days=9):%Y-%m-%dT%H:%M:%S}.000Z"
    firm.record(old)
    assert "0 acts" in firm.run("diff", five_percent, "--days", 8).stdout
    assert "1 act " in firm.run("diff", five_percent, "--days", 10, code=1).stdout


def test_warn_only_rules_say_what_they_would_have_done(firm: Firm, tmp_path: Path) -> None:
    firm.record(firm.export("big", 250, observed=("1:no-big-exports",)))
    rules = Path(shutil.copytree(SHIPPED, tmp_path / "rules"))
    (rules / "try-out.yaml").write_text(
        "rules:\n"
        "- {id: no-big-exports, mode: observe, roles: any, actions: [export], resource: client,\n"
        "   when: resource.asked > 100, effect: deny, reason: export_limit}\n"
    )
    result = firm.run("diff", rules)
    assert "torwart events search --observed 1:no-big-exports" in result.stdout
    observed = json.loads(firm.run("diff", rules, "--json").stdout)["observed"]
    assert observed["then"] == {"1:no-big-exports": 1}
    assert observed["new"]["new:no-big-exports"] == 1


def test_what_cannot_be_judged_again_is_said_with_the_reason(firm: Firm, five_percent: Path) -> None:
    old = firm.export("old", 250)
    old.document["torwart"]["schema"] = 1
    firm.record(old)
    result = firm.run("diff", five_percent, code=2)
    assert "recorded by an older release" in result.stdout
    assert "none of the 1 recorded acts can be judged again" in result.stderr
    firm.record(firm.export("new", 40))
    assert json.loads(firm.run("diff", five_percent, "--json").stdout)["passed_over"] == {"older_release": 1}


def test_broken_rules_and_a_missing_record_are_clear_errors(firm: Firm, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("rules: [{id: A}]")
    assert "broken.yaml:" in firm.run("diff", broken, code=2).stderr
    assert "there is no record" in firm.run("diff", SHIPPED, code=2).stderr
