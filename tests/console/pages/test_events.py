"""The search in the record, as reviewers see it."""

from datetime import UTC, datetime, timedelta

import pytest

from audit_store.event import EventAction, Phase, plain_event
from audit_store.search import TEXT_WORDS_MAX
from console.pages.events import PAGE_EVENTS
from policies.request import Action
from tests.services.console import Pages, deed, story

AT = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)


def looks(pages: Pages) -> list[str]:
    stored = pages.services.spool.read(0, 10_000)
    pages.services.log.take(pages.services.spool)
    found = [row.document for row in pages.services.log.read(0, 10_000)]
    assert len(found) == len(stored)
    return [one["torwart"]["subject"] for one in found if one["event"]["action"] == EventAction.RECORD_VIEWED]


def test_it_is_for_reviewers_only(pages: Pages) -> None:
    manager = pages.add("Anna Feldmann")
    assert pages.client().get("/events").status_code == 303
    assert pages.client(manager).get("/events?client=1").status_code == 403
    assert looks(pages) == []


def test_an_empty_form_asks_nothing_and_looks_at_nothing(pages: Pages) -> None:
    pages.record(deed(pages.add("Anna Feldmann"), Action.READ, Phase.RELEASED, [7], at=AT, act_id="card"))
    answer = pages.client(pages.add("Clara Vogt", "security")).get("/events")
    assert answer.status_code == 200
    assert "Suche im Protokoll" in answer.text
    assert "/why/card" not in answer.text
    assert looks(pages) == []


@pytest.mark.parametrize("names", ["shown", "pseudonyms"])
def test_who_has_seen_a_client_and_the_events(pages: Pages, names: str) -> None:
    object.__setattr__(pages.services.installation, "names", names)
    anna, clara = pages.add("Anna Feldmann"), pages.add("Clara Vogt", "security")
    pages.record(
        deed(anna, Action.READ, Phase.RELEASED, [7], at=AT, act_id="card"),
        deed(anna, Action.EXPORT, Phase.HELD, [6, 7], at=AT + timedelta(hours=1), act_id="export"),
        deed(anna, Action.READ, Phase.RELEASED, [8], at=AT, act_id="other"),
    )
    answer = pages.client(clara, language="en").get("/events?client=7")
    assert answer.status_code == 200
    assert "Who has seen this client" in answer.text
    assert answer.text.index("/why/export") < answer.text.index("/why/card")
    assert "/why/other" not in answer.text
    assert ("Anna" in answer.text) == (names == "shown")
    assert anna.pseudonym in answer.text
    assert looks(pages) == ["client 7"] * 2  # that it was asked, and whom the answer names
    taken = pages.client(clara, language="en").get(
        "/events?client=7&how=taken&deed=read&outcome=success&channel=web&since=2026-05-12&until=2026-05-12"
    )
    assert "/why/card" in taken.text
    assert "/why/export" not in taken.text


def test_a_person_may_be_named_as_everywhere_else(pages: Pages) -> None:
    anna, clara = pages.add("Anna Feldmann"), pages.add("Clara Vogt", "security")
    pages.record(*story(anna, AT))
    client = pages.client(clara)
    for word in ("anna", "anna@firma.example", anna.pseudonym):
        assert "/why/everything" in client.get("/events", params={"person": word, "deed": "export"}).text
    assert looks(pages) == [anna.pseudonym] * 3
    nobody = client.get("/events?person=nobody")
    assert nobody.status_code == 400
    assert "So heißt hier niemand" in nobody.text
    assert looks(pages) == [anna.pseudonym] * 3


def test_older_events_are_on_the_next_page(pages: Pages) -> None:
    anna, clara = pages.add("Anna Feldmann"), pages.add("Clara Vogt", "security")
    pages.record(*(deed(anna, Action.READ, Phase.RELEASED, [n], at=AT, act_id=f"card-{n}") for n in range(PAGE_EVENTS + 5)))
    client = pages.client(clara, language="en")
    first = client.get("/events", params={"person": anna.pseudonym, "text": "read party"}).text
    assert f"/why/card-{PAGE_EVENTS + 4}" in first
    assert '"/why/card-4"' not in first
    link = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(link).text
    assert '"/why/card-4"' in second
    assert '"/why/card-5"' not in second
    assert 'rel="next"' not in second


def test_nobody_reads_here_what_is_recorded_about_themselves(pages: Pages) -> None:
    """attacks X32: neither a status nor who has looked."""
    clara, anna = pages.add("Clara Vogt", "security"), pages.add("Anna Feldmann")
    pages.record(
        plain_event(EventAction.STATUS_CHANGED, at=AT, pseudonym=anna.pseudonym, subject=clara.pseudonym, numbers={"to": "talk_planned"}),
        deed(clara, Action.READ, Phase.RELEASED, [7], at=AT, act_id="own"),
    )
    answer = pages.client(clara, language="en").get("/events?since=2026-05-12&until=2026-05-12").text
    assert "Events about yourself are never shown here." in answer
    assert "/why/own" not in answer
    assert "talk" not in answer
    assert "/why/own" in pages.client(pages.add("Otto Lang", "owner")).get("/events?since=2026-05-12&until=2026-05-12").text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"text": "*"}, "There are no wildcards"),
        ({"text": "?"}, "There is no word"),
        ({"text": "a" * 1_500}, "too long"),
        ({"text": " ".join(f"w{number}" for number in range(TEXT_WORDS_MAX + 1))}, "too many words"),
        ({"since": "yesterday"}, "This is no day"),
        ({"until": "9999-12-31"}, "This is no day"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words_and_is_no_look(pages: Pages, asked: dict[str, str], says: str) -> None:
    answer = pages.client(pages.add("Clara Vogt", "security"), language="en").get("/events", params=asked)
    assert answer.status_code == 400
    assert says in answer.text
    assert looks(pages) == []


@pytest.mark.parametrize("asked", [{"deed": "everything"}, {"outcome": "x"}, {"text": "a" * 10_000}, {"after": "-1"}, {"how": "x"}])
def test_what_no_form_sends_is_refused(pages: Pages, asked: dict[str, str]) -> None:
    assert pages.client(pages.add("Clara Vogt", "security")).get("/events", params=asked).status_code == 422


def test_foreign_words_stay_words(pages: Pages) -> None:
    evil = '"><script>alert(1)</script>'
    anna, clara = pages.add("Anna Feldmann"), pages.add("Clara Vogt", "security")
    pages.record(deed(anna, Action.READ, Phase.RELEASED, [7], at=AT, act_id=evil))
    pages.services.spool._store([b'{"@timestamp":"<b>","event":{"action":"<script>"},"torwart":{"words":{"a":"<script>"}}}', b"no JSON"])
    pages.services.log.take(pages.services.spool)
    client = pages.client(clara)
    for asked in ({"act": evil}, {"text": evil}, {"text": "script"}, {"client": evil}, {"client": "7"}):
        answer = client.get("/events", params=asked)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<script>" not in answer.text.partition("<main")[2]
    assert "nicht lesbar" in client.get("/events", params={"text": "script"}).text
