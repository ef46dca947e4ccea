"""B26 to B35 before real Tryton: who asks is known from the session alone, and nothing of ours or of the caller's leaks to the CRM."""

import json
import socket
from typing import Any

import pytest

from deploy.demo.ceremony import act_of
from deploy.demo.people import OWNER, PEOPLE
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.gateway import FIELDS, RunningFirm, result

pytestmark = pytest.mark.slow
CLAIMS = {
    "x-user": "oskar",
    "x-forwarded-user": "oskar",
    "x-forwarded-for": "10.0.0.9",
    "forwarded": "for=10.0.0.9;proto=https",
    "x-real-ip": "10.0.0.9",
    "x-original-url": "/crm/session/logout",
    "x-rewrite-url": "/crm/session/logout",
    "x-forwarded-uri": "/crm/session/logout",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-tryton-context": "eyJ1c2VyIjogMX0=",
    "x-tryton-usage": "oskar",
    "via": "1.1 evil",
    "te": "trailers",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_in_a_header_is_removed_or_refused(firm: RunningFirm, name: str) -> None:
    foreign = firm.others("anna")[0]
    with firm.log_in("anna") as anna, firm.http() as http:
        mark = len(firm.hop.seen)
        body = json.dumps({"id": 1, "method": "model.party.party.read", "params": [[foreign], FIELDS, {}]})
        headers = {"authorization": anna.authorization, "content-type": "application/json", name: CLAIMS[name]}
        answer = http.post("/crm/rpc/", content=body, headers=headers)
    if answer.status_code == 200:
        assert not firm.leaks(answer.content)
        (sent,) = firm.hop.since(mark)
        assert sent.path == "/crm/rpc/"
        assert CLAIMS[name] not in [value for key, value in sent.headers if key != "host"]
        assert sent.header("x-forwarded-for") == "127.0.0.1"
    else:
        assert answer.status_code == 400
        assert firm.hop.since(mark) == []
    assert "10.0.0.9" not in json.dumps(firm.record()[-1])


def raw(firm: RunningFirm, *requests: str) -> bytes:
    """Everything that comes back to requests sent in one go."""
    received = b""
    with socket.create_connection(("127.0.0.1", firm.gateway.port), timeout=10) as connection:
        connection.sendall("".join(requests).encode())
        while data := connection.recv(65_536):
            received += data
    return received


def spoken(firm: RunningFirm, authorization: str, method: str, params: list[Any], *headers: str) -> str:
    body = json.dumps({"id": 1, "method": method, "params": [*params, {}]})
    lines = [
        "POST /crm/rpc/ HTTP/1.1",
        f"Host: crm.localhost:{firm.gateway.port}",
        f"Authorization: {authorization}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", body])


def test_a_nominated_header_does_not_take_ours_away(firm: RunningFirm) -> None:
    own = firm.book("anna")[:1]
    with firm.log_in("anna") as anna:
        request = spoken(firm, anna.authorization, "model.party.party.read", [own, ["name"]], "Connection: close, X-Forwarded-For, Cookie")
        answer = raw(firm, request)
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    if answer.startswith(b"HTTP/1.1 200"):
        assert firm.hop.seen[-1].header("x-forwarded-for") == "127.0.0.1"


def test_a_pipelined_second_request_is_judged_by_itself(firm: RunningFirm) -> None:
    """A9: behind an allowed read stands one on a road that nobody knows."""
    own = firm.book("anna")[:1]
    with firm.log_in("anna") as anna:
        mark = len(firm.hop.seen)
        first = spoken(firm, anna.authorization, "model.party.party.read", [own, ["name"]])
        second = spoken(firm, anna.authorization, "model.ir.session.search_read", [[]], "Connection: close")
        answer = raw(firm, first, second)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 403") == 1 or answer.count(b"HTTP/1.1 400") == 1
    assert [sent.method for sent in firm.hop.since(mark)] == ["model.party.party.read"]


def test_our_own_cookies_never_reach_the_crm(firm: RunningFirm) -> None:
    boris = firm.browser("boris")
    boris.http.headers["cookie"] = f"{boris.cookie}; torwart=secret-of-the-console; other=1"
    mark = len(firm.hop.seen)
    assert boris.post("model.party.party.read", firm.book("boris")[:1], ["name"], {}).status_code == 200
    (sent,) = firm.hop.since(mark)
    cookie = sent.header("cookie") or ""
    assert cookie.startswith("tryton_session=")
    assert "torwart" not in str(sent.headers)
    assert ";" not in cookie


def test_a_session_fixed_before_the_sign_in_is_worth_nothing(firm: RunningFirm) -> None:
    fixed = "f" * 64
    with firm.http() as http:
        body = {"id": 0, "method": "common.db.login", "params": ["boris", {"password": firm.crm.passwords["boris"]}, "de"]}
        mark = len(firm.hop.seen)
        said = http.post("/crm/session/login", json=body, headers={"cookie": f"tryton_session=boris:3:{fixed}"})
        if said.status_code == 200:
            assert fixed not in str([sent.headers for sent in firm.hop.since(mark)])
            assert fixed not in str(said.headers)
        http.cookies.clear()
        call = {"id": 1, "method": "model.party.party.read", "params": [[1], ["name"], {}]}
        assert http.post("/crm/rpc/", json=call, headers={"cookie": f"tryton_session=boris:3:{fixed}"}).status_code == 401


def test_a_colleague_s_key_or_touch_confirms_nothing(firm: RunningFirm) -> None:
    """B28, E77: both are enrolled, and both have held exactly the same clients."""
    order = sorted(PEOPLE, key=lambda person: person is not OWNER)
    stored = firm.key.to_json()
    keys = {person.login: SoftwareKey.from_json([one]) for person, one in zip(order, stored, strict=True)}
    with firm.log_in("sabine") as sabine, firm.log_in("oskar") as oskar:

        def export(session: Any) -> Any:
            return session.post("model.party.party.export_data", [5, 6], FIELDS, False, {})

        act_id = act_of(export(sabine))
        credential = SoftwareKey.from_json(stored[: order.index(OWNER) + 1])._credentials[0].id
        own = keys["sabine"]
        own._credentials[0].id, honest = credential, own._credentials[0].id
        with pytest.raises(Exception, match="no credential"):
            firm.touch(act_id, key=own)
        own._credentials[0].id = honest
        assert export(sabine).status_code == 401
        assert firm.touch(act_of(export(oskar)))
        assert export(sabine).status_code == 401
        assert len(result(export(oskar))) == 2
        firm.cancel(act_id)


@pytest.mark.parametrize("path", ["/health", "/healthz", "/metrics", "/status", "/ping", "/.well-known/x", "/admin", "/server-status"])
def test_there_is_no_door_for_probes(firm: RunningFirm, path: str) -> None:
    mark = len(firm.hop.seen)
    with firm.http() as http:
        answer = http.get(path, headers={"user-agent": "GoogleHC/1.0"})
    assert answer.status_code in (400, 401, 403, 404)
    assert firm.hop.since(mark) == []


def test_who_is_gone_is_out_with_the_next_request(firm: RunningFirm) -> None:
    """B30: session and REST key alike."""
    key = {"authorization": f"Bearer {firm.firm.rest_key}"}
    own = firm.book("anna")[0]
    with firm.log_in("anna") as anna, firm.http() as http:
        assert result(anna.post("model.party.party.read", [own], ["name"], {}))
        assert http.get(f"/crm/rest/model/party.party/{own}?f=name", headers=key).status_code == 200
        with firm.people() as people:
            person = people.by_account("anna")
            assert person is not None
            people.set_status(person.id, Status.GONE, None)
        mark = len(firm.hop.seen)
        assert anna.post("model.party.party.read", [own], ["name"], {}).status_code in (401, 403)
        assert http.get(f"/crm/rest/model/party.party/{own}?f=name", headers=key).status_code in (401, 403)
        body = {"id": 0, "method": "common.db.login", "params": ["anna", {"password": firm.crm.passwords["anna"]}, "de"]}
        assert http.post("/crm/rpc/", json=body).status_code in (401, 403)
        assert firm.hop.since(mark) == []
