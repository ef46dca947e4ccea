"""X18: the gateway's own paths are its own in every spelling, and its script stands in the web client's page alone."""

import pytest

from tests.services.gateway import FIELDS, RunningFirm

pytestmark = pytest.mark.slow
SPELLINGS = [
    "/.torwart",
    "/.torwart/",
    "/.torwart/held/../x",
    "/.torwart/page.js/",
    "/.torwart//page.js",
    "/.TORWART/held",
    "/.Torwart/page.js",
    "/%2etorwart/held",
    "/.%74orwart/page.js",
    "/./.torwart/held",
    "//.torwart/held",
    "/x/../.torwart/held",
    "/.torwart%2fheld",
    "/.torwart\\held",
    "/.torwart;x/held",
    "/.torwart%00/held",
    "/.torwart./held",
    "/.torwarT",
    "/.torwart/go/",
    "/.torwart/open/unknown",
    "/crm/.torwart/held",
    "/crm/%2etorwart",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
def test_no_spelling_of_our_paths_reaches_the_crm(firm: RunningFirm, spelling: str, method: str) -> None:
    mark = len(firm.hop.seen)
    with firm.http() as http:
        answer = http.request(method, f"{firm.url}{spelling}")
    assert answer.status_code in (200, 303, 400, 401, 403, 404)
    assert firm.hop.since(mark) == []


def test_the_script_stands_in_the_page_of_the_web_client_and_in_nothing_else(firm: RunningFirm) -> None:
    own = firm.book("dmitri")[0]
    with firm.log_in("dmitri") as session, firm.http() as http:
        page = http.get("/")
        others = [
            http.get("/dist/tryton-sao.min.js"),
            http.get("/locale/de.json"),
            session.post("model.party.party.read", [own], FIELDS, {}),
            http.get("/missing.html"),
        ]
    if page.status_code == 200:  # Tryton has its web client
        assert page.text.count("/.torwart/page.js") == 1
        assert page.headers["cache-control"] == "no-store"
    assert not any(b"/.torwart/page.js" in answer.content for answer in others)


def test_a_text_of_the_crm_that_looks_like_a_page_gains_no_script(firm: RunningFirm) -> None:
    own = firm.book("dmitri")[1]
    name = "<html><head></head><script>alert(1)</script>"
    with firm.log_in("dmitri") as session:
        session.call("model.party.party.write", [own], {"name": name}, {})
        answer = session.post("model.party.party.read", [own], ["name"], {})
    assert answer.json()["result"][0]["name"] == name
    assert answer.headers["content-type"] == "application/json"
