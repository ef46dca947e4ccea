"""X3 before real Tryton: a call is the work of the person whose sign-in the gateway saw, and of nobody else."""

import base64
import json

import httpx
import pytest

from deploy.demo.tryton_rpc import TrytonSession
from tests.services.gateway import FIELDS, RunningFirm, phase, reason, result

pytestmark = pytest.mark.slow


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def read(party: int) -> bytes:
    return json.dumps({"id": 1, "method": "model.party.party.read", "params": [[party], FIELDS, {}]}).encode()


def post(http: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return http.post("/crm/rpc/", content=body, headers={"content-type": "application/json", **headers})


def test_the_name_and_number_in_the_cookie_change_nothing(firm: RunningFirm) -> None:
    foreign = firm.book("carla")[0]
    with firm.log_in("anna") as anna, firm.http() as http:
        for name, number in (("carla", anna.user_id), ("oskar", 1), ("owner:1", anna.user_id), ("anna", anna.user_id)):
            answer = post(http, read(foreign), cookie=f"tryton_session={name}:{number}:{anna.token}")
            if answer.status_code == 200 and "result" in answer.json():
                assert not firm.leaks(answer.content)
                assert result(answer)[0]["phone"] != ""
                assert "+" not in result(answer)[0]["phone"]
    assert {e["user"]["id"] for e in firm.acts() if phase(e) == "released"} == {firm.person("anna").pseudonym}


def test_two_credentials_basic_and_unknown_tokens_reach_nobody(firm: RunningFirm) -> None:
    own, key, password = firm.book("anna")[0], firm.firm.rest_key, firm.crm.passwords["anna"]
    unknown = "0" * 64
    rest = f"/crm/rest/model/party.party/{own}?f=phone"
    with firm.log_in("anna") as anna, firm.log_in("boris") as boris, firm.http() as http:
        cookie = f"tryton_session=anna:{anna.user_id}:{anna.token}"
        session = {"authorization": anna.authorization}
        tries = {
            "two people": lambda: post(http, read(own), cookie=cookie, authorization=boris.authorization),
            "the same person twice": lambda: post(http, read(own), cookie=cookie, **session),
            "basic": lambda: post(http, read(own), authorization=basic("anna", password)),
            "key as basic password": lambda: post(http, read(own), authorization=basic("anna", key)),
            "key on rpc": lambda: post(http, read(own), authorization=f"Bearer {key}"),
            "unknown token": lambda: post(http, read(own), cookie=f"tryton_session=anna:{anna.user_id}:{unknown}"),
            "nobody": lambda: post(http, read(own)),
            "rest with basic": lambda: http.get(rest, headers={"authorization": basic("anna", key)}),
            "rest with an unknown key": lambda: http.get(rest, headers={"authorization": f"Bearer {unknown}"}),
            "rest with a session": lambda: http.get(rest, headers=session),
            "rest with a session cookie": lambda: http.get(rest, headers={"cookie": cookie}),
            "csv with a key": lambda: http.get("/crm/data/party.party?f=name", headers={"authorization": f"Bearer {key}"}),
            "csv with basic": lambda: http.get("/crm/data/party.party?f=name", headers={"authorization": basic("anna", password)}),
        }
        for name, attempt in tries.items():
            mark, before = len(firm.hop.seen), len(firm.record())
            answer = attempt()
            assert answer.status_code in (400, 401), (name, answer.status_code)
            assert firm.hop.since(mark) == [], name
            (event,) = firm.record()[before:]
            assert (event["event"]["outcome"], event["event"]["action"]) == ("failure", "refused"), name
            assert anna.token not in json.dumps(event)
            assert key not in json.dumps(event)


def test_an_account_of_nobody_is_not_signed_in(firm: RunningFirm) -> None:
    with firm.http() as http:
        mark, before = len(firm.hop.seen), len(firm.record())
        said = post(
            http,
            json.dumps({"id": 1, "method": "common.db.login", "params": ["admin", {"password": firm.crm.passwords["admin"]}]}).encode(),
        )
        assert said.status_code == 401
    assert firm.hop.since(mark) == []
    (event,) = firm.record()[before:]
    assert reason(event) == "no_principal"


def test_the_same_person_s_second_account_counts_as_that_person(firm: RunningFirm) -> None:
    with firm.people() as people:
        felix = people.by_account("felix")
        assert felix is not None
        people.bind(felix.id, "admin")
    own = firm.book("felix")[:5]
    before = len(firm.record())
    with firm.log_in("felix") as first, firm.log_in("admin") as second:
        for session in (first, second):
            assert all("@" in row["email"] for row in result(session.post("model.party.party.read", own, ["name", "email"], {})))
    released = [e for e in firm.record()[before:] if phase(e) == "released" and e["torwart"]["act"]["action"] == "list"]
    assert {e["user"]["id"] for e in released} == {felix.pseudonym}
    assert released[-1]["torwart"]["usage"]["shown_day"] == len(own)


def ended(firm: RunningFirm, since: int) -> list[str]:
    """Why sessions were ended, as it was recorded."""
    return [e["torwart"]["words"]["why"] for e in firm.record()[since:] if e["event"]["action"] == "session-cut"]


def test_after_a_sign_out_the_session_is_nobody_s_whatever_the_crm_does_with_it(firm: RunningFirm) -> None:
    own = firm.book("anna")[0]
    browser = firm.browser("anna")
    assert browser.post("model.party.party.read", [own], ["name"], {}).status_code == 200
    assert browser.http.post("/crm/session/logout", json={}).status_code == 200
    mark = len(firm.hop.seen)
    assert browser.post("model.party.party.read", [own], ["name"], {}).status_code == 401
    assert firm.hop.since(mark) == [], "the gateway itself knows"


def test_a_sign_in_ends_the_session_that_its_browser_had_before(firm: RunningFirm) -> None:
    own, before = firm.book("anna")[0], len(firm.record())
    browser = firm.browser("anna")
    body = {"id": 0, "method": "common.db.login", "params": ["anna", {"password": firm.crm.passwords["anna"]}, "de"]}
    renewed = browser.http.post("/crm/session/login", json=body)
    assert renewed.status_code == 200
    mark = len(firm.hop.seen)
    assert browser.post("model.party.party.read", [own], ["name"], {}).status_code == 401, "the old cookie"
    assert firm.hop.since(mark) == []
    browser.http.cookies.clear()
    browser.http.headers["cookie"] = "; ".join(value.partition(";")[0] for value in renewed.headers.get_list("set-cookie"))
    assert browser.post("model.party.party.read", [own], ["name"], {}).status_code == 200
    assert ended(firm, before) == ["renewed"]


def test_a_session_that_the_crm_has_forgotten_is_dead_at_the_gateway_too(firm: RunningFirm) -> None:
    """Expiry, a changed password, an administrator's cut: Tryton forgets the session in each case, and says 401."""
    own, before = firm.book("boris")[0], len(firm.record())
    with firm.log_in("boris") as boris:
        assert result(boris.post("model.party.party.read", [own], ["name"], {}))
        straight = httpx.Client(base_url=firm.crm.base_url, headers={"authorization": boris.authorization}, trust_env=False)
        with straight:  # past the gateway, as the CRM itself forgets it
            straight.post("/crm/rpc/", json={"id": 1, "method": "common.db.logout", "params": []})
        mark = len(firm.hop.seen)
        assert boris.post("model.party.party.read", [own], ["name"], {}).status_code == 401
        assert len(firm.hop.since(mark)) == 1
        assert boris.post("model.party.party.read", [own], ["name"], {}).status_code == 401
        assert len(firm.hop.since(mark)) == 1, "the second one does not reach the CRM"
    assert ended(firm, before) == ["crm"]


def test_a_changed_password_ends_every_session_of_the_account(firm: RunningFirm) -> None:
    own, before = firm.book("carla")[0], len(firm.record())
    with firm.log_in("carla") as first, firm.log_in("carla") as second:
        with TrytonSession(firm.crm.base_url, "admin", firm.crm.passwords["admin"]) as admin:
            admin.call("model.res.user.write", [first.user_id], {"password": firm.crm.passwords["carla"]}, {})
        for session in (first, second):
            assert session.post("model.party.party.read", [own], ["name"], {}).status_code == 401
    assert ended(firm, before) == ["crm", "crm"]
