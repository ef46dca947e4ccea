"""Lines about people in the timeline of an alert."""

from datetime import UTC, datetime

import pytest

from audit_store.event import EventAction, plain_event
from console.language import speech
from console.timeline import trace
from tests.services.console import Pages


@pytest.mark.parametrize(
    ("said", "more"),
    [({"to": "last_day", "on": "2027-01-31", "why": "withdrawn"}, "letzter Tag · 2027-01-31"), ({"missing": 1, "why": "withdrawn"}, "")],
    ids=["dropped", "dropped after somebody had deleted it: nobody knows which it was"],
)
def test_a_planned_status_that_is_dropped_is_named_where_it_is_known(pages: Pages, said: dict[str, int | str], more: str) -> None:
    event = plain_event(EventAction.STATUS_PLAN_ENDED, at=datetime.now(UTC), subject="P-00000000", numbers=said)
    (line,) = trace(pages.record(event), speech("de"))
    assert (line.what, line.more) == ("Geplanter Status gestrichen", more)


@pytest.mark.parametrize(
    ("language", "more"),
    [
        ("de", "Anmeldung für den Proxy auf dem Weg hinaus · durch eine neue Anmeldung ersetzt"),
        ("en", "Log-in for the proxy on the way out · a new sign-in took its place"),
    ],
)
def test_what_was_cut_and_why_are_said_in_words(pages: Pages, language: str, more: str) -> None:
    event = plain_event(EventAction.SESSION_CUT, at=datetime.now(UTC), subject="P-00000000", numbers={"kind": "proxy", "why": "renewed"})
    (line,) = trace(pages.record(event), speech(language))
    assert line.more == more
