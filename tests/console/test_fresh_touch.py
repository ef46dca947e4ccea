"""A form that gives authority on Torwart's pages needs a touch for exactly it: an open sign-in, or a stolen cookie, is not enough."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import update
from starlette.testclient import TestClient

from auth.console_sessions import FORM_TIME
from auth.recovery_tables import Recovery
from auth.storage import reading
from auth.tables import ConsoleSession, EnrolmentToken, Person
from console.app import _routers
from console.sent_form import digest_of
from deploy.demo.software_key import Lies, SoftwareKey
from policies.request import Level, Status
from tests.console.api.test_signin import enrolled
from tests.services.console import Pages

TODAY = datetime.now(UTC).date()
CHANGE = {"roles": "manager admin", "language": "de", "email": "attacker@outside.example", "reason": ""}
NEW = {"name": "Zweit", "email": "zweit@firma.example", "roles": "admin", "language": "de"}
GIVES: dict[str, dict[str, str]] = {
    "/people/new": NEW,
    "/people/import": {"again": "bmFtZQ==", "seen": "x", "take": "yes"},
    "/people/import/undo": {},
    "/people/{person_id}/change": CHANGE,
    "/people/{person_id}/bind": {"account": "somebody"},
    "/people/{person_id}/drop": {},
    "/people/{person_id}/token": {},
    "/people/{person_id}/recovery": {"here": "yes"},
    "/people/{person_id}/status": {"status": "active", "sure": "yes"},
    "/people/{person_id}/level": {"level": "normal", "days": "7", "reason": "x"},
    "/people/{person_id}/unfreeze": {},
    "/people/{person_id}/leave": {"first": "", "last": ""},
}
"""Path -> a form that gives somebody something."""
NEEDS_NONE = {
    "/alerts/{alert_id}/close": "if it is mild; of a serious one: tests/console/pages/test_alert.py",
    "/alerts/{alert_id}/look": "gives nothing",
    "/approvals/{request_id}/open": "a second person has said yes, with a key, to a request that a key has signed",
    "/approvals/{request_id}/withdraw": "takes away",
    "/emergency": "the code of the envelope; nobody need be signed in",
    "/keys/{key_id}/name": "one's own",
    "/keys/{key_id}/remove": "takes away",
    "/me/sessions/others": "takes away",
    "/me/sessions/{session_id}/end": "takes away",
    "/people/{person_id}/freeze": "takes away, and is urgent",
    "/people/{person_id}/reveal": "the key asks on the next page",
    "/people/{person_id}/unbind": "takes away",
    "/recover": "a recovery code, which opens and does not finish; nobody is signed in",
    "/recover/{word}": "others have said yes, each with a key",
    "/recovery/{recovery_id}/cancel": "takes away",
    "/second": "leads to an act, which the key signs",
    "/signout": "takes away",
}
"""Path -> why an open sign-in, or none, is enough."""


@dataclass
class Desk:
    """An administrator who has gone for a coffee, and a colleague."""

    pages: Pages
    owner: Person
    anna: Person
    key: SoftwareKey
    client: TestClient

    def post(self, path: str, form: dict[str, str]) -> Any:
        target = path.replace("{person_id}", self.anna.id)
        return self.client.post(target, data={**form, "csrf": self.pages.csrf(self.client)})

    def touch(self, page: str) -> str:
        """Touch for the form that this page keeps, as it does; the token that the form carries then."""
        body = {"csrf": self.pages.csrf(self.client), "form": form_of(page)}
        begun = self.client.post("/api/touch/begin", json=body).json()
        response = self.key.get(begun["options"], self.pages.url)
        done = self.client.post("/api/touch/complete", json={**body, "state": begun["state"], "response": response})
        assert done.status_code == 200
        self.take(done.cookies["torwart"])
        return str(done.json()["csrf"])

    def take(self, cookie: str) -> None:
        """What a browser does with a cookie of the same name."""
        self.client.cookies.clear()
        self.client.cookies.set("torwart", cookie)


def form_of(page: str) -> str:
    """The digest of the form that the page keeps."""
    found = re.search(r'data-form="([0-9a-f]{64})"', page)
    assert found is not None
    return found.group(1)


@pytest.fixture
def desk(pages: Pages) -> Desk:
    owner, anna = pages.add("Oskar Brandt", "owner"), pages.add("Anna Feldmann")
    key = enrolled(pages, owner)
    client = pages.client(owner, touches=False)
    return Desk(pages, owner, anna, key, client)


def test_every_form_takes_a_stance() -> None:
    """A new one fails here until it says whether it gives somebody something."""
    routes = [route for router in _routers() for route in router.routes if isinstance(route, APIRoute)]
    posts = {route.path for route in routes if "POST" in (route.methods or ()) and not route.path.startswith("/api/")}
    assert posts == {*GIVES, *NEEDS_NONE}


@pytest.mark.parametrize("path", GIVES)
@pytest.mark.parametrize("language", ["de", "en"])
def test_an_open_sign_in_gives_nobody_anything(desk: Desk, path: str, language: str) -> None:
    people = desk.pages.services.people
    if path.endswith("/unfreeze"):
        people.freeze(desk.anna.id, None)
    if path.endswith("/level"):
        desk.pages.services.levels.set(desk.anna.id, Level.WATCHED, datetime.now(UTC) + timedelta(days=7), "x", None)
    if path.endswith("/leave"):
        people.set_leave(desk.anna.id, TODAY, TODAY + timedelta(days=30), None)
    if path.endswith("/status"):
        people.set_status(desk.anna.id, Status.NOTICE_GIVEN, None)
    spool = desk.pages.services.spool
    seen = spool.head().sequence
    before, everybody = people.by_id(desk.anna.id), len(people.all())
    desk.client.cookies.set("torwart-language", language)
    answer = desk.post(path, GIVES[path])
    assert answer.status_code == 403
    if "{person_id}" in path:
        looked = b"".join(row.canonical for row in spool.read(seen, 10))
        assert desk.anna.pseudonym.encode() in looked, "the page names somebody: that is a look"
    assert {"de": "Berühren Sie dafür", "en": "Touch your key for this"}[language] in answer.text
    for name, value in GIVES[path].items():
        assert f'name="{name}" value="{value}"' in answer.text, "what was typed is kept"
    after = people.by_id(desk.anna.id)
    assert before is not None
    assert after is not None
    kept = ("roles", "email", "status", "frozen", "leave_until")
    assert [getattr(after, one) for one in kept] == [getattr(before, one) for one in kept]
    assert len(people.all()) == everybody
    with reading(desk.pages.services.engine) as session:
        assert session.query(EnrolmentToken).filter_by(person_id=desk.anna.id).count() == 0
        assert session.query(Recovery).count() == 0
    assert people.accounts(desk.anna.id) == ["anna"]
    assert (desk.pages.services.levels.of(desk.anna.id) is not None) is path.endswith("/level")


@pytest.mark.parametrize("path", ["/people/{person_id}/token", "/people/{person_id}/bind", "/people/{person_id}/recovery"])
def test_after_the_touch_the_same_form_goes_on_under_a_new_id(desk: Desk, path: str) -> None:
    old_cookie, old_csrf = desk.client.cookies["torwart"], desk.pages.csrf(desk.client)
    asked = desk.post(path, GIVES[path])
    assert asked.status_code == 403
    csrf = desk.touch(asked.text)
    assert desk.client.cookies["torwart"] != old_cookie
    assert csrf != old_csrf
    assert desk.pages.services.console_sessions.find(old_cookie) is None, "who took the cookie has nothing by the touch"
    answer = desk.client.post(path.replace("{person_id}", desk.anna.id), data={**GIVES[path], "csrf": csrf})
    assert answer.status_code in (200, 303)
    assert "refused" not in answer.headers.get("location", "")
    again = desk.client.post(path.replace("{person_id}", desk.anna.id), data={**GIVES[path], "csrf": csrf})
    assert again.status_code == 403, "once"


@pytest.mark.parametrize("other", ["another value", "one field more", "another person", "another form", "with a file"])
def test_a_touch_is_for_one_form_alone(desk: Desk, other: str) -> None:
    boris = desk.pages.add("Boris Hartwig")
    path, form = f"/people/{desk.anna.id}/bind", {"account": "somebody"}
    csrf = desk.touch(desk.post(path, form).text)
    files = {"more": ("somebody", b"somebody")} if other == "with a file" else None
    if other == "another value":
        form["account"] = "somebody else"
    if other == "one field more":
        form["back"] = "/people"
    if other == "another person":
        path = f"/people/{boris.id}/bind"
    if other == "another form":
        path, form = f"/people/{desk.anna.id}/token", {}
    assert desk.client.post(path, data={**form, "csrf": csrf}, files=files).status_code == 403
    assert desk.pages.services.people.accounts(desk.anna.id) == ["anna"]
    assert desk.pages.services.people.accounts(boris.id) == ["boris"]
    right = desk.client.post(f"/people/{desk.anna.id}/bind", data={"account": "somebody", "csrf": csrf})
    assert right.headers["location"].endswith("done=changed"), "what was touched for goes on"
    assert "somebody" in desk.pages.services.people.accounts(desk.anna.id)


def test_lines_end_as_browsers_send_them(desk: Desk) -> None:
    """The page keeps them as they came, and a browser sends CR LF whatever it was given."""
    ends = {digest_of("/x", [("note", note)]) for note in ("a\nb", "a\r\nb", "a\rb")}
    assert len(ends) == 1
    assert digest_of("/x", [("note", "a\u2028b")]) not in ends
    assert digest_of("/x", [("note", None)]) != digest_of("/x", [("note", "file")]), "a file is no text"


def test_to_freeze_somebody_and_to_narrow_a_status_need_no_touch(desk: Desk) -> None:
    assert "done=status" in desk.post("/people/{person_id}/status", {"status": "notice_given", "sure": "yes"}).headers["location"]
    closer = {"level": "departing", "days": "7", "reason": "x"}
    assert "done=level" in desk.post("/people/{person_id}/level", closer).headers["location"]
    assert "done=frozen" in desk.post("/people/{person_id}/freeze", {}).headers["location"]
    found = desk.pages.services.people.by_id(desk.anna.id)
    assert found is not None
    assert (found.frozen, found.status) == (True, "notice_given")


def test_the_form_comes_within_a_minute_of_its_touch_and_none_from_the_future_counts(desk: Desk) -> None:
    sessions, token, form = desk.pages.services.console_sessions, desk.client.cookies["torwart"], "0" * 64
    found = sessions.find(token)
    assert found is not None
    for ago, counts in ((0, True), (FORM_TIME.total_seconds() - 20, True), (FORM_TIME.total_seconds() + 1, False), (-60, False)):
        desk.pages.touched(token, form, ago)
        assert sessions.use_touch(found[0].id, form) is counts
        assert not sessions.use_touch(found[0].id, form), "once"


def test_twenty_at_once_have_one_touch_together(desk: Desk) -> None:
    sessions, token, form = desk.pages.services.console_sessions, desk.client.cookies["torwart"], "0" * 64
    found = sessions.find(token)
    assert found is not None
    desk.pages.touched(token, form)
    with ThreadPoolExecutor(20) as pool:
        used = list(pool.map(lambda _: sessions.use_touch(found[0].id, form), range(20)))
    assert used.count(True) == 1


def test_a_touch_that_was_written_into_the_database_counts_for_nothing(desk: Desk) -> None:
    """Attacks X12."""
    asked, csrf = desk.post("/people/{person_id}/token", {}), desk.pages.csrf(desk.client)
    with desk.pages.services.engine.begin() as connection:
        forged = update(ConsoleSession).values(touched_for=form_of(asked.text), touched_at=datetime.now(UTC))
        connection.execute(forged)
    answer = desk.client.post(f"/people/{desk.anna.id}/token", data={"csrf": csrf})
    assert answer.headers["location"].startswith("/signin"), "not even the sign-in is believed"
    with reading(desk.pages.services.engine) as session:
        assert session.query(EnrolmentToken).filter_by(person_id=desk.anna.id).count() == 0


def test_neither_a_sign_in_nor_a_synced_key_is_a_touch_for_a_form(desk: Desk) -> None:
    sessions = desk.pages.services.console_sessions
    (key,) = desk.pages.services.keys.of(desk.owner.id)
    desk.take(sessions.open(desk.owner.id, key.id))
    assert desk.post("/people/{person_id}/token", {}).status_code == 403
    boris = desk.pages.add("Boris Hartwig", "admin")
    synced = SoftwareKey()
    token = desk.pages.services.keys.issue_token(boris.id, None)
    options, _ = desk.pages.services.keys.begin_registration(token)
    answer = synced.create(options, desk.pages.url, lies=Lies(backup_eligible=True))
    copied = desk.pages.services.keys.complete_registration(token, answer)
    client = desk.pages.client()
    client.cookies.set("torwart", sessions.open(boris.id, copied.id))
    assert client.post("/api/touch/begin", json={"csrf": desk.pages.csrf(client), "form": "0" * 64}).status_code == 403
    own = client.cookies["torwart"]
    assert sessions.renew(own, copied.id, "0" * 64) is not None
    (row,) = sessions.of(boris.id)
    assert row.touched_for is None


@pytest.mark.parametrize("whose", ["another person's key", "another purpose", "another form", "used before", "no token"])
def test_a_touch_that_is_not_exactly_this_one_renews_nothing(desk: Desk, whose: str) -> None:
    form = form_of(desk.post("/people/{person_id}/token", {}).text)
    body = {"csrf": desk.pages.csrf(desk.client), "form": form}
    begin = "/api/keys/begin" if whose == "another purpose" else "/api/touch/begin"
    asked = {"csrf": body["csrf"]} if whose == "another purpose" else body | ({"form": "0" * 64} if whose == "another form" else {})
    begun = desk.client.post(begin, json=asked).json()
    key = desk.key
    if whose == "another person's key":
        key = enrolled(desk.pages, desk.pages.add("Boris Hartwig", "admin"))
    response = key.get({**begun["options"], "allowCredentials": []}, desk.pages.url)
    answer = {**body, "state": begun["state"], "response": response}
    if whose == "no token":
        answer["csrf"] = "x"
    if whose == "used before":
        done = desk.client.post("/api/touch/complete", json=answer)
        assert done.status_code == 200
        desk.take(done.cookies["torwart"])
        desk.pages.touched(desk.client.cookies["torwart"])
        answer["csrf"] = desk.pages.csrf(desk.client)
    assert desk.client.post("/api/touch/complete", json=answer).status_code == 403
    assert desk.post("/people/{person_id}/token", {}).status_code == 403


def test_a_foreign_form_shows_nothing_of_itself(desk: Desk) -> None:
    """The page that keeps what was sent is for forms with the token of the sign-in alone, and it is all text in it."""
    evil = {"account": '"><script>alert(1)</script>'}
    target = f"/people/{desk.anna.id}/bind"
    assert "alert(1)" not in desk.client.post(target, data={**evil, "csrf": "x"}).text
    assert "<script>alert" not in desk.post("/people/{person_id}/bind", evil).text


def test_a_level_is_not_made_shorter_without_a_touch(desk: Desk) -> None:
    levels = desk.pages.services.levels
    until = datetime.now(UTC) + timedelta(days=60)
    levels.set(desk.anna.id, Level.WATCHED, until, "x", None)
    form = {"level": "watched", "reason": "less"}
    assert desk.post("/people/{person_id}/level", {**form, "days": "1"}).status_code == 403
    kept = levels.of(desk.anna.id)
    assert kept is not None
    assert abs(kept.until - until) < timedelta(seconds=1)
    assert desk.post("/people/{person_id}/level", {**form, "days": "90"}).status_code != 403
    longer = levels.of(desk.anna.id)
    assert longer is not None
    assert longer.until > until
