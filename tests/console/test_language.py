"""The catalogues are complete, and they use the words that docs/words.md lists."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from console.language import LANGUAGES, catalog, preferred, speech
from policies.reasons import REASONS

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "N2_": (1, 2), "say": None, "say_many": (1, 2)}
PLACE = re.compile(r"%\(\w+\)s|%%")
FORMAL = re.compile(r"\b(?:du|dein|deine|deinen|deinem|deiner|dich|dir|euch|eure)\b", re.IGNORECASE)


def texts_in_use() -> set[str | tuple[str, str]]:
    found = extract_from_dir(
        ROOT / "console",
        method_map=[("cli/**", "ignore"), ("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")],
        options_map={"templates/**.html": {"silent": "false", "newstyle_gettext": "true"}},
        keywords=KEYWORDS,
    )
    return {message for _, _, message, _, _ in found}


def strings(value: object) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [str(value)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_pages_is_in_the_catalogue(language: str):
    known = {message.id for message in catalog(language) if message.id and all(strings(message.string))}
    assert texts_in_use() - known == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_catalogue_is_out_of_use(language: str):
    assert {message.id for message in catalog(language) if message.id} - texts_in_use() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_text(language: str):
    for message in catalog(language):
        if message.id:
            wanted = sorted(PLACE.findall(strings(message.id)[-1]))
            assert all(sorted(PLACE.findall(said)) == wanted for said in strings(message.string)), message.id


def german() -> str:
    said = [text for message in catalog("de") if message.id for text in strings(message.string)]
    reasons = [text for reason in REASONS.values() for text in (reason.employee["de"], reason.reviewer["de"])]
    return "\n".join((*said, *reasons))


def word_table() -> list[tuple[str, list[str]]]:
    rows = [
        line.split("|")[1:-1] for line in (ROOT / "docs" / "words.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return [(word.strip(), [one.strip() for one in never.split(",")]) for _, word, never in rows[1:]]


@pytest.mark.parametrize(("word", "never"), word_table(), ids=[word for word, _ in word_table()])
def test_the_words_of_the_list_are_used_and_the_others_are_not(word: str, never: list[str]):
    assert word.lower() in german().lower()
    for other in never:
        assert not re.search(rf"\b{re.escape(other)}(?:s|e|en|t)?\b", german()), other


def test_people_are_spoken_to_formally():
    assert FORMAL.findall(german()) == []
    assert "!" not in german()


def test_numbers_and_dates_are_written_as_people_write_them():
    at = datetime(2026, 5, 12, 14, 5, tzinfo=UTC).astimezone()
    german, english = speech("de"), speech("en")
    assert (german.number(3_000), english.number(3_000)) == ("3.000", "3,000")
    assert german.moment(at) == f"12.05.2026 {at:%H:%M}"
    assert english.moment(at) == f"12 May 2026 {at:%H:%M}"
    assert german.say_many("client", "clients", 1) == "Kunde"
    assert german.listed(["a", "b", "c"]) == "a, b und c"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en-GB", "en"),
        ("fr,en;q=0.3,de;q=0.9", "de"),
        ("fr", "de"),
        (None, "de"),
        ("de;q=x,en", "en"),
        ("," * 10_000, "de"),
    ],
)
def test_the_browsers_language_is_followed(header: str | None, language: str):
    assert preferred(header, "de") == language


def test_a_language_without_catalogue_is_answered_in_english():
    assert speech("ru").language == "en"
