"""Enrolment in person over HTTP: who may, from which sign-in, and that a link is used up by nobody who only looks."""

import pytest

from deploy.demo.software_key import SoftwareKey
from tests.console.api.test_signin import enrolled
from tests.services.console import Pages

NOT_ALLOWED = {"an employee": ("manager", 403), "a reviewer": ("security", 403)}


def test_the_administrator_touches_then_the_colleague_s_key_is_registered(pages: Pages) -> None:
    owner, anna = pages.add("Oskar Brandt", "owner"), pages.add("Anna Feldmann")
    key, client = enrolled(pages, owner), pages.client(owner)
    page = client.get(f"/people/{anna.id}/key")
    assert page.status_code == 200
    assert "Anna Feldmann" in page.text
    body = {"csrf": pages.csrf(client)}
    begun = client.post(f"/api/people/{anna.id}/witness/begin", json=body).json()
    answer = {**body, "state": begun["state"], "response": key.get(begun["options"], pages.url)}
    done = client.post(f"/api/people/{anna.id}/witness/complete", json=answer)
    assert done.status_code == 200
    assert "torwart" in done.cookies, "a new session id after the touch"
    token, new, nobody = done.json()["token"], SoftwareKey(), pages.client()
    creation = nobody.post("/api/enrol/begin", json={"token": token}).json()
    registered = nobody.post(
        "/api/enrol/complete",
        json={"token": token, "state": creation["state"], "response": new.create(creation["options"], pages.url), "label": "blau"},
    )
    assert registered.status_code == 200
    assert [one.label for one in pages.services.keys.of(anna.id)] == ["blau"]


@pytest.mark.parametrize("who", NOT_ALLOWED)
def test_only_administrators_witness(pages: Pages, who: str) -> None:
    role, status = NOT_ALLOWED[who]
    somebody, anna = pages.add("Sabine Kern", role), pages.add("Anna Feldmann")
    enrolled(pages, somebody)
    client = pages.client(somebody)
    assert client.get(f"/people/{anna.id}/key").status_code == status
    assert client.post(f"/api/people/{anna.id}/witness/begin", json={"csrf": pages.csrf(client)}).status_code == status
    assert pages.client().post(f"/api/people/{anna.id}/witness/begin", json={"csrf": "x"}).status_code == 401


def test_nothing_is_begun_without_the_token_of_the_own_sign_in_nor_for_oneself(pages: Pages) -> None:
    owner, anna = pages.add("Oskar Brandt", "owner"), pages.add("Anna Feldmann")
    enrolled(pages, owner)
    client = pages.client(owner)
    foreign = pages.csrf(pages.client(owner))
    for csrf in ("", "x", foreign):
        assert client.post(f"/api/people/{anna.id}/witness/begin", json={"csrf": csrf}).status_code == 403
    assert client.post(f"/api/people/{owner.id}/witness/begin", json={"csrf": pages.csrf(client)}).status_code == 403
    assert client.get(f"/people/{owner.id}/key").status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_survives_every_scanner_that_only_looks(pages: Pages, method: str) -> None:
    """F90: a mail scanner opens links before a person does, also with the headers of a prefetch."""
    anna = pages.add("Anna Feldmann")
    token = pages.services.keys.issue_token(anna.id, None)
    for headers in ({}, {"sec-purpose": "prefetch"}, {"purpose": "prefetch"}, {"user-agent": "SafeLinks"}):
        pages.client().request(method, f"/enrol/{token}", headers=headers)
    for body in (b"", b"{}", b"token=" + token.encode()):
        pages.client().post("/api/enrol/begin", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    key, client = SoftwareKey(), pages.client()
    creation = client.post("/api/enrol/begin", json={"token": token}).json()
    client.post("/api/enrol/begin", json={"token": token})  # a second tab
    answer = {"token": token, "state": creation["state"], "response": key.create(creation["options"], pages.url)}
    assert client.post("/api/enrol/complete", json=answer).status_code == 200
    assert client.get(f"/enrol/{token}").status_code == 404
    assert client.post("/api/enrol/complete", json=answer).status_code == 403
