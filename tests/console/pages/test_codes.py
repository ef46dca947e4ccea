"""One's own codes over the pages' interface: a touch for exactly that, what is made is shown once, and nothing is weaker than it was."""

import pyotp
import pytest
from starlette.testclient import TestClient

from auth.own_touch import What
from auth.tables import Person
from auth.totp import AppState
from deploy.demo.software_key import SoftwareKey
from policies.needs import RequirementKind
from tests.services.console import Pages


@pytest.fixture
def key() -> SoftwareKey:
    return SoftwareKey()


@pytest.fixture
def anna(pages: Pages, key: SoftwareKey) -> Person:
    return enrolled(pages, pages.add("Anna Feldmann"), key)


def enrolled(pages: Pages, person: Person, key: SoftwareKey) -> Person:
    token = pages.services.keys.issue_token(person.id, None)
    options, _ = pages.services.keys.begin_registration(token)
    pages.services.keys.complete_registration(token, key.create(options, pages.url))
    return person


def touch(pages: Pages, client: TestClient, key: SoftwareKey, what: str, *, for_what: str | None = None):
    csrf = pages.csrf(client)
    begun = client.post(f"/api/codes/{for_what or what}/begin", json={"csrf": csrf}).json()
    answer = {"csrf": csrf, "state": begun["state"], "response": key.get(begun["options"], pages.url)}
    return client.post(f"/api/codes/{what}/complete", json=answer)


def test_an_app_is_enrolled_with_a_touch_and_its_seed_is_nowhere_afterwards(pages: Pages, anna: Person, key: SoftwareKey) -> None:
    client = pages.client(anna)
    made = touch(pages, client, key, "totp").json()
    picture = client.get(made["picture"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert picture.headers["content-security-policy"].startswith("default-src 'none'")
    assert picture.headers["cache-control"] == "no-store"
    assert picture.content.startswith(b"<svg")
    assert b"<script" not in picture.content
    assert b"style" not in picture.content
    assert client.get(made["picture"]).status_code == 404, "once"
    assert made["seed"] not in client.get("/codes").text
    first = {"csrf": pages.csrf(client), "code": pyotp.TOTP(made["seed"]).now()}
    assert client.post("/api/codes/totp/confirm", json=first).json() == {"state": "ready"}
    assert pages.services.codes.totp.state(anna.id) is AppState.READY
    assert touch(pages, client, key, "totp").status_code == 403, "it is removed first"
    assert touch(pages, client, key, "totp-removal").json() == {"removed": True}


def test_another_persons_picture_is_not_shown(pages: Pages, anna: Person, key: SoftwareKey) -> None:
    made = touch(pages, pages.client(anna), key, "totp").json()
    assert pages.client(pages.add("Boris Hartwig")).get(made["picture"]).status_code == 404
    assert pages.client().get(made["picture"]).status_code == 303


def test_codes_are_in_the_answer_of_the_touch_and_on_no_page(pages: Pages, anna: Person, key: SoftwareKey) -> None:
    client = pages.client(anna)
    codes = touch(pages, client, key, "codes").json()["codes"]
    assert len(codes) == 10
    page = client.get("/codes").text
    assert not [code for code in codes if code in page]
    assert "10" in page


@pytest.mark.parametrize(("begun", "done"), [("codes", "totp"), ("totp", "totp-removal"), ("totp-removal", "codes")])
def test_a_touch_for_something_else_does_not_do(pages: Pages, anna: Person, key: SoftwareKey, begun: str, done: str) -> None:
    answer = touch(pages, pages.client(anna), key, done, for_what=begun)
    assert (answer.status_code, answer.json()) == (403, {"error": "refused"})
    assert pages.services.codes.recovery_codes.left(anna.id) == 0


def test_a_touch_is_good_once_and_for_its_own_person(pages: Pages, anna: Person, key: SoftwareKey) -> None:
    client, boris_key = pages.client(anna), SoftwareKey()
    boris = enrolled(pages, pages.add("Boris Hartwig"), boris_key)
    csrf = pages.csrf(client)
    begun = client.post("/api/codes/codes/begin", json={"csrf": csrf}).json()
    answer = {"csrf": csrf, "state": begun["state"], "response": key.get(begun["options"], pages.url)}
    other = pages.client(boris)
    assert other.post("/api/codes/codes/complete", json={**answer, "csrf": pages.csrf(other)}).status_code == 403
    assert client.post("/api/codes/codes/complete", json=answer).status_code == 200
    assert client.post("/api/codes/codes/complete", json=answer).status_code == 403


def test_without_the_token_of_the_sign_in_or_for_a_further_key_nothing_begins(pages: Pages, anna: Person) -> None:
    client = pages.client(anna)
    assert client.post("/api/codes/codes/begin", json={"csrf": "wrong"}).status_code == 403
    assert client.post(f"/api/codes/{What.KEY}/begin", json={"csrf": pages.csrf(client)}).status_code == 403
    assert client.post("/api/codes/nothing/begin", json={"csrf": pages.csrf(client)}).status_code == 422


def ready(pages: Pages, person: Person) -> str:
    """An app that is in use; its seed."""
    seed = pages.services.codes.totp.begin(person.id).seed
    pages.services.codes.totp.confirm(person.id, pyotp.TOTP(seed).now(), None)
    return seed


def next_code(seed: str) -> str:
    import time

    return pyotp.TOTP(seed).at(time.time(), counter_offset=1)


def test_a_code_confirms_what_offers_it_and_e86_nothing_else(pages: Pages, anna: Person) -> None:
    seed, client = ready(pages, anna), pages.client()
    pages.hold(anna, act_id="export")
    assert 'id="by-app"' not in client.get("/act/export").text, "not offered"
    forced = client.post("/api/acts/export/code", json={"code": next_code(seed), "reason": None, "read": False})
    assert (forced.status_code, forced.json()) == (403, {"error": "refused"})
    pages.hold(anna, act_id="card", action="read", asked=1, allowed=1, asks=frozenset({RequirementKind.KEY, RequirementKind.CODE}))
    assert 'id="by-app"' in client.get("/act/card").text
    assert client.post("/api/acts/card/code", json={"code": "000000"}).json() == {"error": "refused"}
    assert client.post("/api/acts/card/code", json={"code": next_code(seed)}).json() == {"state": "confirmed"}
    assert client.post("/api/acts/none/code", json={"code": next_code(seed)}).status_code == 403


def test_it_is_not_offered_to_whom_has_no_app(pages: Pages, anna: Person) -> None:
    pages.hold(anna, act_id="card", action="read", asks=frozenset({RequirementKind.KEY, RequirementKind.CODE}))
    assert 'id="by-app"' not in pages.client().get("/act/card").text


def test_x2_a_code_signs_nobody_in_and_registers_no_key(pages: Pages, anna: Person) -> None:
    code, client = next_code(ready(pages, anna)), pages.client()
    assert client.post("/api/enrol/begin", json={"token": code}).status_code == 403
    assert client.post("/api/signin/complete", json={"state": code, "response": {"code": code}}).status_code == 403
    assert client.get("/codes").status_code == 303
    assert client.post("/api/keys/complete", json={"csrf": "", "state": code, "response": {}}).status_code == 401
