"""The second road over its pages: only for whoever is signed in, only to the own act, and both screens show the same."""

import re

from tests.services.console import Pages


def offered(pages: Pages, act_id: str) -> str:
    answer = pages.client().post(f"/api/acts/{act_id}/second", json={})
    assert answer.status_code == 200
    return answer.json()["code"]


def shown(text: str) -> list[str]:
    return re.findall(r"<d[td]>.*?</d[td]>", text)


def test_the_code_leads_to_the_same_words_and_is_shown_with_them(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    pages.hold(anna)
    here, there, code = pages.client(), pages.client(anna), offered(pages, "act-1")
    led = there.post("/second", data={"csrf": pages.csrf(there), "code": f" {code.lower()} "})
    assert led.status_code == 303
    page = there.get(led.headers["location"]).text
    assert code in page
    assert shown(page) == shown(here.get("/act/act-1").text)
    act = pages.services.stepup.get("act-1")
    assert act is not None
    assert act.state == "open", "nothing is confirmed by it"


def test_a_code_in_the_address_is_shown_only_if_it_led_here(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    pages.hold(anna)
    code = offered(pages, "act-1")
    assert code not in pages.client(anna).get(f"/act/act-1?road={code}").text, "nobody came by it yet"
    assert "EVIL-CODE" not in pages.client(anna).get("/act/act-1?road=EVIL-CODE").text


def test_it_needs_a_sign_in_the_own_act_and_the_token_of_the_form(pages: Pages) -> None:
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    pages.hold(anna)
    code = offered(pages, "act-1")
    assert pages.client().post("/second", data={"code": code}).status_code == 303
    other = pages.client(boris)
    refused = other.post("/second", data={"csrf": pages.csrf(other), "code": code})
    wrong = other.post("/second", data={"csrf": pages.csrf(other), "code": "0000-0000"})
    assert (refused.status_code, refused.text) == (403, wrong.text), "one text for all causes"
    mine = pages.client(anna)
    assert mine.post("/second", data={"csrf": "x", "code": code}).status_code == 403
    assert mine.post("/second", data={"csrf": pages.csrf(mine), "code": code}).status_code == 303


def test_an_act_that_is_over_has_no_code(pages: Pages) -> None:
    pages.hold(pages.add("Anna Feldmann"))
    pages.services.stepup.cancel("act-1")
    assert pages.client().post("/api/acts/act-1/second", json={}).json() == {"error": "refused"}
