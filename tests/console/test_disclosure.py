"""The answer to a request of access holds everything about the person, and nothing about anybody else."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit_store.alerts import Signal
from audit_store.event import EventAction, Phase
from audit_store.manifests import Export, Manifests
from auth.tables import Person
from console.disclosure import HIDDEN, SOMEBODY, THROWN_AWAY, Disclosure, disclose
from console.disclosure_page import disclosure_page
from console.event_words import WORDS
from console.language import speech
from policies.request import Action, Level, Status
from tests.services.console import Pages, deed

AT = datetime(2026, 5, 12, 9, tzinfo=UTC)


@pytest.fixture
def anna(pages: Pages) -> Person:
    """With a day in the record, words about her, and other people around."""
    services = pages.services
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    clara = pages.add("Clara Vogt", "security")
    services.levels.set(anna.id, Level.WATCHED, datetime.now(UTC) + timedelta(days=3), "Clara Vogt sah sie nachts kopieren", clara.id)
    services.people.set_status(anna.id, Status.NOTICE_GIVEN, clara.id, "hat gekündigt, sagt Boris")
    services.people.set_status(boris.id, Status.NOTICE_GIVEN, anna.id, "geht auch")
    services.sessions.bind("secret", "session", anna.id, "anna")
    pages.hold(anna, asked=40, allowed=40)
    Manifests(services.engine).put(Export("e" * 32, anna.pseudonym, AT, frozenset({"4711", "4712"}), frozenset(), ("name",), "0" * 64, 2))
    services.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, AT, "high", "tried", {"asked": 7}))
    services.viewed(clara, "people", about=[anna.pseudonym, boris.pseudonym])
    pages.record(
        deed(anna, Action.EXPORT, Phase.RELEASED, [4711, 4712], at=AT, act_id="act-7"),
        deed(boris, Action.READ, Phase.RELEASED, [4713], at=AT, act_id="act-8"),
    )
    found = services.people.by_id(anna.id)
    assert found is not None
    return found


def disclosed(pages: Pages, person: Person, language: str = "de") -> Disclosure:
    return disclose(pages.services.engine, pages.services.log, person, speech(language))


def test_everything_about_the_person_is_in_it(pages: Pages, anna: Person) -> None:
    document = disclosed(pages, anna).document()
    (person,), (level,) = document["tables"]["people"], document["tables"]["risk_levels"]
    assert (person["name"], person["email"], person["status"]) == ("Anna Feldmann", "anna@firma.example", "notice_given")
    assert level["reason"] == f"{SOMEBODY[0]} sah sie nachts kopieren"
    assert [row["account"] for row in document["tables"]["crm_accounts"]] == ["anna"]
    assert document["tables"]["manifests"][0]["clients"] == 2
    assert document["tables"]["acts"][0]["ids"] == 40
    assert document["tables"]["crm_sessions"][0]["credential_hash"] == HIDDEN[0]
    actions = [event["event"]["event"]["action"] for event in document["events"]]
    stored = [row.document for row in pages.services.log.read(0, 1_000) if anna.pseudonym in json.dumps(row.document)]
    assert actions == [one["event"]["action"] for one in stored]
    assert {"person-created", "status-changed", "level-changed", "access", "record-viewed", "alert-opened"} <= set(actions)


def test_sealed_words_about_the_person_are_read_those_about_others_are_not(pages: Pages, anna: Person) -> None:
    found = disclosed(pages, anna)
    changes = [event["event"]["torwart"] for event in found.events if event["event"]["event"]["action"] == "status-changed"]
    assert [change["sealed"] for change in changes] == [f"hat gekündigt, sagt {SOMEBODY[0]}", SOMEBODY[0]]
    pages.services.people.set_status(anna.id, Status.GONE, None)
    (alert,) = pages.services.alerts.open_ones()
    pages.services.alerts.close(alert.id, "explained", "P-00000009", "x")
    from auth.erasure import erase

    erase(pages.services.engine, pages.services.spool.append, anna.id)
    after = disclosed(pages, anna)
    assert next(e["event"]["torwart"]["sealed"] for e in after.events if "sealed" in e["event"]["torwart"]) == THROWN_AWAY[0]


@pytest.mark.parametrize("language", ["de", "en"])
def test_nobody_else_is_in_it(pages: Pages, anna: Person, language: str) -> None:
    found = disclosed(pages, anna, language)
    for text in (json.dumps(found.document(), ensure_ascii=False), disclosure_page(found)):
        for other in pages.services.people.all():
            if other.id != anna.id:
                for word in (other.name, *other.name.split(), other.email, other.pseudonym, other.id):
                    assert word not in text, word
        for client in ("4711", "4712", "4713"):
            assert not re.search(rf"(?<![0-9a-f]){client}(?![0-9a-f])", text), (
                "as a number of its own; random ids of events may hold the digits"
            )
        assert anna.pseudonym in text


def test_every_event_has_a_sentence_in_both_languages(pages: Pages, anna: Person) -> None:
    german, english = disclosed(pages, anna), disclosed(pages, anna, "en")
    said = [event["sentence"] for event in german.events]
    assert "Person angelegt" in said[0]
    assert any("Export" in one and "2" in one for one in said)
    assert any(one.startswith(f"Gespeichertes eingesehen · {SOMEBODY[0]}") for one in said)
    assert any(event["sentence"].startswith("Stored data looked at · another person") for event in english.events)
    assert set(WORDS) == set(EventAction)
    assert all(german and english for german, english in WORDS.values())


def test_the_page_is_one_file_that_runs_nothing(pages: Pages, anna: Person) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    pages.services.people.set_status(anna.id, Status.ACTIVE, None, hostile)
    person = pages.services.people.by_id(anna.id)
    assert person is not None
    page = disclosure_page(disclosed(pages, person))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert not any(word in page for word in ("http://", "https://", "src=", "@import"))
    assert '<html lang="de">' in page
    assert '<html lang="en">' in disclosure_page(replace(disclosed(pages, person), language="en"))


def test_open_alerts_are_said(pages: Pages, anna: Person) -> None:
    assert disclosed(pages, anna).open_alerts == 1
