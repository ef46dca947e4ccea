"""What administrators change about a person on the page, and what the page says of who somebody is."""

from datetime import UTC, datetime, timedelta

import pytest

from audit_store.event import EventAction
from auth.attendance import Attendance
from auth.standing import local_day
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.console import Pages

CHANGE = {"roles": "manager, head_of_sales", "language": "en", "team": "Nord", "territory": "DE-HH", "manager": "", "name": "", "email": ""}


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


@pytest.fixture
def anna(pages: Pages) -> Person:
    return pages.add("Anna Feldmann")


def known(pages: Pages, person: Person) -> Person:
    found = pages.services.people.by_id(person.id)
    assert found is not None
    return found


def test_an_administrator_changes_who_somebody_is_and_the_page_shows_it(pages: Pages, owner: Person, anna: Person) -> None:
    client = pages.client(owner)
    form = {**CHANGE, "csrf": pages.csrf(client), "manager": owner.pseudonym}
    assert client.post(f"/people/{anna.id}/change", data=form).headers["location"] == f"/people/{anna.id}?done=changed"
    after = known(pages, anna)
    assert (after.name, after.roles, after.language, after.team) == ("Anna Feldmann", ["head_of_sales", "manager"], "en", "Nord")
    assert after.manager_id == owner.id
    page = client.get(f"/people/{anna.id}").text
    for told in ("Nord", "DE-HH", "anna@firma.example", "Berichtet an", "Oskar Brandt"):
        assert told in page


def test_who_leads_whom_stands_on_the_page_and_is_part_of_the_look(pages: Pages, owner: Person, anna: Person) -> None:
    helga = pages.add("Helga Stern", "head_of_sales")
    pages.services.people.change(anna.id, {"manager_id": helga.id}, None)
    before = pages.services.spool.head().sequence
    assert "Anna Feldmann" in pages.client(owner).get(f"/people/{helga.id}").text
    seen = b"".join(row.canonical for row in pages.services.spool.read(before, 10))
    assert anna.pseudonym.encode() in seen


@pytest.mark.parametrize("broken", [{"roles": "Admin!"}, {"manager": "nobody"}, {"email": "oskar@firma.example"}, {"language": "xx"}])
def test_what_cannot_be_changes_nothing(pages: Pages, owner: Person, anna: Person, broken: dict[str, str]) -> None:
    client = pages.client(owner)
    form = {**CHANGE, "csrf": pages.csrf(client), **broken}
    assert client.post(f"/people/{anna.id}/change", data=form).headers["location"].endswith("?done=refused")
    assert known(pages, anna).team is None


def test_accounts_are_given_and_taken_with_what_they_had_open(pages: Pages, owner: Person, anna: Person) -> None:
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "account": "anna.berg"}
    assert client.post(f"/people/{anna.id}/bind", data=form).status_code == 303
    pages.services.sessions.bind("living", "session", anna.id, "anna.berg")
    assert client.post(f"/people/{anna.id}/unbind", data=form).headers["location"].endswith("?done=unbound")
    assert pages.services.people.accounts(anna.id) == ["anna"]
    assert pages.services.sessions.find("living") is None
    assert client.post(f"/people/{anna.id}/unbind", data=form).headers["location"].endswith("?done=refused")


def test_a_leave_and_a_planned_status_are_set_shown_and_dropped(pages: Pages, owner: Person, anna: Person) -> None:
    client = pages.client(owner)
    csrf = {"csrf": pages.csrf(client)}
    assert client.post(f"/people/{anna.id}/leave", data={**csrf, "first": "2026-07-01", "last": "2026-07-14"}).status_code == 303
    day = (local_day(datetime.now(UTC)) + timedelta(days=30)).isoformat()
    form = {**csrf, "status": "last_day", "sure": "yes", "on": day}
    assert client.post(f"/people/{anna.id}/status", data=form).headers["location"].endswith("?done=planned")
    page = client.get(f"/people/{anna.id}").text
    assert "01.07.2026 – 14.07.2026" in page
    assert "Geplant" in page
    assert known(pages, anna).status == Status.ACTIVE
    for bad in ("yesterday", "2020-01-01"):
        assert client.post(f"/people/{anna.id}/status", data={**form, "on": bad}).headers["location"].endswith("?done=refused")
        assert client.post(f"/people/{anna.id}/leave", data={**csrf, "first": bad}).headers["location"].endswith("?done=refused")
    assert client.post(f"/people/{anna.id}/drop", data=csrf).headers["location"].endswith("?done=dropped")
    assert pages.services.plans.of(anna.id) == []


def test_who_is_gone_is_tried_and_the_page_says_that_it_holds(pages: Pages, owner: Person, anna: Person) -> None:
    pages.services.sessions.bind("living", "session", anna.id, "anna")
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "status": "gone", "sure": "yes"}
    assert client.post(f"/people/{anna.id}/status", data=form).headers["location"].endswith("?done=gone")
    assert "noch einmal ausprobiert" in client.get(f"/people/{anna.id}?done=gone").text
    pages.services.log.take(pages.services.spool)
    assert EventAction.CUT_TRIED in {entry.document["event"]["action"] for entry in pages.services.log.tail(20)}


def test_a_freeze_that_a_gateway_does_not_confirm_is_said_to_be_so(pages: Pages, owner: Person, anna: Person) -> None:
    Attendance(pages.services.engine, "gateway-b").tell(0)
    client = pages.client(owner)
    answer = client.post(f"/people/{anna.id}/freeze", data={"csrf": pages.csrf(client)})
    assert answer.headers["location"].endswith("?done=frozen_not_shown")
    assert known(pages, anna).frozen


@pytest.mark.parametrize("act", ["change", "bind", "unbind", "leave", "drop"])
def test_only_others_and_only_administrators(pages: Pages, owner: Person, anna: Person, act: str) -> None:
    form = {**CHANGE, "account": "x"}
    own = pages.client(owner)
    assert own.post(f"/people/{owner.id}/{act}", data={**form, "csrf": pages.csrf(own)}).status_code == 403
    assert own.post(f"/people/{anna.id}/{act}", data=form).status_code == 403, "without the token of the form"
    guard = pages.client(pages.add("Sina Wache", "security"))
    expected = 303 if act == "drop" else 403
    assert guard.post(f"/people/{anna.id}/{act}", data={**form, "csrf": pages.csrf(guard)}).status_code == expected
    assert known(pages, anna).team is None


def test_who_becomes_an_administrator_needs_a_second_person(pages: Pages, owner: Person, anna: Person) -> None:
    berta = pages.add("Berta Lang", "admin")
    key = SoftwareKey()
    token = pages.services.keys.issue_token(berta.id, None)
    options, _ = pages.services.keys.begin_registration(token)
    pages.services.keys.complete_registration(token, key.create(options, pages.url))
    client = pages.client(owner)
    form = {**CHANGE, "csrf": pages.csrf(client), "roles": "manager admin"}
    assert client.post(f"/people/{anna.id}/change", data=form).headers["location"].endswith("?done=asked")
    assert known(pages, anna).roles == ["manager"]
    approvals = pages.services.approvals
    (request,) = approvals.waiting_for(berta.id)
    assert "Verwaltungsrechten" in pages.client(berta).get(f"/approvals/{request.id}").text
    approvals.complete(request.id, berta.id, key.get(approvals.begin(request.id, berta.id), pages.url))
    assert client.post(f"/people/{anna.id}/change", data=form).headers["location"].endswith("?done=changed")
    assert known(pages, anna).roles == ["admin", "manager"]
