import re

import pytest
from starlette.testclient import TestClient

from audit_store.event import EventAction
from deploy.demo.software_key import SoftwareKey
from policies.needs import RequirementKind
from tests.services.console import Pages, with_names_hidden


def with_key(pages: Pages, name: str = "Anna Feldmann") -> tuple[str, SoftwareKey]:
    """A person with a registered key."""
    person, key = pages.add(name), SoftwareKey()
    token = pages.services.keys.issue_token(person.id, None)
    client = pages.client()
    begun = client.post("/api/enrol/begin", json={"token": token}).json()
    response = key.create(begun["options"], pages.url)
    done = client.post("/api/enrol/complete", json={"token": token, "state": begun["state"], "response": response, "label": "blau"})
    assert done.status_code == 200
    return person.id, key


def hold(pages: Pages, person_id: str, **what: object) -> None:
    person = pages.services.people.by_id(person_id)
    assert person is not None
    pages.hold(person, **what)  # type: ignore[arg-type]


def touch(client: TestClient, key: SoftwareKey, origin: str, act_id: str = "act-1", **how: bool) -> int:
    begun = client.post(f"/api/acts/{act_id}/begin", json={})
    if begun.status_code != 200:
        return begun.status_code
    response = key.get(begun.json()["options"], origin, **how)
    return client.post(f"/api/acts/{act_id}/complete", json={"response": response}).status_code


def test_the_popup_names_who_what_how_many_which_fields_and_where_to(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    text = pages.client().get("/act/act-1").text
    for said in ("Export bestätigen", "3.000", "300", "Anna Feldmann", "Name, Telefon, E-Mail und Ort", "in eine Datei auf diesem Rechner"):
        assert said in text
    assert "Am Tag lassen sich höchstens 300 eigene Kunden freigeben" in text


def test_the_popup_says_by_which_fields_the_clients_were_chosen_and_not_what_was_searched_for(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id, filter=("addresses.city", "id", "name"))
    text = pages.client().get("/act/act-1").text
    assert "Ausgewählt nach" in text
    assert "Ort und Name" in text
    hold(pages, person_id, act_id="act-2", filter=("id",))
    assert "Ausgewählt nach" not in pages.client().get("/act/act-2").text


LONG = "x" * 10_000
HOSTILE = "<script>alert(1)</script>\u202eevil\r\n"


def test_hostile_words_are_shown_escaped_apart_and_to_their_end(pages: Pages):
    """F91: what is hashed is what is shown, whatever stands in it."""
    person_id, key = with_key(pages)
    hold(pages, person_id, fields=(HOSTILE, LONG, "name"))
    client = pages.client()
    text = client.get("/act/act-1").text
    assert LONG in text, "what the key signs is not cut"
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\ufffdevil\ufffd\ufffd" in text
    assert "\u202e" not in text
    assert text.count("<bdi>") >= 3
    assert touch(client, key, pages.url) == 200


def test_what_is_signed_is_every_byte_of_what_is_shown(pages: Pages):
    """Two acts that differ in one invisible letter have two challenges, and a touch for one is none for the other."""
    person_id, key = with_key(pages)
    hold(pages, person_id, fields=("name",))
    hold(pages, person_id, act_id="act-2", fields=("name\u200b",))
    client = pages.client()
    options = client.post("/api/acts/act-1/begin", json={}).json()["options"]
    client.post("/api/acts/act-2/begin", json={})
    answer = {"response": key.get(options, pages.url)}
    assert client.post("/api/acts/act-2/complete", json=answer).status_code == 403
    assert client.post("/api/acts/act-1/complete", json=answer).status_code == 200


def test_no_button_of_the_popup_has_the_focus_by_itself(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    text = pages.client().get("/act/act-1").text
    assert "autofocus" not in text
    assert 'id="touch" type="button" disabled' in text


def test_with_names_hidden_neither_popup_nor_link_names_anybody(pages: Pages):
    """Both addresses can be known to a reviewer, who must not read a name there."""
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    token = pages.services.keys.issue_token(person_id, None)
    client = with_names_hidden(pages).client()
    person = pages.services.people.by_id(person_id)
    assert person is not None
    for path in ("/act/act-1", f"/enrol/{token}"):
        text = client.get(path).text
        assert "Feldmann" not in text
        assert person.pseudonym in text


def test_what_is_to_be_read_is_what_the_rules_that_warn_say_and_nothing_else(pages: Pages):
    person_id, _ = with_key(pages)
    asks = frozenset({RequirementKind.KEY, RequirementKind.ACKNOWLEDGE})
    hold(pages, person_id, asks=asks, warnings=("export_warned", "limit_needs_key"))
    text = pages.client().get("/act/act-1").text
    assert "In diesem Export stehen Daten von Kunden des Hauses" in text
    assert text.count("flash warn") == 2
    assert "Dieser Export braucht Ihren Schlüssel" not in text


def test_without_a_warning_nothing_is_to_be_read(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id, warnings=("export_warned",))
    assert "flash warn" not in pages.client().get("/act/act-1").text


def test_equal_numbers_are_named_once(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id, asked=40, allowed=40)
    text = pages.client().get("/act/act-1").text
    assert "Gehen hinaus" not in text
    assert "40" in text


def test_of_an_upload_the_server_is_named_and_no_number(pages: Pages):
    """How many clients were recognised in it would tell a masked number (attacks X11)."""
    person_id, _ = with_key(pages)
    hold(pages, person_id, asked=4711, allowed=4711, fields=(), action="upload", destination="cloud:cloud.example")
    text = pages.client().get("/act/act-1").text
    assert "Senden bestätigen" in text
    assert "<bdi>cloud.example</bdi>" in text
    assert "4.711" not in text
    assert not re.search(r"\b4711\b", text), "random words of the page may hold the digits"
    assert "senden Sie dasselbe noch einmal" in text
    assert "im CRM" not in text


def test_the_button_is_not_active_at_once_and_has_no_focus(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    text = pages.client().get("/act/act-1").text
    assert '<button class="first" id="touch" type="button" disabled>' in text
    assert "autofocus" not in text


def test_a_touch_confirms_the_act_once(pages: Pages):
    person_id, key = with_key(pages)
    hold(pages, person_id)
    client = pages.client()
    assert touch(client, key, pages.url) == 200
    assert client.get("/api/acts/act-1").json() == {"state": "confirmed"}
    assert touch(client, key, pages.url) == 403


def test_opening_the_popup_confirms_nothing(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    client = pages.client()
    for _ in range(3):
        client.get("/act/act-1")
    assert client.get("/api/acts/act-1").json() == {"state": "open"}


def test_a_signature_made_on_the_crms_origin_is_refused(pages: Pages):
    person_id, key = with_key(pages)
    hold(pages, person_id)
    client = pages.client()
    assert touch(client, key, pages.services.installation.crm_url) == 403
    assert client.get("/api/acts/act-1").json() == {"state": "open"}


def test_presence_without_pin_or_fingerprint_is_refused(pages: Pages):
    person_id, key = with_key(pages)
    hold(pages, person_id)
    assert touch(pages.client(), key, pages.url, user_verified=False) == 403


def test_every_refusal_reads_the_same(pages: Pages):
    person_id, key = with_key(pages)
    hold(pages, person_id)
    client = pages.client()
    options = client.post("/api/acts/act-1/begin", json={}).json()["options"]
    wrong_origin = client.post("/api/acts/act-1/complete", json={"response": key.get(options, "http://evil.example")})
    used = client.post("/api/acts/act-1/complete", json={"response": key.get(options, pages.url)})
    rubbish = client.post("/api/acts/act-1/complete", json={"response": {"id": "x"}})
    unknown = client.post("/api/acts/none/complete", json={"response": {}})
    assert {answer.status_code for answer in (wrong_origin, used, rubbish, unknown)} == {403}
    assert len({answer.content for answer in (wrong_origin, used, rubbish, unknown)}) == 1


def test_a_cancelled_act_cannot_be_confirmed(pages: Pages):
    person_id, key = with_key(pages)
    hold(pages, person_id)
    client = pages.client()
    assert client.post("/api/acts/act-1/cancel", json={}).status_code == 200
    assert touch(client, key, pages.url) == 403
    text = client.get("/act/act-1").text
    assert "Nicht bestätigt" in text
    assert 'id="touch"' not in text


def test_an_unknown_act_is_a_page_without_a_button(pages: Pages):
    answer = pages.client().get("/act/none")
    assert answer.status_code == 404
    assert "<button" not in answer.text


def test_the_demos_button_is_there_only_in_the_demo(pages: Pages):
    person_id, _ = with_key(pages)
    hold(pages, person_id)
    assert "Demo" not in pages.client().get("/act/act-1").text


def test_a_second_registration_with_the_same_link_is_refused(pages: Pages):
    person = pages.add("Anna Feldmann")
    token = pages.services.keys.issue_token(person.id, None)
    client, key = pages.client(), SoftwareKey()
    begun = client.post("/api/enrol/begin", json={"token": token}).json()
    answer = {"token": token, "state": begun["state"], "response": key.create(begun["options"], pages.url)}
    assert client.post("/api/enrol/complete", json=answer).status_code == 200
    assert client.post("/api/enrol/complete", json=answer).status_code == 403
    assert client.get(f"/enrol/{token}").status_code == 404


TARGETS = ["/people", "//evil.example", "/\\evil.example", "https://evil.example", "/alerts/../../x", "/signout", "/keys?x=//y"]


@pytest.mark.parametrize("wanted", TARGETS)
def test_a_sign_in_leads_only_to_our_own_pages(pages: Pages, wanted: str):
    person_id, key = with_key(pages)
    client = pages.client()
    begun = client.post("/api/signin/begin", json={}).json()
    response = key.get(begun["options"], pages.url)
    done = client.post("/api/signin/complete", json={"state": begun["state"], "response": response, "to": wanted})
    assert done.status_code == 200
    assert done.json()["to"] == ("/people" if wanted == "/people" else "/keys")
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert pages.client().get("/keys").status_code == 303
    assert client.get("/keys").status_code == 200
    assert pages.services.people.by_id(person_id) is not None
    pages.services.log.take(pages.services.spool)
    assert EventAction.CONSOLE_LOGIN in {logged.document["event"]["action"] for logged in pages.services.log.tail(5)}
