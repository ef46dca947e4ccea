"""What waits for somebody's yes: who sees it, what they see, and that nothing but their key answers it."""

from dataclasses import dataclass, replace

import pytest
from starlette.testclient import TestClient

from auth.act import Summary
from auth.approval_request import Shown
from auth.approval_tables import ApprovalRequest
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from policies.needs import Approval, RequirementKind
from tests.services.console import Pages

DIGEST = "ab" * 32
SHOWN = Shown("export", asked=3_000, allowed=300, fields=("name", "phone"), filter=("city",), destination="download", policy="7")


@dataclass
class Firm:
    pages: Pages
    anna: Person
    olga: Person
    key: SoftwareKey
    request: ApprovalRequest

    def sign(self, client: TestClient, *, yes: bool = True, why: str | None = None) -> int:
        address, csrf = f"/api/approvals/{self.request.id}", self.pages.csrf(client)
        begun = client.post(f"{address}/begin", json={"csrf": csrf, "yes": yes, "why": why})
        if begun.status_code != 200:
            return begun.status_code
        answer = self.key.get(begun.json()["options"], self.pages.url)
        return client.post(f"{address}/complete", json={"csrf": csrf, "response": answer}).status_code

    def state(self) -> str:
        now = self.pages.services.approvals.get(self.request.id)
        assert now is not None
        return now.state


@pytest.fixture
def firm(pages: Pages) -> Firm:
    services = pages.services
    anna, olga = pages.add("Anna Feldmann"), pages.add("Olga Brandt", "owner")
    key = SoftwareKey()
    token = services.keys.issue_token(olga.id, None)
    services.keys.complete_registration(token, key.create(services.keys.begin_registration(token)[0], pages.url))
    act = pages.hold(anna, act_id="act-9", asks=frozenset({RequirementKind.KEY, RequirementKind.APPROVAL}))
    rows = (("•••GH", "•••", "•••67"),)
    services.approvals.draft(act.id, requester=anna.id, digest=DIGEST, shown=SHOWN, need=Approval(), samples=rows, seconds=60)
    request = services.approvals.open(act.id, "für <b>die Messe</b>")
    assert request is not None
    assert Summary.of(act).allowed == 300
    return Firm(pages, anna, olga, key, request)


def test_the_approver_sees_all_that_the_key_signs(firm: Firm) -> None:
    client = firm.pages.client(firm.olga)
    listed = client.get("/approvals").text
    assert f'/approvals/{firm.request.id}"' in listed
    assert '<span class="count">1</span>' in listed
    shown = client.get(f"/approvals/{firm.request.id}").text
    for said in ("Anna Feldmann", "3.000", "300", "•••67", "Mit Schlüssel zustimmen", "für &lt;b&gt;die Messe&lt;/b&gt;"):
        assert said in shown, said


def test_e90_looking_and_linking_approve_nothing(firm: Firm) -> None:
    client = firm.pages.client(firm.olga)
    for address in (f"/approvals/{firm.request.id}", f"/approvals/{firm.request.id}?yes=true", "/approvals"):
        page = client.get(address)
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for road in ("begin", "complete"):
        assert client.get(f"/api/approvals/{firm.request.id}/{road}").status_code == 405
    assert firm.state() == "open"


def test_e90_nothing_is_answered_without_the_token_of_the_sign_in_or_from_elsewhere(firm: Firm) -> None:
    client, other = firm.pages.client(firm.olga), firm.pages.client(firm.olga)
    for csrf in ("", "x", firm.pages.csrf(other)):
        answer = client.post(f"/api/approvals/{firm.request.id}/begin", json={"csrf": csrf, "yes": True})
        assert answer.status_code == 403
    foreign = {"sec-fetch-site": "cross-site", "origin": "http://evil.example"}
    body = {"csrf": firm.pages.csrf(client), "yes": True}
    assert client.post(f"/api/approvals/{firm.request.id}/begin", json=body, headers=foreign).status_code == 403
    assert firm.pages.client().post(f"/api/approvals/{firm.request.id}/begin", json=body).status_code == 401
    assert firm.state() == "open"


def test_the_key_says_yes_and_the_requester_hears_it(firm: Firm) -> None:
    assert firm.sign(firm.pages.client(firm.olga)) == 200
    assert firm.state() == "given"
    own = firm.pages.client(firm.anna).get(f"/approvals/{firm.request.id}").text
    assert "Wiederholen Sie den Schritt jetzt" in own
    assert firm.sign(firm.pages.client(firm.olga)) == 403, "once"


def test_after_the_touch_the_sign_in_has_a_new_id(firm: Firm) -> None:
    """B29."""
    client = firm.pages.client(firm.olga)
    before = client.cookies["torwart"]
    assert firm.sign(client) == 200
    assert firm.pages.services.console_sessions.find(before) is None
    (row,) = firm.pages.services.console_sessions.of(firm.olga.id)
    assert row.ended_at is None


def test_the_key_says_no(firm: Firm) -> None:
    assert firm.sign(firm.pages.client(firm.olga), yes=False, why="zu viele") == 200
    assert firm.state() == "refused"


def test_the_requester_and_whoever_has_another_role_can_say_nothing(firm: Firm) -> None:
    stranger = firm.pages.add("Sven Sicher", "security")
    for person in (firm.anna, stranger):
        client = firm.pages.client(person)
        assert "Mit Schlüssel zustimmen" not in client.get(f"/approvals/{firm.request.id}").text
        assert (
            client.post(f"/api/approvals/{firm.request.id}/begin", json={"csrf": firm.pages.csrf(client), "yes": True}).status_code == 403
        )
    assert firm.pages.client(stranger).get(f"/approvals/{firm.request.id}").status_code == 404
    assert firm.state() == "open"


def test_one_s_own_request_is_taken_back(firm: Firm) -> None:
    client, olga = firm.pages.client(firm.anna), firm.pages.client(firm.olga)
    address = f"/approvals/{firm.request.id}/withdraw"
    assert client.post(address, data={"csrf": "x"}).status_code == 403
    olga.post(address, data={"csrf": firm.pages.csrf(olga)})
    assert firm.state() == "open"
    assert client.post(address, data={"csrf": firm.pages.csrf(client)}).status_code == 303
    assert firm.state() == "withdrawn"
    assert firm.sign(olga) == 403


def test_the_page_of_the_act_asks_and_then_says_where_it_stands(pages: Pages) -> None:
    anna, key = pages.add("Anna Feldmann"), SoftwareKey()
    services = pages.services
    token = services.keys.issue_token(anna.id, None)
    services.keys.complete_registration(token, key.create(services.keys.begin_registration(token)[0], pages.url))
    act = pages.hold(anna, act_id="act-9", asks=frozenset({RequirementKind.KEY, RequirementKind.APPROVAL}))
    services.approvals.draft(act.id, requester=anna.id, digest=DIGEST, shown=SHOWN, need=Approval(), seconds=60)
    client = pages.client()
    assert "Um Zustimmung bitten" in client.get("/act/act-9").text
    options = client.post("/api/acts/act-9/begin", json={"reason": None, "read": False}).json()["options"]
    done = client.post("/api/acts/act-9/complete", json={"response": key.get(options, pages.url)})
    assert done.json() == {"state": "asked"}
    assert "Andere sind gefragt" in client.get("/act/act-9").text
    request = services.approvals.get("act-9")
    assert request is not None
    assert request.state == "open"
    assert services.stepup.take("act-9", act.digest) is None, "the touch asked; it let nothing go"


def test_a_name_is_shown_to_the_one_who_asked_after_two_keys(pages: Pages) -> None:
    services = replace(pages.services, installation=replace(pages.services.installation, names="pseudonyms"))
    pages.app.state.services = pages.services = services
    anna, keys = pages.add("Anna Feldmann"), {}
    olga, sven = pages.add("Olga Brandt", "owner"), pages.add("Sven Sicher", "security")
    for person in (olga, sven):
        token, keys[person.id] = services.keys.issue_token(person.id, None), SoftwareKey()
        services.keys.complete_registration(token, keys[person.id].create(services.keys.begin_registration(token)[0], pages.url))

    def sign(person: Person, address: str, road: str, said: dict[str, object]) -> int:
        client = pages.client(person)
        begun = client.post(f"/api{address}{road}/begin", json={"csrf": pages.csrf(client), **said})
        answer = keys[person.id].get(begun.json()["options"], pages.url)
        return client.post(f"/api{address}{road}/complete", json={"csrf": pages.csrf(client), "response": answer}).status_code

    client = pages.client(olga)
    assert "Um den Namen bitten" in client.get(f"/people/{anna.id}").text
    form = {"csrf": pages.csrf(client), "case": "Feldmann", "reason": "ein Verdacht"}
    refused = client.post(f"/people/{anna.id}/reveal", data=form)
    assert refused.status_code == 422
    assert "zum Beispiel 2026-17" in refused.text
    assert "Feldmann" not in refused.text
    address = client.post(f"/people/{anna.id}/reveal", data={**form, "case": "2026-17"}).headers["location"]
    assert "Mit Schlüssel darum bitten" in client.get(address).text
    assert pages.client(sven).get(address).status_code == 404, "the key has not asked yet"
    assert sign(olga, address, "/ask", {}) == 200
    shown = pages.client(sven).get(address).text
    assert "Fall 2026-17" in shown
    assert anna.pseudonym in shown
    assert sign(sven, address, "", {"yes": True}) == 200
    assert "Namen zeigen" in client.get(address).text
    assert client.post(f"{address}/open", data={"csrf": pages.csrf(client)}).status_code == 303
    assert "Feldmann" in client.get(address).text
    for person, page in ((sven, address), (olga, f"/people/{anna.id}"), (olga, "/people"), (olga, "/approvals")):
        assert "Feldmann" not in pages.client(person).get(page).text, page


def test_of_an_upload_the_approver_sees_what_leaves_and_who_asked_sees_no_number(pages: Pages) -> None:
    services = pages.services
    anna, olga = pages.add("Anna Feldmann"), pages.add("Olga Brandt", "owner")
    for person in (anna, olga):
        token, key = services.keys.issue_token(person.id, None), SoftwareKey()
        services.keys.complete_registration(token, key.create(services.keys.begin_registration(token)[0], pages.url))
    asks = frozenset({RequirementKind.KEY, RequirementKind.APPROVAL})
    act = pages.hold(anna, act_id="act-9", asks=asks, action="upload", destination="cloud:cloud.example", asked=4711, allowed=4711)
    assert "senden Sie dasselbe noch einmal" in pages.client().get("/act/act-9").text
    shown = Shown(
        "upload",
        asked=4711,
        allowed=4711,
        destination="cloud:cloud.example:8443",
        policy="7",
        reason_code="send_needs_consent",
        reason_values={"asked": 4711},
        exports={"7F3A": 4001},
        unread=("encrypted",),
    )
    files = (("Kunden <b>Muster.csv",), ("+ 2",))
    services.approvals.draft(act.id, requester=anna.id, digest=DIGEST, shown=shown, need=Approval(), samples=files, seconds=60)
    assert services.approvals.open(act.id, "für die Messe") is not None
    said = pages.client(olga).get("/approvals/act-9").text
    for words in (
        "cloud.example:8443",
        "Cloud-Speicher",
        "Kunden &lt;b&gt;Muster.csv",
        "+ 2",
        "4.711",
        "7F3A",
        "4.001",
        "verschlüsselt",
        "nicht lesbar",
    ):
        assert words in said, words
    assert "4.711" in pages.client(olga).get("/approvals").text
    for address in ("/approvals/act-9", "/approvals", "/act/act-9"):
        own = pages.client(anna).get(address).text
        assert not any(number in own for number in ("4.711", "4711", "4.001", "7F3A")), address
