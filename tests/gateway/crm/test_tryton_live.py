"""The profile against a real Tryton: what it asks there is understood, and what comes back is read."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.demo.crm import RunningCrm
from gateway.crm.profile import Call, CallKind, Delivered
from gateway.exchange import Request, Response
from gateway.upstream import Upstream
from policies.decision import Obligations
from tests.services.tryton_calls import JSON, TRYTON, base64url, hide, keep, released, request, rpc

pytestmark = pytest.mark.needs("tryton")
MASK = "•••"
FREE = Obligations()


@dataclass
class Road:
    """Calls of one person through the profile to the running Tryton."""

    crm: RunningCrm
    upstream: Upstream
    session: tuple[str, str]
    key: tuple[str, str]

    async def send(self, one: Request) -> tuple[Call, Response]:
        call = TRYTON.with_obligations(TRYTON.read(one), FREE)
        return call, await self.upstream.send(call.upstream)

    async def data(self, one: Request, duties: Obligations = FREE) -> Delivered:
        call, response = await self.send(one)
        assert call.kind is CallKind.DATA
        return TRYTON.answer(call, response).release(duties)

    async def rpc(self, method: str, *params: Any, duties: Obligations = FREE) -> Any:
        """The result that goes out; the error if that is one."""
        call, response = await self.send(rpc(method, *params, headers=(self.session,)))
        out = TRYTON.answer(call, response).release(duties).response if call.kind is CallKind.DATA else TRYTON.scrub(call, response)
        said = json.loads(out.body)
        return said["result"] if "result" in said else said["error"]

    def csv(self, query: str) -> Request:
        return request("GET", "/crm/data/party.party", self.session, query=query)

    def rest(self, method: str, road: str, query: str = "", body: Any = None, *headers: tuple[str, str]) -> Request:
        text = b"" if body is None else json.dumps(body).encode()
        return request(method, f"/crm/rest/model/{road}", self.key, JSON, *headers, body=text, query=query)


@pytest.fixture
async def anna(tryton: RunningCrm) -> AsyncIterator[Road]:
    upstream = Upstream(tryton.base_url, timeout_seconds=30, answer_limit_bytes=64 * 1024 * 1024)
    with tryton.log_in("anna") as session:
        words = base64.b64encode(f"anna:{session.user_id}:{session.token}".encode()).decode()
        yield Road(tryton, upstream, ("authorization", f"Session {words}"), ("authorization", f"Bearer {tryton.rest_key('anna')}"))
    upstream.close()


@pytest.fixture
def two(tryton: RunningCrm) -> tuple[int, int]:
    """The ids of two clients, in ascending order."""
    one, other = sorted((tryton.party_ids[5], tryton.party_ids[713]))
    return one, other


FIELDS = ["name", "phone", "mobile", "email", "contact_mechanisms.value", "contact_mechanisms.rec_name", "contact_mechanisms.url"]


async def test_a_masked_client_s_contacts_are_hidden_on_every_road(anna: Road, two: tuple[int, int]) -> None:
    clear, masked = two
    duties = hide(masked)
    domain = [["id", "in", [clear, masked]]]
    names = "&f=".join(["name", "phone", "email"])
    free = await anna.rpc("model.party.party.read", [masked], FIELDS)
    secrets = [free[0]["email"], *(contact["value"] for contact in free[0]["contact_mechanisms."])]
    assert all(len(secret) > 5 for secret in secrets)
    roads = [
        rpc("model.party.party.read", [clear, masked], FIELDS, headers=(anna.session,)),
        rpc("model.party.party.search_read", domain, 0, None, None, FIELDS, headers=(anna.session,)),
        rpc("model.party.party.export_data", [clear, masked], ["name", "phone", "email"], True, headers=(anna.session,)),
        rpc("model.party.party.export_data_domain", domain, ["name", "contact_mechanisms"], headers=(anna.session,)),
        rpc(
            "model.party.contact_mechanism.search_read",
            [["party", "in", [clear, masked]]],
            0,
            None,
            None,
            ["value"],
            headers=(anna.session,),
        ),
        rpc(
            "model.party.address.search_read",
            [["party", "in", [clear, masked]]],
            0,
            9,
            None,
            ["city", "party.email"],
            headers=(anna.session,),
        ),
        anna.csv(f"d=[{clear},{masked}]&f={names}&dl=;&enc=cp037&loc=1"),
        anna.rest("GET", "party.party", f"f={names}&f=contact_mechanisms.value&d={base64url(domain)}"),
    ]
    for one in roads:
        delivered = await anna.data(one, duties)
        text = json.dumps(delivered.response.body.decode(), ensure_ascii=False)
        assert delivered.shown == {str(clear), str(masked)}
        assert delivered.taken == {str(clear)}
        assert MASK in text
        assert not [secret for secret in secrets if secret in text]


async def test_the_columns_and_fields_that_were_added_are_gone(anna: Road, two: tuple[int, int]) -> None:
    rows = await anna.rpc("model.party.party.export_data", list(two), ["name", "contact_mechanisms/value", "addresses/city"], True)
    assert rows[0] == ["Name", "Contact Mechanisms/Value", "Addresses/City"]
    assert sum(row[0] != "" for row in rows[1:]) == 2
    contacts = await anna.rpc("model.party.contact_mechanism.search_read", [["party", "=", two[0]]], 0, None, None, ["type"])
    assert contacts
    assert all(contact.keys() == {"id", "type"} for contact in contacts)


async def test_a_trimmed_export_holds_the_rows_of_those_who_may_go(anna: Road, two: tuple[int, int]) -> None:
    stays, goes = two
    delivered = await anna.data(anna.csv("d=[]&f=name&f=email&s=50&o=id,ASC"), keep(goes, stays))
    assert delivered.shown <= {str(stays), str(goes)}
    assert delivered.response.body.count(b"\r\n") == 1 + len(delivered.shown)


async def test_all_three_thousand_are_counted_in_one_answer(anna: Road) -> None:
    delivered = await anna.data(rpc("model.party.party.search_read", [], 0, None, None, ["name"], headers=(anna.session,)))
    assert len(delivered.shown) == len(anna.crm.party_ids)
    assert delivered.taken == frozenset()


async def test_the_search_box_finds_names_and_not_numbers(anna: Road, two: tuple[int, int]) -> None:
    (record,) = await anna.rpc("model.party.party.read", [two[0]], ["name", "code", "contact_mechanisms.value"])
    number = record["contact_mechanisms."][0]["value"]
    for model, field in (("party.party", "rec_name"), ("party.contact_mechanism", "party"), ("party.address", "rec_name")):
        assert await anna.rpc(f"model.{model}.search", [[field, "ilike", f"%{number}%"]]) == []
        assert await anna.rpc(f"model.{model}.search", [[field, "ilike", f"%{record['name']}%"]])
    assert await anna.rpc("model.party.party.search", [["rec_name", "=", record["code"]]]) == [two[0]]
    assert await anna.rpc("model.party.party.search_count", [["contact_mechanisms.value", "=", number]]) == 1  # what the policy judges


async def test_a_contact_edited_on_its_client_s_card_is_written_and_another_s_is_refused(anna: Road, two: tuple[int, int]) -> None:
    own, foreign = two
    ids = {client: (await anna.rpc("model.party.party.read", [client], ["contact_mechanisms"]))[0]["contact_mechanisms"] for client in two}
    changes = {"contact_mechanisms": [["add", [ids[own][0]]], ["write", [ids[own][0]], {"value": "+49 30 23129999", "email": MASK}]]}
    assert await anna.rpc("model.party.party.write", [own], changes) is None
    assert (await anna.rpc("model.party.contact_mechanism.read", [ids[own][0]], ["value"]))[0]["value"] == "+49 30 23129999"
    before = await anna.rpc("model.party.contact_mechanism.read", ids[foreign], ["value", "name"])
    for commands in ([["write", [ids[foreign][0]], {"value": "+49 30 23129998"}]], [["add", [ids[foreign][0]]]]):
        assert (await anna.rpc("model.party.party.write", [own], {"contact_mechanisms": commands}))[0] == "UserError"
    assert (await anna.rpc("model.party.contact_mechanism.write", [ids[foreign][0]], {"party": own, "name": "x"}))[0] == "UserError"
    assert await anna.rpc("model.party.contact_mechanism.read", ids[foreign], ["value", "name"]) == before


async def test_a_mask_that_comes_back_leaves_the_stored_value(anna: Road, two: tuple[int, int]) -> None:
    client = two[1]
    (before,) = await anna.rpc("model.party.party.read", [client], ["contact_mechanisms.value", "contact_mechanisms.name"])
    contact = before["contact_mechanisms."][0]
    aliases = dict.fromkeys(("value", "sip", "website", "other_value", "skype", "email"), MASK)
    changes = {"contact_mechanisms": [["add", [contact["id"]]], ["write", [contact["id"]], aliases | {"name": "Büro"}]]}
    assert await anna.rpc("model.party.party.write", [client], changes) is None
    (after,) = await anna.rpc("model.party.contact_mechanism.read", [contact["id"]], ["value", "name"])
    assert after == {"id": contact["id"], "value": contact["value"], "name": "Büro"}


async def test_a_new_client_is_named_and_a_deleted_one_too(anna: Road) -> None:
    values = {"name": "Neue Firma GmbH", "addresses": [["create", [{"city": "Berlin"}]]]}
    call, response = await anna.send(rpc("model.party.party.create", [values], headers=(anna.session,)))
    (created,) = TRYTON.answer(call, response).created
    call, response = await anna.send(rpc("model.party.party.delete", [int(created)], headers=(anna.session,)))
    assert TRYTON.answer(call, response).deleted == (created,)
    by_rest, response = await anna.send(anna.rest("POST", "party.party", "f=name", {"name": "Per REST"}))
    answer = TRYTON.answer(by_rest, response)
    assert answer.created == answer.ids
    deleted, response = await anna.send(anna.rest("DELETE", f"party.party/{answer.created[0]}"))
    assert TRYTON.answer(deleted, response).deleted == answer.created
    assert (await anna.data(anna.rest("GET", f"party.party/{answer.created[0]}", "f=name"))).response.status == 404


async def test_a_write_that_reads_is_masked(anna: Road, two: tuple[int, int]) -> None:
    delivered = await anna.data(anna.rest("PUT", f"party.party/{two[1]}", "f=name&f=email", {"code": f"K{two[1]}"}), hide(two[1]))
    assert json.loads(delivered.response.body)["email"] == MASK
    assert (delivered.shown, delivered.taken) == ({str(two[1])}, frozenset())


async def test_a_form_still_thinks_along_on_what_the_person_typed(anna: Road, two: tuple[int, int]) -> None:
    typed = {"id": 1425, "party": {"id": two[1]}, "_parent_party.addresses": [{"id": two[1]}], "type": "mobile", "value": "030 23125999"}
    said = await anna.rpc("model.party.contact_mechanism.on_change_value", typed)
    assert said["value_compact"].replace(" ", "").endswith("23125999")
    stored = await anna.rpc("model.party.contact_mechanism.on_change_with", {"id": 1425, "type": "phone"}, ["url"])
    assert not [text for text in stored.values() if isinstance(text, str) and any(letter.isdigit() for letter in text)]
    assert (await anna.rpc("model.party.party.default_get", ["active", "name", "addresses"]))["active"] is True


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("model.party.party.fields_view_get", (None, "form")),
        ("model.party.party.fields_get", ()),
        ("model.party.party.view_toolbar_get", ()),
        ("model.ir.ui.menu.search", ([["parent", "=", None]], 0, None, None)),
        ("model.ir.lang.search_read", ([], 0, None, None, ["rec_name"])),
        ("model.res.user.get_preferences", (False,)),
        ("model.ir.model.access.get_access", (["party.party"],)),
        ("model.party.address.autocomplete_city", ({"country": None, "postal_code": "10115", "subdivision": None},)),
    ],
)
async def test_the_furniture_passes(anna: Road, method: str, args: tuple[Any, ...]) -> None:
    said = await anna.rpc(method, *args)
    assert not (isinstance(said, list) and said[:1] == ["UserError"])


async def test_an_error_of_tryton_does_not_repeat_a_value(anna: Road) -> None:
    for _ in range(2):
        call, response = await anna.send(rpc("model.party.party.create", [{"name": "X", "code": "DOPPELT"}], headers=(anna.session,)))
        out = TRYTON.answer(call, response).release(FREE).response
    assert b"UserError" in response.body
    assert json.loads(out.body)["error"] == ["UserError", ["The CRM refused the entry.", "Please check the fields.", None]]


async def test_a_label_report_is_a_document_about_its_clients(anna: Road, two: tuple[int, int]) -> None:
    one = rpc(
        "report.party.label.execute",
        list(two),
        {"model": "party.party", "ids": list(two), "id": two[0], "action_id": 73},
        headers=(anna.session,),
    )
    delivered = await anna.data(one)
    assert delivered.shown == set(map(str, two))
    assert json.loads(delivered.response.body)["result"][0] == "odt"


async def test_signing_in_and_out_works_as_the_web_client_does_it(anna: Road) -> None:
    body = {"method": "common.db.login", "params": ["boris", {"device_cookie": None}, "de"], "id": 0}
    asked, response = await anna.send(request("POST", "/crm/session/login", JSON, body=json.dumps(body).encode()))
    assert TRYTON.credential_issued(asked, response) is None
    assert json.loads(TRYTON.scrub(asked, response).body)["error"][0] == "LoginException"
    body["params"] = ["boris", {"device_cookie": None, "password": anna.crm.passwords["boris"]}, "de"]
    call, response = await anna.send(request("POST", "/crm/session/login", JSON, body=json.dumps(body).encode()))
    issued = TRYTON.credential_issued(call, response)
    assert issued is not None
    cookie = ("cookie", next(value for name, value in response.headers if name == "set-cookie").partition(";")[0])
    read = rpc("model.party.party.search_count", [], headers=(cookie,))
    known = TRYTON.read(read).credential
    assert known is not None
    assert known.secret == issued[0].secret
    assert released(await anna.data(read)) >= 2_999
    _, response = await anna.send(request("POST", "/crm/session/logout", JSON, cookie, body=b"{}"))
    assert response.status == 200
    assert (await anna.data(read)).response.status == 401
