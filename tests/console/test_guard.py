from pathlib import Path

import pytest
from starlette.testclient import TestClient

from auth.installation import Installation
from console.app import create_app
from console.guard import BODY_LIMIT_BYTES
from console.services import open_services
from deploy.demo.software_key import SoftwareKey
from tests.services.console import Pages

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", ["/signin", "/nothing", "/static/torwart.css", "/api/alerts", "/why/none"])
def test_every_answer_carries_the_security_headers(pages: Pages, path: str):
    headers = pages.client().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "publickey-credentials-get=(self)" in headers["permissions-policy"]


def test_pages_are_stored_nowhere(pages: Pages):
    assert pages.client().get("/signin").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "crm.localhost:8400", "torwart.localhost", "torwart.localhost:8401.evil.example", ""])
def test_another_host_name_is_not_served(pages: Pages, host: str):
    assert pages.client().get("/signin", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "http://crm.localhost:8400"},
        {"sec-fetch-site": "same-site", "origin": "http://crm.localhost:8400"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"origin": "null"},
    ],
)
def test_a_post_from_another_site_reaches_no_page(pages: Pages, headers: dict[str, str]):
    client = pages.client()
    del client.headers["origin"], client.headers["sec-fetch-site"]
    assert client.post("/api/signin/begin", json={}, headers=headers).status_code == 403


def test_a_post_that_says_nothing_of_its_origin_is_refused(pages: Pages):
    client = pages.client()
    del client.headers["origin"], client.headers["sec-fetch-site"]
    assert client.post("/api/signin/begin", json={}).status_code == 403


def test_a_program_that_names_our_origin_may_post(pages: Pages):
    client = pages.client()
    del client.headers["sec-fetch-site"]
    assert client.post("/api/signin/begin", json={}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_other_methods_are_not_used(pages: Pages, method: str):
    assert pages.client().request(method, "/signin").status_code == 405


def test_a_large_body_is_not_read(pages: Pages):
    answer = pages.client().post("/api/signin/begin", content=b" " * (BODY_LIMIT_BYTES + 1), headers=JSON)
    assert answer.status_code == 413


def test_a_body_of_unknown_length_is_not_read(pages: Pages):
    answer = pages.client().post("/api/signin/begin", content=iter([b"{}"]), headers=JSON)
    assert answer.status_code == 411


def test_on_https_the_cookie_is_bound_to_the_host_and_browsers_stay_on_https(tmp_path: Path):
    url = "https://torwart.firma.example"
    services = open_services(Installation(tmp_path / "state", url, "https://crm.firma.example"))
    owner = services.people.add("Oskar Brandt", "oskar@firma.example", ["owner"])
    key = SoftwareKey()
    client = TestClient(
        create_app(services), base_url=url, headers={"origin": url, "sec-fetch-site": "same-origin"}, follow_redirects=False
    )
    token = services.keys.issue_token(owner.id, None)
    begun = client.post("/api/enrol/begin", json={"token": token}).json()
    answer = {"token": token, "state": begun["state"], "response": key.create(begun["options"], url)}
    assert client.post("/api/enrol/complete", json=answer).status_code == 200
    begun = client.post("/api/signin/begin", json={}).json()
    done = client.post("/api/signin/complete", json={"state": begun["state"], "response": key.get(begun["options"], url)})
    assert done.headers["strict-transport-security"].startswith("max-age=")
    cookie = done.headers["set-cookie"]
    assert cookie.startswith("__Host-torwart=")
    for bound in ("Secure", "HttpOnly", "Path=/", "SameSite=strict"):
        assert bound in cookie
    assert "Domain" not in cookie
    assert client.get("/alerts").status_code == 200
    services.close()
