import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from console.app import RouteError, _routers, create_app
from tests.services.console import Pages

ROUTES = [route for router in _routers() for route in router.routes if isinstance(route, APIRoute)]
PAGES = sorted({route.path for route in ROUTES if "GET" in route.methods})
POSTS = sorted({route.path for route in ROUTES if "POST" in route.methods})
OPEN_PAGES = {"/", "/signin", "/enrol/{token}", "/act/{act_id}", "/why/{act_id}", "/api/acts/{act_id}"} | {
    *("/recover", "/recover/{word}", "/emergency"),
}
"""Need no sign-in: the id or token in the address is unguessable, or there is nothing to see."""
EVERYBODYS = {"/keys", "/me", "/approvals", "/approvals/{request_id}", "/codes", "/codes/picture/{word}", "/second"}
_SIGNED_IN = ("/api/approvals/", "/api/people/", "/api/codes/", "/api/keys/", "/api/touch/")
SIGNED_IN_CEREMONIES = {path for path in POSTS if path.startswith(_SIGNED_IN)}
"""For somebody who is signed in: the key's signature comes on top of it."""
SIGNED = {"/api/agents/filter", "/api/agents/orders", "/api/intake"}
"""For agents: no sign-in of a person opens them, each request is signed (`tests/hostile/test_x22_agents.py`)."""
CODE_POSTS = {"/recover", "/recover/{word}", "/emergency"}
"""For people who have lost the key: a code or the address takes the place of a sign-in, and nothing rides on a cookie."""
OPEN_POSTS = {path for path in POSTS if path.startswith("/api/")} | CODE_POSTS
"""Ceremonies: the key's signature takes the place of a sign-in and its token."""


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "0", path)


@pytest.mark.parametrize("path", [path for path in PAGES if path not in OPEN_PAGES])
def test_without_a_sign_in_a_page_leads_to_the_sign_in(pages: Pages, path: str):
    answer = pages.client().get(filled(path))
    if path.startswith("/api/"):
        assert answer.status_code == 401
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, f"/signin?to={filled(path)}")


@pytest.mark.parametrize("path", [path for path in PAGES if path not in OPEN_PAGES | EVERYBODYS | SIGNED])
@pytest.mark.parametrize("role", ["manager", "head_of_sales", "accountant"])
def test_employees_do_not_see_what_reviewers_see(pages: Pages, path: str, role: str):
    assert pages.client(pages.add("Anna Feldmann", role)).get(filled(path)).status_code == 403


@pytest.mark.parametrize("role", ["owner", "security", "admin"])
@pytest.mark.parametrize("path", ["/alerts", "/events", "/people"])
def test_reviewers_see_alerts_and_people(pages: Pages, path: str, role: str):
    assert pages.client(pages.add("Oskar Brandt", role)).get(path).status_code == 200


@pytest.mark.parametrize("path", [path for path in POSTS if path not in OPEN_POSTS])
@pytest.mark.parametrize("token", ["", "wrong", "other"])
def test_a_form_without_the_token_of_its_own_sign_in_does_nothing(pages: Pages, path: str, token: str):
    owner, boris = pages.add("Oskar Brandt", "owner"), pages.add("Boris Hartwig")
    client, other = pages.client(owner), pages.client(owner)
    csrf = pages.csrf(other) if token == "other" else token
    form = {"csrf": csrf, "verdict": "false", "note": "x", "status": "gone", "sure": "yes"}
    answer = client.post(filled(path).replace("/people/0", f"/people/{boris.id}"), data=form)
    assert answer.status_code == 403
    found = pages.services.people.by_id(boris.id)
    assert found is not None
    assert (found.frozen, found.status) == (False, "active")


@pytest.mark.parametrize("path", sorted(OPEN_POSTS - SIGNED - CODE_POSTS))
def test_a_ceremony_takes_json_only(pages: Pages, path: str):
    answer = pages.client().post(filled(path), data={"response": "{}", "token": "x", "state": "x"})
    assert answer.status_code == (401 if path in SIGNED_IN_CEREMONIES else 422)


@pytest.mark.parametrize("role", ["manager", "owner"])
def test_no_sign_in_opens_what_is_for_agents(pages: Pages, role: str):
    client = pages.client(pages.add("Anna Feldmann", role))
    assert [client.get("/api/agents/filter").status_code, client.post("/api/intake", json={"rows": []}).status_code] == [401, 401]


def test_a_frozen_reviewer_is_signed_out_at_once(pages: Pages):
    owner = pages.add("Oskar Brandt", "owner")
    client = pages.client(owner)
    assert client.get("/alerts").status_code == 200
    pages.services.people.freeze(owner.id, None)
    assert client.get("/alerts").status_code == 303


def test_two_files_with_one_path_stop_the_start(pages: Pages):
    twice = APIRouter()
    twice.add_api_route("/keys", lambda: None)
    with pytest.raises(RouteError, match="/keys"):
        create_app(pages.services, [twice])


def test_an_unknown_address_gives_a_page_of_ours(pages: Pages):
    answer = pages.client().get("/nothing")
    assert answer.status_code == 404
    assert "Hier ist nichts" in answer.text
