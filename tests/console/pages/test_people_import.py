"""The page that takes a table of people over: looked at first, whole or not at all, taken back, and only by administrators."""

import re

import pytest
from starlette.testclient import TestClient

from auth.tables import Person
from console.guard import BODY_LIMIT_BYTES
from tests.services.console import Pages, with_names_hidden

HEAD = "email;name;roles;team;manager;accounts;status\n"
ROWS = "anna@firma.example;Anna Berg;manager;=Nord;;anna;notice_given\nneu@firma.example;<b>Neu</b>;manager;;anna@firma.example;neu;\n"


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


@pytest.fixture
def anna(pages: Pages) -> Person:
    return pages.add("Anna Feldmann")


def upload(pages: Pages, client: TestClient, table: str | bytes, **more: str):  # type: ignore[no-untyped-def] # httpx has no stubs here
    data = table.encode() if isinstance(table, str) else table
    return client.post("/people/import", data={"csrf": pages.csrf(client), **more}, files={"table": ("people.csv", data, "text/csv")})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def name_of(pages: Pages, person: Person) -> str:
    found = pages.services.people.by_id(person.id)
    assert found is not None
    return found.name


def test_it_is_looked_at_taken_over_and_taken_back(pages: Pages, owner: Person, anna: Person) -> None:
    client = pages.client(owner)
    assert "Tabelle der Personen" in client.get("/people").text
    page = upload(pages, client, HEAD + ROWS).text
    for told in ("Anna Feldmann", "Anna Berg", "=Nord", "gekündigt", "&lt;b&gt;Neu&lt;/b&gt;"):
        assert told in page
    assert name_of(pages, anna) == "Anna Feldmann"
    form = {"csrf": pages.csrf(client), "again": hidden(page, "again"), "seen": hidden(page, "seen"), "take": "yes"}
    assert client.post("/people/import", data=form).headers["location"] == "/people/import?done=imported"
    assert name_of(pages, anna) == "Anna Berg"
    assert client.post("/people/import", data=form).status_code == 422, "what was looked at is not what is there now"
    assert client.post("/people/import/undo", data={"csrf": form["csrf"]}).headers["location"] == "/people/import?done=undone"
    assert name_of(pages, anna) == "Anna Feldmann"
    assert client.post("/people/import/undo", data={"csrf": form["csrf"]}).headers["location"] == "/people/import?done=not_undone"


def test_a_look_is_recorded_with_everybody_it_names(pages: Pages, owner: Person, anna: Person) -> None:
    before = pages.services.spool.head().sequence
    upload(pages, pages.client(owner), HEAD + ROWS)
    seen = b"".join(row.canonical for row in pages.services.spool.read(before, 20))
    assert b"record-viewed" in seen
    assert anna.pseudonym.encode() in seen


def test_without_a_look_nothing_is_taken_over(pages: Pages, owner: Person, anna: Person) -> None:
    client = pages.client(owner)
    assert upload(pages, client, HEAD + ROWS, take="yes").status_code == 200
    assert name_of(pages, anna) == "Anna Feldmann"
    broken = client.post("/people/import", data={"csrf": pages.csrf(client), "again": "no base64!", "seen": "x", "take": "yes"})
    assert broken.status_code == 422


def test_every_fault_is_shown_with_its_place(pages: Pages, owner: Person, anna: Person) -> None:
    answer = upload(pages, pages.client(owner), f"email;name;roles\n{anna.email};;manger\noskar@firma.example;O;manager\n")
    assert answer.status_code == 422
    for told in ("must not be empty", "manger", "another administrator"):
        assert told in answer.text
    assert upload(pages, pages.client(owner), b"\xff\xfe\xff").status_code == 422
    assert "larger than" in upload(pages, pages.client(owner), b"x" * (641 * 1024)).text


def test_names_stay_hidden_where_they_are_hidden(pages: Pages) -> None:
    pages = with_names_hidden(pages)
    owner, anna = pages.add("Oskar Brandt", "owner"), pages.add("Anna Feldmann")
    page = upload(pages, pages.client(owner), f"pseudonym;email;name\n{anna.pseudonym};x@firma.example;Somebody\n").text
    assert anna.pseudonym in page
    assert "Feldmann" not in page
    assert "anna@firma.example" not in page


def test_only_administrators_with_the_token_of_the_form_and_only_this_route_takes_files(pages: Pages, owner: Person) -> None:
    guard = pages.client(pages.add("Sina Wache", "security"))
    assert guard.get("/people/import").status_code == 403
    assert upload(pages, guard, HEAD).status_code == 403
    client = pages.client(owner)
    assert client.post("/people/import", data={"csrf": "wrong"}, files={"table": ("a.csv", b"email\n")}).status_code == 403
    large = {"csrf": pages.csrf(client), "status": "x" * BODY_LIMIT_BYTES}
    assert client.post(f"/people/{owner.id}/status", data=large).status_code == 413
    assert client.post("/people/import/undo", data=large).status_code == 413
