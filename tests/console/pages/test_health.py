"""The health page: for reviewers, in words, and honest when nobody watches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from audit_store.database import Base
from audit_store.outside import PlaceState, Trouble
from audit_store.spool import SpoolError
from auth.attendance import Attendance, people_revision
from auth.deleted_people import accept_deletion
from auth.row_repair import accept_person
from auth.sealed_rows import SealedRow
from auth.storage import reading
from auth.tables import Person
from console.app import create_app
from console.checkpoints import CheckpointHealth
from console.row_words import KINDS, way_back
from console.shipping import ElasticHealth
from console.trimming import Fill
from console.worker import Health
from tests.services.console import Pages

NOW = datetime.now(UTC)
ARRIVED = ElasticHealth(reads_back=True, version="8.19.16")
FAILING = ElasticHealth(reads_back=False, waiting=1_234, since=NOW, trouble="UnreachableError", failing_since=NOW, dead_letters=3)


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


def shown(pages: Pages, person: Person, health: Health | None, language: str = "de") -> str:
    pages.app = create_app(pages.services, (), health)
    answer = pages.client(person, language=language).get("/health")
    assert answer.status_code == 200
    text: str = answer.text
    return text


def test_when_all_is_well_it_says_so(pages: Pages, owner: Person) -> None:
    text = shown(pages, owner, Health(last_run=datetime.now(UTC), elastic=ARRIVED))
    assert "Alles in Ordnung" in text
    assert "alles angekommen" in text
    assert "8.19.16" in text
    assert "ja, jedes Ereignis" in text


def test_the_backlog_and_the_last_error_stand_there_with_what_to_do(pages: Pages, owner: Person) -> None:
    errors = {"elastic": "UnreachableError", "send mail": "DeliveryError", "a stage of tomorrow": "KeyError"}
    health = Health(last_run=datetime.now(UTC), backlog=5_678, waiting=9, elastic=FAILING, errors=errors)
    german, english = shown(pages, owner, health), shown(pages, owner, health, "en")
    for words in (
        "Bitte ansehen",
        "1.234",
        "5.678",
        "Prüfen Sie, ob es läuft",
        "E-Mail senden",
        "a stage of tomorrow",
        "kommt nicht an",
        "nein:",
    ):
        assert words in german
    for words in ("Needs a look", "1,234", "5,678", "Check that it is running", "Sending mail", "does not arrive", "no: without"):
        assert words in english


def test_without_elasticsearch_it_says_that_there_is_none(pages: Pages, owner: Person) -> None:
    assert "Nicht eingerichtet" in shown(pages, owner, Health(last_run=datetime.now(UTC)))


@pytest.mark.parametrize("health", [None, Health(), Health(last_run=NOW - timedelta(minutes=5))], ids=["no watch", "not yet", "stopped"])
def test_when_nobody_watches_it_says_that_first(pages: Pages, owner: Person, health: Health | None) -> None:
    text = shown(pages, owner, health)
    assert 'role="alert"' in text
    assert "Zurzeit wacht niemand" in text
    assert "Alles in Ordnung" not in text


def test_an_error_of_tomorrow_is_named_by_its_kind(pages: Pages, owner: Person) -> None:
    text = shown(pages, owner, Health(last_run=datetime.now(UTC), elastic=replace(FAILING, trouble="OfTomorrowError")))
    assert "OfTomorrowError" in text
    assert "Ein Fehler von Torwart selbst" in text


def test_it_is_for_reviewers_alone_and_stands_in_their_menu(pages: Pages, owner: Person) -> None:
    assert pages.client().get("/health").status_code == 303
    anna = pages.client(pages.add("Anna Feldmann"))
    assert anna.get("/health").status_code == 403
    assert 'href="/health"' not in anna.get("/keys").text
    assert 'href="/health"' in pages.client(owner).get("/people").text


def test_places_outside_stand_there_with_what_to_do(pages: Pages, owner: Person) -> None:
    bad = PlaceState("folder /mnt/tresor", failing_since=NOW, trouble=Trouble.ABSENT, waiting=1_234)
    health = Health(last_run=datetime.now(UTC), checkpoints=CheckpointHealth(NOW, [bad, PlaceState("mail chefin@firma.example")]))
    german, english = shown(pages, owner, health), shown(pages, owner, health, "en")
    for words in ("Bitte ansehen", "folder /mnt/tresor", "Bitte einhängen", "1.234", "in Ordnung"):
        assert words in german
    for words in ("Needs a look", "Mount it", "1,234", "mail chefin@firma.example"):
        assert words in english
    assert "kein Ort" not in german


def test_every_trouble_of_a_place_has_words(pages: Pages, owner: Person) -> None:
    states = [PlaceState(f"folder /{trouble}", failing_since=NOW, trouble=trouble) for trouble in Trouble]
    text = shown(pages, owner, Health(last_run=datetime.now(UTC), checkpoints=CheckpointHealth(NOW, states)), "en")
    assert text.count("takes nothing") == len(Trouble)


def test_without_a_place_it_says_what_that_means(pages: Pages, owner: Person) -> None:
    text = shown(pages, owner, Health(last_run=datetime.now(UTC), checkpoints=CheckpointHealth()))
    assert "Kein Ort außerhalb ist eingerichtet" in text


def test_it_says_how_full_each_record_is_and_warns_when_one_fills(pages: Pages, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(pages, owner, Health(last_run=datetime.now(UTC)))
    assert "von 4.096 MiB" in text
    assert "wird voll" not in text
    full = Fill("gateway", 3_600_000_000, 4_294_967_296, 12)
    monkeypatch.setattr("console.pages.health.fills", lambda *_, **__: [full])
    text = shown(pages, owner, Health(last_run=datetime.now(UTC)))
    assert "wird voll" in text
    assert '<span class="number">84</span> %' in text


def test_a_record_that_cannot_be_read_does_not_take_the_page_away(pages: Pages, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> list[Fill]:
        raise SpoolError("the spool cannot be read")

    monkeypatch.setattr("console.pages.health.fills", broken)
    assert "nicht lesbar" in shown(pages, owner, Health(last_run=datetime.now(UTC)))


def forge(pages: Pages, statement: str, **values: object) -> None:
    with pages.services.engine.begin() as connection:
        assert connection.execute(sql(statement), values).rowcount


def test_x12_rows_that_are_not_as_torwart_wrote_them_stand_there_with_the_command_and_name_nobody(pages: Pages, owner: Person) -> None:
    well = Health(last_run=datetime.now(UTC))
    assert "people accept" not in shown(pages, owner, well)
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    forge(pages, "UPDATE people SET team = 'north' WHERE id = :id", id=anna.id)
    forge(pages, "UPDATE crm_accounts SET kind = 'rest' WHERE person_id = :id", id=anna.id)
    forge(pages, "DELETE FROM crm_accounts WHERE person_id = :id", id=boris.id)
    forge(pages, "DELETE FROM people WHERE id = :id", id=boris.id)
    german, english = shown(pages, owner, well), shown(pages, owner, well, "en")
    for words in ("Bitte ansehen", "Konto im CRM", "von etwas anderem geschrieben oder geändert", "die Person wurde gelöscht", "Wie viele"):
        assert words in german
    for words in ("Needs a look", "Account of the CRM", "written or changed by something else", "the person was deleted", "How many"):
        assert words in english
    for page in (german, english):
        assert "<code>torwart people check</code>" in page
        assert page.count("<code>torwart people accept PERSON --confirm PSEUDONYM</code>") == 2
        assert page.count("<code>torwart people accept PERSON --confirm PSEUDONYM --account LOGIN</code>") == 1
        for person in (anna, boris):
            assert not any(name in page for name in (person.pseudonym, person.name, person.email, person.id))
    engine, record, pseudonyms = pages.services.engine, pages.services.spool.append, pages.services.pseudonyms
    accept_person(engine, record, pseudonyms, anna.id, (), ["anna"])
    accept_deletion(engine, record, pseudonyms, boris.id)
    after = shown(pages, owner, well)
    assert "Alles in Ordnung" in after, "seen at once, not only when the watch looks again"
    assert "people accept" not in after


def test_rows_are_looked_at_by_the_page_itself_and_nothing_is_well_while_they_cannot_be(
    pages: Pages, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> dict[str, int]:
        raise OSError("the memory cannot be read")

    monkeypatch.setattr("console.pages.health.deleted_people", broken)
    page = shown(pages, owner, Health(last_run=datetime.now(UTC)))
    assert "nicht lesbar" in page
    assert "Bitte ansehen" in page


def test_every_row_that_can_be_doubtful_has_words() -> None:
    sealed = {mapper.local_table.name for mapper in Base.registry.mappers if issubclass(mapper.class_, SealedRow)}
    assert sealed == KINDS.keys()
    assert {table for table in KINDS if way_back(table) is None} == {"approval_requests", "approvals"}, "they are asked for again"


def test_gateways_that_run_are_listed_with_what_they_know(pages: Pages, owner: Person) -> None:
    assert "Keines läuft." in pages.client(owner).get("/health").text
    with reading(pages.services.engine) as session:
        Attendance(pages.services.engine, "gateway-a").tell(people_revision(session))
    Attendance(pages.services.engine, "gateway-b").tell(0)
    page = pages.client(owner).get("/health").text
    assert "gateway-a" in page
    assert page.index("auf dem Stand") < page.index("gateway-b") < page.index("kennt die letzte Änderung an Personen nicht")
