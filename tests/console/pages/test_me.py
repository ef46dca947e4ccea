"""One's own sign-ins, and ending them."""

import re

from audit_store.event import EventAction
from auth.console_sessions import Seat
from tests.services.console import Pages


def test_one_s_own_sign_ins_are_shown_and_nobody_else_s(pages: Pages) -> None:
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    client = pages.client(anna)
    pages.services.console_sessions.open(anna.id, None, Seat("Firefox · Linux", "10.0.0.7"))
    pages.services.console_sessions.open(boris.id, None, Seat("Safari · iPad", "10.0.0.8"))
    pages.services.sessions.bind("secret", "session", anna.id, "anna")
    shown = client.get("/me").text
    assert "Firefox · Linux" in shown
    assert "10.0.0.7" in shown
    assert "Anmeldung am CRM" in shown
    assert "Safari" not in shown
    assert shown.count("diese hier") == 1
    assert "Schlüssel" in client.get("/keys").text


def test_nothing_is_ended_without_the_token_of_the_form(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    client = pages.client(anna)
    row = pages.services.sessions.bind("secret", "session", anna.id, "anna")
    for body in ({}, {"csrf": "x"}, {"csrf": pages.csrf(pages.client(anna))}):
        assert client.post(f"/me/sessions/{row.id}/end", data=body).status_code == 403
        assert client.post("/me/sessions/others", data=body).status_code == 403
    assert client.get(f"/me/sessions/{row.id}/end").status_code == 405
    assert pages.services.sessions.find("secret") is not None


def test_one_and_all_others_are_ended(pages: Pages) -> None:
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    client, other = pages.client(anna), pages.client(anna)
    csrf = pages.csrf(client)
    mine = pages.services.sessions.bind("one", "session", anna.id, "anna")
    theirs = pages.services.sessions.bind("two", "session", boris.id, "boris")
    assert client.post(f"/me/sessions/{theirs.id}/end", data={"csrf": csrf}).headers["location"] == "/me?done=nothing"
    assert pages.services.sessions.find("two") is not None
    answer = client.post(f"/me/sessions/{mine.id}/end", data={"csrf": csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me?done=ended")
    assert pages.services.sessions.find("one") is None
    pages.services.sessions.bind("three", "session", anna.id, "anna")
    client.post("/me/sessions/others", data={"csrf": csrf})
    assert pages.services.sessions.find("three") is None
    assert other.get("/me").status_code == 303, "signed out"
    assert "Alle anderen Anmeldungen sind beendet." in client.get("/me?done=others").text
    kinds = [logged.document["event"]["action"] for logged in pages.record()] or [
        row.canonical.decode() for row in pages.services.spool.read(0, 1_000)
    ]
    assert len([one for one in kinds if re.search(EventAction.SESSION_CUT.value, one)]) == 2
