"""Why an act was held or refused: a reviewer reads the whole trace, everybody else what to do."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit_store.event import Event, Phase, access_event
from auth.policy_signature import PolicyKey
from auth.storage import writing
from auth.tables import Act, Person
from policies.engine import decide
from policies.load import load
from policies.needs import RequirementKind
from policies.request import AccessRequest, Action, Channel, Context, Counts, Principal, Resource, Status, Usage
from policies.store import SHIPPED, PolicyStore
from tests.services.console import FIELDS, Pages, with_names_hidden

ACT = "act-of-anna"
CLIENT = "774411"
"""The id of a client: no page may show it."""


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


@pytest.fixture
def anna(pages: Pages) -> Person:
    """A manager with a talk planned, who asked for an export; the shipped rules are in force."""
    state = pages.services.installation.state
    PolicyStore(state / "policies", PolicyKey(state / "keys")).prepare("torwart")
    person = pages.add("Anna Feldmann", "manager", "owner")
    pages.record(denied(person))
    return person


def question(person: Person, **changes: object) -> AccessRequest:
    clear = frozenset({CLIENT, "2", "3"})
    asked = AccessRequest(
        act_id=ACT,
        principal=Principal(person.id, person.pseudonym, frozenset({"manager"}), Status.TALK_PLANNED),
        action=Action.EXPORT,
        resource=Resource("client", "party.party", (CLIENT, "2", "3"), clear, frozenset({"2"}), fields=frozenset(FIELDS)),
        context=Context(datetime.now(UTC) + timedelta(seconds=1), Channel.DOWNLOAD),
        usage=Usage(Counts(shown_day=1_200), Counts(shown_day=1_203), 3_000, 480),
    )
    return replace(asked, **changes)  # type: ignore[arg-type] # whatever a test changes


def denied(person: Person, **changes: object) -> Event:
    asked = question(person, **changes)
    decision = decide(asked, load(SHIPPED, "1"))
    none: frozenset[str] = frozenset()
    return access_event(
        request=asked, decision=decision, phase=Phase.DENIED, shown=none, taken=none, rows=0, fields=asked.resource.fields, route="rpc x"
    )


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_reviewer_reads_every_rule_and_every_number(pages: Pages, owner: Person, anna: Person) -> None:
    html = pages.client(owner).get(f"/why/{ACT}").text
    text = plain(html)
    for expected in (
        "Was die Regeln sagten",
        "Regeln der Version 1, damals in Kraft.",
        "before-the-talk",
        "lehnt ab",
        "griff",
        "Mit der Person ist ein Gespräch geplant",
        "Status Gespräch geplant",
        "3, eigene: 1, fremde: 2",
        "1.200 → 1.203",
        "Kunden des Hauses 3.000",
    ):
        assert expected in text, text
    assert "<details>" in html  # what did not apply is folded, and opened by the keyboard
    assert CLIENT not in html


def test_the_trace_is_there_in_english(pages: Pages, owner: Person, anna: Person) -> None:
    text = plain(pages.client(owner, language="en").get(f"/why/{ACT}").text)
    for expected in ("What the rules said", "Rules of version 1, in force at that time.", "denies", "applied", "3, own: 1, of others: 2"):
        assert expected in text, text


def test_an_employee_and_whoever_it_is_about_read_no_rule_and_no_status(pages: Pages, owner: Person, anna: Person) -> None:
    """attacks X11 and X32: Anna is a reviewer too, but not of her own acts."""
    boris = pages.add("Boris Kern")
    for reader in (None, boris, anna):
        html = pages.client(reader).get(f"/why/{ACT}").text
        text = plain(html)
        assert ACT in text
        for hidden in ("Was die Regeln sagten", "before-the-talk", "Gespräch", "1.203", "fremde", "Version 1"):
            assert hidden not in text, (reader, text)


def test_the_look_at_a_trace_is_recorded(pages: Pages, owner: Person, anna: Person) -> None:
    pages.client(owner).get(f"/why/{ACT}")
    viewed = [stored.canonical for stored in pages.services.spool.read(0, 100) if b"record-viewed" in stored.canonical]
    assert len(viewed) == 1
    assert ACT.encode() in viewed[0]


def test_pseudonyms_stay_pseudonyms(pages: Pages, owner: Person, anna: Person) -> None:
    html = with_names_hidden(pages).client(owner).get(f"/why/{ACT}").text
    assert "Anna" not in html
    assert anna.pseudonym in html


def test_where_no_rule_can_be_asked_the_page_says_why(pages: Pages, owner: Person) -> None:
    person = pages.add("Carla Weiss")
    old = denied(person, act_id="old-act")
    old.document["torwart"]["schema"] = 1
    pages.record(denied(person), old)
    client = pages.client(owner, language="en")
    assert "The rules cannot be used" in client.get(f"/why/{ACT}").text
    assert "cannot be judged again" in client.get("/why/old-act").text


def test_the_timeline_and_the_page_of_the_act_lead_there(pages: Pages, owner: Person, anna: Person) -> None:
    act = pages.hold(pages.add("Dora Klein"), act_id="waiting")
    page = pages.client(owner).get(f"/act/{act.id}").text
    assert f'href="/why/{act.id}"' in page
    assert f"/why/{act.id}" not in pages.client().get(f"/act/{act.id}").text
    day = pages.client(owner).get(f"/people/{anna.id}").text
    assert f'href="/why/{ACT}"' in day


def test_the_reason_that_the_person_signed_is_read_by_reviewers_only(pages: Pages, owner: Person, anna: Person) -> None:
    asks = frozenset({RequirementKind.KEY, RequirementKind.JUSTIFY})
    act = pages.hold(anna, act_id=ACT, asks=asks)
    words = "Auf Wunsch des Kunden"
    with writing(pages.services.engine) as session:
        row = session.get_one(Act, act.id)
        row.summary, row.confirmed_at = {**row.summary, "said": words}, datetime.now(UTC)
    assert words in pages.client(owner).get(f"/why/{ACT}").text
    assert words not in pages.client().get(f"/why/{ACT}").text
    assert words not in pages.client(anna).get(f"/why/{ACT}").text
