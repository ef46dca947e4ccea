"""A lost key over its pages: the person's, the administrator's, and the envelope's."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from auth.recovery_tables import BreakGlass, Recovery
from auth.row_seal import RowSeal
from auth.storage import writing
from tests.services.console import Pages

BAD = {"email": "anna@firma.example", "code": "0000-0000-0000-0000-0000-0000"}


def test_a_code_opens_it_and_the_page_says_what_it_waits_for(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    code = pages.services.codes.recovery_codes.issue(anna.id, None)[0]
    client = pages.client()
    assert client.post("/recover", data=BAD).status_code == 403
    led = client.post("/recover", data={"email": anna.email, "code": code})
    assert led.status_code == 303
    page = client.get(led.headers["location"])
    assert page.status_code == 200
    assert "muss Ja sagen" in page.text
    assert "Feldmann" not in page.text, "whoever has the address learns no name"
    assert client.post(led.headers["location"]).status_code == 409
    assert client.get("/recover/nothing").status_code == 404
    assert client.post("/recover/nothing").status_code == 404


def test_an_unknown_address_and_a_wrong_code_read_the_same(pages: Pages) -> None:
    pages.add("Anna Feldmann")
    client = pages.client()
    one, other = client.post("/recover", data=BAD), client.post("/recover", data={**BAD, "email": "nobody@firma.example"})
    assert (one.status_code, one.text) == (other.status_code, other.text)


def test_an_administrator_begins_it_for_somebody_else_only(pages: Pages) -> None:
    anna, ada = pages.add("Anna Feldmann"), pages.add("Ada Admin", "admin")
    client = pages.client(ada)
    assert client.get(f"/people/{ada.id}/recovery").status_code == 403
    assert client.post(f"/people/{ada.id}/recovery", data={"csrf": pages.csrf(client)}).status_code == 403
    assert client.get(f"/people/{anna.id}/recovery").status_code == 200
    begun = client.post(f"/people/{anna.id}/recovery", data={"csrf": pages.csrf(client), "here": "yes"})
    assert begun.status_code == 200
    assert "/recover/" in begun.text
    (recovery,) = pages.services.codes.recoveries.open_ones(anna.id)
    assert (recovery.opened_by, recovery.in_person) == (ada.id, True)
    for person in (anna, pages.add("Hanna Head", "head_of_sales")):
        assert pages.client(person).get(f"/people/{anna.id}/recovery").status_code == 403


def test_the_person_and_reviewers_stop_it_and_nobody_else(pages: Pages) -> None:
    anna, boris, ada = pages.add("Anna Feldmann"), pages.add("Boris Hartwig"), pages.add("Ada Admin", "admin")
    recoveries = pages.services.codes.recoveries
    for who, allowed in ((boris, False), (anna, True), (ada, True)):
        recoveries.open_for(anna.id, None, (), in_person=False)
        (recovery,) = recoveries.open_ones(anna.id)
        client = pages.client(who)
        answer = client.post(f"/recovery/{recovery.id}/cancel", data={"csrf": pages.csrf(client)})
        assert (answer.status_code == 303) == allowed
        assert (recoveries.open_ones(anna.id) == []) == allowed
    assert "läuft eine Wiederherstellung" not in pages.client(anna).get("/codes").text


def test_the_person_sees_that_one_is_under_way(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    pages.services.codes.recoveries.open_for(anna.id, None, (), in_person=False)
    assert "läuft eine Wiederherstellung" in pages.client(anna).get("/codes").text


@pytest.mark.parametrize("over", [False, True])
def test_the_envelope_makes_an_administrator_of_torwart_as_long_as_it_lasts(pages: Pages, over: bool) -> None:
    anna, client = pages.add("Anna Feldmann"), pages.client()
    code = pages.services.codes.glasses.seal(None)
    assert client.post("/emergency", data={**BAD}).status_code == 403
    before = pages.client(anna, touches=False)
    assert before.get("/people").status_code == 403
    opened = client.post("/emergency", data={"email": anna.email, "code": code})
    assert opened.status_code == 200
    assert "/enrol/" in opened.text
    if over:
        with writing(pages.services.engine) as session:
            row = session.scalars(select(BreakGlass)).one()
            assert row.until is not None
            row.until -= timedelta(hours=5)
            RowSeal.of(pages.services.installation.state).put(row)
    assert pages.client(anna).get("/people").status_code == (403 if over else 200)
    assert before.get("/people").status_code == 403, "a sign-in that was open before has nothing of it"
    pages.touched(before.cookies["torwart"])
    assert before.get("/people").status_code == (403 if over else 200)
    assert client.post("/emergency", data={"email": anna.email, "code": code}).status_code == 403, "once"


def test_a_recovery_in_the_database_that_is_not_ours_is_over(pages: Pages) -> None:
    anna = pages.add("Anna Feldmann")
    word = pages.services.codes.recoveries.open_for(anna.id, None, (), in_person=False)
    with writing(pages.services.engine) as session:
        session.scalars(select(Recovery)).one().ready_at -= timedelta(hours=30)
    assert "muss Ja sagen" not in pages.client().get(f"/recover/{word}").text
