"""X5 before real Tryton for fields that are no contact values: names, numbers and places of others' clients, masked by every kind.

The same field by RPC, REST and CSV: masked alike, never asked for, never counted, never sorted by, never written back.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from auth.policy_signature import PolicyKey
from deploy.demo.tryton_rpc import DATABASE, TrytonSession
from policies.signing import Confirmation
from policies.store import PolicyStore
from policies.widening import WideningError
from tests.services.gateway import Founded, RunningFirm, phase, reason, result, running_firm

pytestmark = [pytest.mark.slow, pytest.mark.needs("tryton")]
PARTY, ADDRESS = "model.party.party", "model.party.address"
RULES = """
rules:
  - {id: furniture, roles: any, actions: [login, system], resource: system, effect: allow}
  - {id: works, roles: [manager], actions: [list, read, search, export, update], resource: client, effect: allow,
     masks: {contact: hide}, for: others}
  - {id: hides, roles: [manager], actions: [list, read, export, update], resource: client, effect: oblige,
     masks: {code: {last: 2}, name: hash, city: pseudonym, create_date: {date: year}}, for: others}
"""
CASES = """
cases:
  - name: others' names are hashes
    given: {roles: [manager], action: list, own: 1, others: 1}
    expect: {decision: allow, kept: all}
"""
FIELDS = ["name", "code", "create_date"]
FIRST = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0}
NEW_YEAR = FIRST | {"__class__": "datetime", "year": 2020}


@pytest.fixture(scope="module")
def strict(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFirm]:
    """A firm whose rules mask names, numbers and places of others' clients."""
    folder = tmp_path_factory.mktemp("strict")
    source = folder / "rules"
    source.mkdir()
    (source / "strict.yaml").write_text(RULES, "utf-8")
    (source / "strict.cases.yaml").write_text(CASES, "utf-8")
    with running_firm(founded, folder / "run") as firm:
        store = PolicyStore(firm.state / "policies", PolicyKey(firm.state / "keys"))
        try:
            store.activate(source, "test")
        except WideningError as wider:
            lines = wider.widenings
            store.activate(source, "test", confirmed=Confirmation(digest=lines.digest, by="test", widenings=len(lines.lines)))
        yield firm


def get(firm: RunningFirm, path: str, credential: str) -> httpx.Response:
    with firm.http() as http:
        return http.get(f"/{DATABASE}/{path}", headers={"authorization": credential})


def rest(firm: RunningFirm, query: str, road: str = "") -> httpx.Response:
    """By Anna's key."""
    return get(firm, f"rest/model/party.party{road}?{query}", f"Bearer {firm.firm.rest_key}")


def table(firm: RunningFirm, session: TrytonSession, query: str) -> httpx.Response:
    return get(firm, f"data/party.party?{query}", session.authorization)


def text64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def stored(firm: RunningFirm, party: int) -> dict[str, Any]:
    with firm.crm.log_in("oskar") as direct:
        record: dict[str, Any] = direct.call(f"{PARTY}.read", [party], FIELDS, {})[0]
        return record


def test_the_same_masks_go_out_on_every_road(strict: RunningFirm) -> None:
    own, foreign = strict.book("anna")[3], strict.others("anna")[30]
    mine, theirs = stored(strict, own), stored(strict, foreign)
    domain = [["id", "in", [own, foreign]]]
    with strict.log_in("anna") as anna:
        read = {row["id"]: row for row in result(anna.post(f"{PARTY}.read", [own, foreign], FIELDS, {}))}
        listed = {row["id"]: row for row in result(anna.post(f"{PARTY}.search_read", domain, 0, None, None, FIELDS, {}))}
        exported = result(anna.post(f"{PARTY}.export_data", [own, foreign], FIELDS, False, {}))
        by_csv = table(strict, anna, f"d=[{own},{foreign}]&f=name&f=code&f=create_date&h=0")
    by_rest = rest(strict, f"f=name&f=code&f=create_date&d={text64(domain)}")
    shown = read[foreign]
    assert {name: read[own][name] for name in FIELDS} == {name: mine[name] for name in FIELDS}
    assert re.fullmatch("•••[A-Z2-7]{8}", shown["name"])
    assert shown["code"] == "•••" + theirs["code"][-2:]
    assert shown["create_date"] == theirs["create_date"] | FIRST
    assert listed == read
    assert {row["id"]: {name: row[name] for name in FIELDS} for row in by_rest.json()} == {
        one: {name: read[one][name] for name in FIELDS} for one in (own, foreign)
    }
    assert exported[1][:2] == [shown["name"], shown["code"]]
    rows = list(csv.reader(io.StringIO(by_csv.content.decode("utf-8-sig"))))
    assert rows[0][:2] == [mine["name"], mine["code"]]
    assert rows[1] == [shown["name"], shown["code"], f"•••{theirs['create_date']['year']}"]


def test_a_hash_is_everybody_s_and_a_pseudonym_one_reader_s(strict: RunningFirm) -> None:
    owned = {*strict.book("anna"), *strict.book("boris")}
    foreign = next(party for party in strict.others("anna") if party not in owned)
    seen = []
    for login in ("anna", "anna", "boris"):
        with strict.log_in(login) as manager:
            (row,) = result(manager.post(f"{PARTY}.read", [foreign], ["name", "addresses.city"], {}))
            seen.append((row["name"], row["addresses."][0]["city"]))
    (name, city), again, (same_name, other_city) = seen
    assert again == (name, city)
    assert same_name == name
    assert re.fullmatch("•••[A-Z2-7]{8}", other_city)
    assert other_city != city


def asked(firm: RunningFirm, anna: TrytonSession) -> Iterator[tuple[str, Callable[[], httpx.Response]]]:
    """Every question on something that is hidden."""
    clauses: list[list[Any]] = [
        ["code", "like", "K%"],
        ["code_digit", ">", 1],
        ["name", "=", "Albrecht"],
        ["rec_name", "ilike", "Al%"],
        ["full_name", "!=", None],
        ["addresses.city", "=", "Berlin"],
        ["addresses", "ilike", "%Berlin%"],
        ["addresses", "where", [["full_address", "ilike", "%Berlin%"]]],
        ["create_date", "<", NEW_YEAR],
    ]
    for clause in clauses:
        for domain in ([clause], ["OR", clause, ["id", "=", -1]]):
            name = json.dumps(clause)[:40]
            yield f"count {name}", lambda domain=domain: anna.post(f"{PARTY}.search_count", domain, {})
            yield f"search {name}", lambda domain=domain: anna.post(f"{PARTY}.search", domain, 0, 10, None, {})
            yield f"list {name}", lambda domain=domain: anna.post(f"{PARTY}.search_read", domain, 0, 10, None, ["id"], {})
            yield f"export {name}", lambda domain=domain: anna.post(f"{PARTY}.export_data_domain", domain, ["id"], 0, 5, None, False, {})
            yield f"rest {name}", lambda domain=domain: rest(firm, f"f=id&s=5&d={text64(domain)}")
            yield f"csv {name}", lambda domain=domain: table(firm, anna, f"f=id&s=5&d={quote(json.dumps(domain))}")
    for name in ("code", "name", "rec_name", "create_date"):
        yield f"sort {name}", lambda name=name: anna.post(f"{PARTY}.search", [], 0, 10, [[name, "ASC"]], {})
        yield f"rest sort {name}", lambda name=name: rest(firm, f"f=id&s=5&o={text64([[name, 'ASC']])}")
        yield f"csv sort {name}", lambda name=name: table(firm, anna, f"f=id&s=5&o={name},ASC")
    yield "sort by a relation", lambda: anna.post(f"{ADDRESS}.search", [], 0, 10, [["party", "ASC"]], {})
    yield "count of places", lambda: anna.post(f"{ADDRESS}.search_count", [["party.code", "like", "K%"]], {})


def test_no_question_on_a_hidden_field_reaches_the_crm_on_any_road(strict: RunningFirm) -> None:
    with strict.log_in("anna") as anna:
        for what, ask in asked(strict, anna):
            mark, before = len(strict.hop.seen), len(strict.record())
            answer = ask()
            assert answer.status_code == 403, (what, answer.status_code, answer.text[:200])
            assert strict.hop.since(mark) == [], what
            (event,) = strict.record()[before:]
            assert (phase(event), reason(event)) == ("denied", "masked_question"), what


def test_an_order_that_nobody_asked_for_tells_no_name(strict: RunningFirm) -> None:
    """Tryton lists clients by name of itself."""
    with strict.log_in("anna") as anna, strict.crm.log_in("oskar") as direct:
        usual = direct.call(f"{PARTY}.search", [], 0, 40, None, {})
        lists = [
            result(anna.post(f"{PARTY}.search", [], 0, 40, None, {})),
            [row["id"] for row in result(anna.post(f"{PARTY}.search_read", [], 0, 40, None, ["id"], {}))],
            [row["id"] for row in rest(strict, "f=id&s=40").json()],
            [int(row[0]) for row in csv.reader(io.StringIO(table(strict, anna, "f=id&s=40&h=0&d=[]").content.decode("utf-8-sig")))],
        ]
    assert usual != sorted(usual)
    for numbers in lists:
        assert numbers == lists[0] == sorted(numbers)


def test_no_answer_differs_where_a_hidden_value_does(strict: RunningFirm) -> None:
    """A number that ends alike: every question, list, table and card says the same of both."""
    foreign = strict.others("anna")[31]
    answers = []
    with strict.log_in("anna") as anna, strict.crm.log_in("oskar") as direct:
        for code in ("ZZ-1111-77", "AA-2-77"):
            direct.call(f"{PARTY}.write", [foreign], {"code": code}, {})
            round_: list[str] = [ask().text for _, ask in asked(strict, anna)]
            round_ += [
                anna.post(f"{PARTY}.read", [foreign], ["code", "code_alnum", "code_digit", "rec_name"], {}).text,
                table(strict, anna, f"d=[{foreign}]&f=code&f=code_digit&h=0").text,
                rest(strict, "f=code&f=code_digit", f"/{foreign}").text,
                anna.post(f"{PARTY}.search", [], 0, 60, None, {}).text,
            ]
            answers.append([re.sub(r'"?(?:id|act|link|instance|_timestamp)"?: ?"?[^",}]*"?', "", text) for text in round_])
    for first, second in zip(*answers, strict=True):
        assert first == second


def test_a_mask_that_comes_back_changes_nothing(strict: RunningFirm) -> None:
    foreign = strict.others("anna")[32]
    before = stored(strict, foreign)
    with strict.log_in("anna") as anna:
        (row,) = result(anna.post(f"{PARTY}.read", [foreign], ["name", "code"], {}))
        assert result(anna.post(f"{PARTY}.write", [foreign], {"name": row["name"], "code": row["code"]}, {})) is None
    with strict.http() as http:
        body = {"name": row["name"], "code": row["code"]}
        put = http.put(
            f"/{DATABASE}/rest/model/party.party/{foreign}?f=name", json=body, headers={"authorization": f"Bearer {strict.firm.rest_key}"}
        )
    assert put.status_code == 200
    assert put.json()["name"] == row["name"]
    assert {name: stored(strict, foreign)[name] for name in FIELDS} == {name: before[name] for name in FIELDS}
