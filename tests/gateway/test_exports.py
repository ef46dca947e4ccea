"""An export leaves a manifest, or it does not leave; and what passes the gateway is known to the client index."""

import asyncio
import contextlib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from audit_store.client_sets import decode_ids
from audit_store.manifests import Manifests
from audit_store.outside import Outside
from audit_store.outside_folder import FolderPlace, read_place
from audit_store.statement import Head, Statement
from audit_store.statements import Statements
from audit_store.witnessed import WitnessedSpool
from auth.installation import Installation
from auth.people import People
from detectors.client_index.build import Build
from detectors.client_index.index import ClientIndex
from detectors.mark import Mark, find_marks, marker
from gateway.assemble import assemble
from gateway.crm.formats import csv_table
from gateway.exchange import Request, Response
from gateway.settings import CrmSettings
from policies.load import load
from policies.store import SHIPPED
from tests.services.gate import TORWART, Gate, answers, call
from tests.services.tryton_calls import BROWSER, TOKEN, request

FIELDS = ["name", "phone", "email"]
ROWS = [[number, f"Kunde {number}", f"+49 171 55500{number:02}", f"kunde{number}@example.com"] for number in (1, 2, 3)]
READ = [dict(zip(("id", *FIELDS), row, strict=True)) for row in ROWS]


pytestmark = pytest.mark.asyncio


def state_of(gate: Gate) -> Path:
    return Path(str(gate.assembled.engine.url.database)).parent


async def export(gate: Gate, *, header: bool = False) -> Response:
    """The three clients' table, as the web client asks for it, after a touch."""
    gate.own(1, 2, 3)
    gate.assembled.handler.directory.refresh()
    gate.listen()
    rows = [["ID", "Name", "Telefon", "E-Mail"], *ROWS] if header else ROWS
    asked = asyncio.create_task(gate.ask(call("model.party.party.export_data", [1, 2, 3], FIELDS, header), answers(rows)))
    (act,) = await gate.held()
    gate.touch(act)
    return await asked


async def table(gate: Gate, query: str, rows: list[list[str]]) -> Response:
    """The same as a file by its address: asked for, confirmed, asked for again."""
    gate.own(1, 2, 3)
    gate.assembled.handler.directory.refresh()
    gate.listen()
    asked = request("GET", "/crm/data/party.party", ("cookie", f"tryton_session=boris:3:{TOKEN}"), *BROWSER, query=query)
    separator = ";" if "dl=;" in query else ","

    def crm(_request: Request) -> Response:
        return Response(200, (("content-type", "text/csv"),), csv_table.write(rows, separator))

    assert (await gate.ask(asked, crm)).status != 200
    (act,) = await gate.held()
    gate.touch(act)
    return await gate.ask(asked, crm)


def rule(gate: Gate, folder: Path, *lines: str) -> None:
    """Put one more rule in force beside the shipped ones."""
    for path in SHIPPED.glob("*.yaml"):
        if not path.name.endswith(".cases.yaml"):
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "more.yaml").write_text("rules:\n  - {" + ", ".join(lines) + "}\n", encoding="utf-8")
    policy = load(folder)
    object.__setattr__(gate.assembled.handler.questions, "policy", lambda: policy)


async def test_a_released_export_has_a_manifest_and_its_event_names_it(gate: Gate) -> None:
    response = await export(gate)
    assert b"5550002" in response.body
    event = gate.events()[-1]
    row = Manifests(gate.assembled.engine).get(event["torwart"]["manifest"])
    assert row is not None
    assert row.act_id == event["torwart"]["act"]["id"]
    assert row.pseudonym == gate.boris.pseudonym
    assert decode_ids(row.clients) == {"1", "2", "3"}
    assert row.digest == event["torwart"]["act"]["digest"]
    assert set(row.fields) == set(FIELDS)
    assert len(decode_ids(row.keys)) >= 6, "a phone number in several spellings and an address for each of three"
    assert b"5550002" not in repr(row.__dict__).encode()


def place_outside(gate: Gate, folder: Path) -> None:
    """From now on a place outside must have what is released."""
    spool = gate.assembled.spool
    assert isinstance(spool, WitnessedSpool)
    assert isinstance(spool.signer, Statements)
    spool.witness = Outside(spool.signer, [FolderPlace(folder)])


async def test_an_export_is_stated_outside_before_it_is_released(gate: Gate, tmp_path: Path) -> None:
    """attacks X14."""
    (tmp_path / "outside").mkdir()
    place_outside(gate, tmp_path / "outside")
    response = await export(gate)
    assert b"5550002" in response.body
    stated = [one for one in read_place(tmp_path / "outside") if isinstance(one, Statement) and isinstance(one.body, Head)]
    released = gate.assembled.spool.read(0, 10_000)[-1]
    body = stated[-1].body
    assert isinstance(body, Head)
    assert (body.end.producer, body.end.sequence, body.end.hash) == ("gateway", released.sequence, released.hash)


async def test_an_export_that_no_place_outside_knows_of_is_denied_and_that_is_recorded(gate: Gate, tmp_path: Path) -> None:
    place_outside(gate, tmp_path / "not mounted")
    response = await export(gate)
    assert b"5550002" not in response.body
    assert "an keinem Ort außerhalb bezeugen" in response.body.decode()
    *_, released, denied = gate.events()
    assert (released["torwart"]["act"]["phase"], denied["torwart"]["act"]["phase"]) == ("released", "denied")
    assert denied["event"]["reason"] == "not_witnessed"
    assert denied["http"]["response"]["status_code"] == 503
    listed = await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert b"5550002" in listed.body, "ordinary reading goes on"


async def test_a_list_on_the_screen_has_none(gate: Gate) -> None:
    gate.own(1, 2, 3)
    await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert "manifest" not in gate.events()[-1]["torwart"]


async def test_an_export_whose_manifest_cannot_be_kept_is_not_released(gate: Gate) -> None:
    with gate.assembled.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON manifests BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    response = await export(gate)
    assert b"5550002" not in response.body
    assert "aufzeichnen" in response.body.decode()
    assert not [event for event in gate.events() if event["torwart"].get("act", {}).get("phase") == "released"]


async def test_what_is_read_and_what_is_created_is_learned_by_the_index(gate: Gate) -> None:
    gate.own(1, 2, 3)
    handler, state = gate.assembled.handler, state_of(gate)
    Build(state, ("DE",)).finish()
    await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    new = {"name": "Neu AG", "contact_mechanisms": [["create", [{"type": "phone", "value": "+49 171 5559999"}]]]}
    await gate.ask(call("model.party.party.create", [new]), answers([99]))
    assert handler.learner.settled(10)
    index = ClientIndex(state)
    assert index.find("ruf 0171/5550002 an").clients.keys() == {"2"}
    assert index.find("0049 171 5559999").clients.keys() == {"99"}
    assert index.find("0171 5558888").clients == {}
    index.close()


async def test_a_learner_that_fails_holds_up_nobody(gate: Gate) -> None:
    gate.own(1, 2, 3)
    index = state_of(gate) / "index"
    for path in index.iterdir():
        path.unlink()
    index.rmdir()
    index.touch()
    response = await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert b"5550002" in response.body
    assert not gate.assembled.handler.learner.settled(1.5)
    assert gate.assembled.handler.learner.faults > 0
    said = [event for event in gate.events() if event["event"]["action"] == "self-test"]
    assert [(event["torwart"]["subject"], event["event"]["outcome"]) for event in said] == [("client index", "failure")]
    index.unlink()
    index.mkdir(mode=0o700)
    Build(state_of(gate), ("DE",)).finish()
    assert gate.assembled.handler.learner.settled(10)
    assert gate.events()[-1]["event"]["outcome"] == "success"


def mark_in(gate: Gate, cell: str) -> Mark:
    """The mark in a cell: genuine, of the export that the last release was, and of the manager by name."""
    found: set[Mark] = set()
    find_marks(cell.encode(), found)
    (mark,) = found
    assert str(mark) == cell
    assert marker(state_of(gate)).made(mark)
    event = gate.events()[-1]
    assert (mark.export, mark.person) == (event["torwart"]["manifest"], "Boris Hartwig")
    assert mark.at == f"{event['@timestamp'][:16].replace('T', ' ')} UTC"
    return mark


@pytest.mark.parametrize("header", [False, True])
async def test_a_managers_table_carries_a_mark_as_one_more_row_that_counts_nowhere(gate: Gate, header: bool) -> None:
    response = await export(gate, header=header)
    *rows, last = orjson.loads(response.body)["result"]
    assert rows == [["Name", "Telefon", "E-Mail"]] * header + [row[1:] for row in ROWS]
    assert last[1:] == ["", ""], "a cell without a value stops the web client's CSV"
    mark = mark_in(gate, last[0])
    event = gate.events()[-1]
    assert (event["torwart"]["rows"], event["torwart"]["clients"]["shown_count"]) == (3, 3)
    assert event["torwart"]["act"]["digest"] == sha256(response.body).hexdigest()
    (manifest,) = Manifests(gate.assembled.engine).of_marks([mark.code]).values()
    assert (manifest.name, manifest.rows, manifest.digest) == (mark.export, 3, sha256(response.body).hexdigest())
    usage = gate.assembled.handler.history.usage(gate.boris.pseudonym, datetime.now(UTC), own=frozenset(), base=10, book=1)
    assert usage.before.exported_day == 3
    assert not any(str(value) in last[0] for row in ROWS for value in row[1:])


@pytest.mark.parametrize(("query", "head"), [("h=1", True), ("h=0", False), ("h=1&dl=;", True)])
async def test_so_does_a_file_by_its_address(gate: Gate, query: str, head: bool) -> None:
    rows = [["ID", "Name", "Phone"]] * head + [[str(number), name, phone] for number, name, phone, _ in ROWS]
    response = await table(gate, f"d=[1,2,3]&f=name&f=phone&{query}", rows)
    separator = ";" if "dl=;" in query else ","
    *found, last = csv_table.read(response.body, separator)
    assert found == [row[1:] for row in rows]
    mark_in(gate, last[0])
    assert response.body.endswith(f"{last[0]}{separator}\r\n".encode())
    assert gate.events()[-1]["torwart"]["rows"] == 3


async def test_in_a_table_of_one_column_that_holds_numbers_the_mark_stands_there_too(gate: Gate) -> None:
    response = await table(gate, "d=[1,2,3]&f=id&h=0", [[str(number), str(number)] for number in (1, 2, 3)])
    *found, (last,) = csv_table.read(response.body, ",")
    assert found == [["1"], ["2"], ["3"]]
    mark_in(gate, last)


async def test_an_installation_with_pseudonyms_marks_with_them(tmp_path: Path) -> None:
    installation = Installation(tmp_path, TORWART, "http://crm.localhost:8400", names="pseudonyms")
    settings = CrmSettings.model_validate({"url": installation.crm_url, "upstream": "http://127.0.0.1:1"})
    with contextlib.closing(assemble(installation, settings)) as assembled:
        people = People(assembled.engine, assembled.spool.append, assembled.handler.directory._pseudonyms)
        boris = people.add("Boris Hartwig", "boris@firma.example", ["manager"], "de", ["boris"])
        assembled.handler.directory.refresh()
        assert assembled.handler.exports.person_called(assembled.handler.directory.person(boris.id)) == boris.pseudonym


async def test_what_must_be_marked_and_can_carry_no_mark_does_not_go_and_no_touch_is_asked_for(gate: Gate, tmp_path: Path) -> None:
    base = ("roles: [manager]", "resource: client", "effect: oblige", "watermark: true")
    rule(gate, tmp_path, "id: marked", "actions: [export, report]", *base)
    gate.own(*range(1, 300))
    gate.assembled.handler.directory.refresh()
    gate.listen()
    many = [{"id": number, "name": "x", "phone": "030 2312", "email": "a@b.example"} for number in range(1, 300)]
    listed = call("model.party.party.read", list(range(1, 300)), FIELDS)
    letter = call("report.party.label.execute", [1], {"model": "party.party", "ids": [1]})
    for asked, crm in ((listed, answers(many)), (letter, answers(["odt", "x", False, "Label"]))):
        response = await gate.ask(asked, crm)
        assert "Kennzeichnung" in response.body.decode()
        assert b"030 2312" not in response.body
        event = gate.events()[-1]
        assert (event["torwart"]["act"]["phase"], event["torwart"]["reasons"][0]["code"]) == ("denied", "no_mark")
    assert not gate.assembled.handler.touch.stepup.open_of(gate.boris.id, gate.assembled.handler.directory.session(TOKEN).id)  # type: ignore[union-attr]
    fewer = await gate.ask(call("model.party.party.read", [1, 2, 3], FIELDS), answers(READ))
    assert orjson.loads(fewer.body)["result"] == READ, "what is no export carries no mark and needs none"


async def test_with_the_shipped_rules_a_long_list_on_the_screen_needs_the_key_and_no_mark(gate: Gate) -> None:
    gate.own(*range(1, 300), of=10_000)
    gate.assembled.handler.directory.refresh()
    gate.listen()
    many = [{"id": number, "name": "x", "phone": "030 2312", "email": "a@b.example"} for number in range(1, 300)]
    asked = asyncio.create_task(gate.ask(call("model.party.party.read", list(range(1, 300)), FIELDS), answers(many)))
    (act,) = await gate.held()
    gate.touch(act)
    assert orjson.loads((await asked).body)["result"] == many
