"""The sign-in over HTTP: a new id each time, a cookie that no other site sends, nothing but our own pages after it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from auth.tables import Person
from console.pages.signin import safe_target
from deploy.demo.software_key import SoftwareKey
from tests.services.console import Pages


def enrolled(pages: Pages, person: Person) -> SoftwareKey:
    key = SoftwareKey()
    token = pages.services.keys.issue_token(person.id, None)
    options, _ = pages.services.keys.begin_registration(token)
    pages.services.keys.complete_registration(token, key.create(options, pages.url))
    return key


def sign_in(pages: Pages, client: TestClient, key: SoftwareKey, to: str = "", **headers: str) -> Any:
    begun = client.post("/api/signin/begin", json={}).json()
    answer = {"state": begun["state"], "response": key.get(begun["options"], pages.url), "to": to}
    return client.post("/api/signin/complete", json=answer, headers=headers)


def test_a_session_set_before_the_sign_in_is_nobody_s_after_it(pages: Pages) -> None:
    """B29, first half: session fixation."""
    anna = pages.add("Anna Feldmann")
    key, client = enrolled(pages, anna), pages.client()
    client.cookies.set("torwart", "fixed-by-somebody-else")
    assert sign_in(pages, client, key).status_code == 200
    assert pages.services.console_sessions.find("fixed-by-somebody-else") is None
    assert pages.services.console_sessions.find(_token(client)) is not None


def test_a_second_sign_in_in_the_same_browser_ends_the_first(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    key, client = enrolled(pages, anna), pages.client(anna)
    first = _token(client)
    answer = sign_in(pages, client, key)
    assert pages.services.console_sessions.find(first) is None
    (row,) = pages.services.console_sessions.of(anna.id)
    assert answer.cookies["torwart"] != first
    assert row.key_id is not None


def test_the_cookie_is_for_this_host_alone_and_for_no_script_and_no_other_site(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    key, client = enrolled(pages, anna), pages.client()
    said = sign_in(pages, client, key).headers["set-cookie"]
    members = {member.strip().lower() for member in said.split(";")[1:]}
    assert members == {"httponly", "path=/", "samesite=strict"}, "and over https: Secure and the prefix, tested with the real thing"


def test_the_list_says_from_where_in_words_of_ours(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 <b>"
    sign_in(pages, pages.client(), enrolled(pages, anna), **{"user-agent": agent, "x-forwarded-for": "10.9.9.9"})
    (row,) = pages.services.console_sessions.of(anna.id)
    assert row.device == "Firefox · Linux"
    assert row.source != "10.9.9.9"


def test_after_a_touch_the_session_has_a_new_id_and_the_old_one_is_nobody(pages: Pages) -> None:
    """B29, second half."""
    anna = pages.add("Anna Feldmann")
    key, client = enrolled(pages, anna), pages.client(anna)
    before, csrf = _token(client), pages.csrf(client)
    pages.hold(anna, asked=3, allowed=3)
    options = client.post("/api/acts/act-1/begin", json={}).json()["options"]
    answer = client.post("/api/acts/act-1/complete", json={"response": key.get(options, pages.url)})
    assert answer.json() == {"state": "confirmed"}
    fresh = answer.cookies["torwart"]
    assert pages.services.console_sessions.find(before) is None
    found = pages.services.console_sessions.find(fresh)
    assert found is not None
    assert found[0].csrf != csrf


def test_a_touch_of_somebody_else_in_this_browser_changes_nothing_about_the_sign_in(pages: Pages) -> None:
    anna, owner = pages.add("Anna Feldmann"), pages.add("Oskar Brandt", "owner")
    key, client = enrolled(pages, anna), pages.client(owner)
    pages.hold(anna, asked=3, allowed=3)
    options = client.post("/api/acts/act-1/begin", json={}).json()["options"]
    answer = client.post("/api/acts/act-1/complete", json={"response": key.get(options, pages.url)})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    found = pages.services.console_sessions.find(_token(client))
    assert found is not None
    assert found[1].id == owner.id


@pytest.mark.parametrize("key_of", ["nobody", "a colleague who is gone"])
def test_every_refusal_reads_the_same(pages: Pages, key_of: str) -> None:
    anna = pages.add("Anna Feldmann")
    key, client = enrolled(pages, anna), pages.client()
    if key_of == "nobody":
        key._credentials[0].id = b"x" * 32
    else:
        pages.services.people.freeze(anna.id, None)
    answer = sign_in(pages, client, key)
    assert (answer.status_code, answer.json()) == (403, {"error": "refused"})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https://evil.example",
        "@evil.example",
        "/keys@evil.example",
        "/keys?x=//evil.example",
        "/keys/../../evil",
        "/keys\n",
        "javascript:alert(1)",
        "/api/acts",
        "/signout",
        "",
    ],
)
def test_a_sign_in_leads_to_our_own_pages_only(pages: Pages, wanted: str) -> None:
    """B34."""
    anna = pages.add("Anna Feldmann")
    assert sign_in(pages, pages.client(), enrolled(pages, anna), wanted).json() == {"to": "/keys"}
    assert safe_target(wanted, is_reviewer=True) == "/alerts"
    signed_in = pages.client(anna).get("/signin", params={"to": wanted})
    assert signed_in.headers["location"] == "/keys"


@pytest.mark.parametrize("page", ["/second", "/me", "/codes", "/approvals", "/approvals/abc", "/people/abc/key", "/why/TW-abc"])
def test_a_sign_in_leads_back_to_the_page_that_asked_for_it(pages: Pages, page: str) -> None:
    anna = pages.add("Anna Feldmann")
    assert sign_in(pages, pages.client(), enrolled(pages, anna), page).json() == {"to": page}


@pytest.mark.parametrize("cookie", ["torwart=a; torwart=b", "torwart=a; x=1; torwart=a", "torwart=" + "a" * 8192, "x=" + "a" * 8192])
def test_strange_cookies_are_refused(pages: Pages, cookie: str) -> None:
    """B32: two of one name, and more than a browser has reason to send."""
    client = pages.client()
    client.cookies.clear()
    assert client.get("/signin", headers={"cookie": cookie}).status_code == 400


def test_what_the_firm_s_other_hosts_set_for_the_whole_domain_is_no_fault(pages: Pages) -> None:
    client = pages.client()
    client.cookies.clear()
    assert client.get("/signin", headers={"cookie": "_ga=1; _ga=2; theme=" + "a" * 5_000}).status_code == 200


def _token(client: TestClient) -> str:
    """The newest cookie of the sign-in: the jar keeps one that was set by hand beside the one that came."""
    return [cookie.value or "" for cookie in client.cookies.jar if cookie.name == "torwart"][-1]
