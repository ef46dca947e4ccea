"""A recorded session with Tryton goes through the whole route: profile, people, rules, history, record, behaviour rules.

The CRM is the recording itself. In the browser's part somebody who may see all works as on any day; in the script's part, within a second,
the same person exports, makes a key for the REST interface and reads with it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from audit_store.alerts import Alerts
from audit_store.client_sets import decode_ids
from audit_store.log import Log
from audit_store.pseudonyms import Pseudonyms, secret
from auth.assignments import Assignments
from auth.installation import Installation
from auth.people import People
from detectors.runner import Runner
from gateway.assemble import Assembled, assemble
from gateway.exchange import Forward, Reply, Response
from gateway.settings import CrmSettings
from tests.services.tryton_recording import BROWSER_CALLS, calls

BASE = 3_000


@dataclass
class Replayed:
    """What the client got, and whether the CRM was asked."""

    path: str
    answer: Response
    reached: bool

    @property
    def body(self) -> Any:
        return json.loads(self.answer.body)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Assembled]:
    installation = Installation(tmp_path / "state", "http://torwart.localhost:8401", "http://crm.localhost:8400")
    assembled = assemble(installation, CrmSettings(url="http://crm.localhost:8400", upstream="http://127.0.0.1:1"))
    pseudonyms = Pseudonyms(secret(tmp_path / "state" / "keys", "pseudonym.key"))
    People(assembled.engine, assembled.spool.append, pseudonyms).add(
        "Sabine Vogt", "sabine@firma.example", ["head_of_sales"], "en", ["admin"]
    )
    table = tmp_path / "clients.csv"
    table.write_text("client_id,person\n" + "".join(f"{number},\n" for number in range(2, BASE + 2)), encoding="utf-8")
    Assignments(assembled.engine, assembled.spool.append).import_csv(table)
    yield assembled
    assembled.close()


async def replay(gateway: Assembled) -> list[Replayed]:
    """Every call in order; the credential of the recording is the one that its own log-in issued."""
    done = []
    for recorded in calls():
        request = replace(recorded.request, headers=tuple((k, v) for k, v in recorded.request.headers if k != "content-length"))
        step = await gateway.handler.before(request)
        match step:
            case Reply(response=answer):
                done.append(Replayed(request.path, answer, reached=False))
            case Forward(request=upstream, state=state):
                answer = await gateway.handler.after(state, recorded.answer_to(upstream))
                done.append(Replayed(request.path, answer, reached=True))
    return done


def alerts_of(gateway: Assembled, tmp_path: Path) -> list[Any]:
    """What the behaviour rules make of the record."""
    log = Log.open(tmp_path / "log")
    log.take(gateway.spool)
    alerts = Alerts(gateway.engine, gateway.spool.append)
    Runner(gateway.engine, log, alerts, gateway.spool.append).step()
    log.close()
    return list(alerts.open_ones())


def access_events(gateway: Assembled) -> list[dict[str, Any]]:
    rows = gateway.spool.read(0, 10_000)
    documents = [json.loads(row.canonical) for row in rows]
    return [document for document in documents if document["event"]["action"] == "access"]


async def test_the_browsers_part_is_ordinary_work_and_shows_two_hundred_clients(gateway: Assembled, tmp_path: Path) -> None:
    done = (await replay(gateway))[:BROWSER_CALLS]
    denied = [entry.path for entry in done if entry.answer.status != 200]
    assert denied == []
    told = [entry.body for entry in done if b'"UserError"' in entry.answer.body]
    assert told == []
    shown: set[str] = set()
    for document in access_events(gateway):
        if document["torwart"]["channel"] == "web":
            shown |= decode_ids(document["torwart"]["clients"]["shown"])
    assert len(shown) == 200


async def test_the_scripts_part_is_held_or_denied_and_not_a_byte_of_a_client_goes_out(gateway: Assembled, tmp_path: Path) -> None:
    done = (await replay(gateway))[BROWSER_CALLS:]
    assert [(entry.path.removeprefix("/crm/"), entry.answer.status) for entry in done] == [
        ("rpc/", 200),  # the log-in of the script
        ("data/party.party", 401),  # 231 rows as CSV: held
        ("rpc/", 401),  # 265 rows by export_data_domain: held
        ("rpc/", 200),  # 50 contacts by search_read: may be seen
        ("rpc/", 403),  # the key of the REST interface
        ("rest/model/party.party", 401),  # a key that the gateway never saw
    ]
    for entry in done:
        if entry.answer.status != 200:
            assert b"@" not in entry.answer.body
            assert b"+49" not in entry.answer.body
    phases = [document["torwart"]["act"]["phase"] for document in access_events(gateway) if document["torwart"]["channel"] != "web"]
    assert phases.count("held") == 2


async def test_the_browsers_part_alone_raises_no_alert(gateway: Assembled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = calls()[:BROWSER_CALLS]
    monkeypatch.setattr("tests.scenarios.test_recording.calls", lambda: recorded)
    await replay(gateway)
    assert alerts_of(gateway, tmp_path) == []
