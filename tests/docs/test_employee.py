"""The employees' guide, in both languages, names only what is there: pages, words, pictures, times."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from fastapi.routing import APIRoute

from auth.session_settings import SessionSettings
from auth.stepup import LIFETIME_SECONDS
from console.app import _routers
from docs.screenshots import SCENARIO, TARGET

ROOT = Path(__file__).parents[2]
LANGUAGES = ("de", "en")
GUIDES = {language: (ROOT / "docs" / f"employee.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES}
_PAGE = re.compile(r"`(/[a-z]+)`")
_IMAGE = re.compile(r"!\[([^\]]+)\]\((images/[a-z-]+\.png)\)")
_QUOTED = re.compile(r"[„“]([^“”]+)[“”]")
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE_BYTES = 250_000


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def texts(language: str) -> set[str]:
    path = ROOT / "console" / "locale" / language / "LC_MESSAGES" / "torwart.po"
    with path.open("rb") as file:
        found = {text for message in read_po(file) for text in ([message.string] if isinstance(message.string, str) else message.string)}
    return found


def test_both_languages_have_the_same_shape_pages_and_pictures() -> None:
    assert headings(GUIDES["de"]) == headings(GUIDES["en"])
    assert _PAGE.findall(GUIDES["de"]) == _PAGE.findall(GUIDES["en"])
    assert len(_IMAGE.findall(GUIDES["de"])) == len(_IMAGE.findall(GUIDES["en"])) == 6


def test_every_page_that_is_named_exists() -> None:
    served = {route.path for router in _routers() for route in router.routes if isinstance(route, APIRoute) and "GET" in route.methods}
    assert set(_PAGE.findall(GUIDES["de"])) == {"/signin", "/keys", "/me", "/recover", "/second"}
    assert set(_PAGE.findall(GUIDES["de"])) <= served


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_quoted_stands_so_on_the_pages(language: str) -> None:
    quoted = {" ".join(words.split()) for words in _QUOTED.findall(GUIDES[language])}
    assert len(quoted) == 3
    assert quoted <= texts(language)
    headed = {name for name, _ in _IMAGE.findall(GUIDES[language])} & texts(language)
    assert len(headed) >= 2, "pictures of pages bear the page's name"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_there_small_and_taken_by_the_scenario(language: str) -> None:
    scenario = (ROOT / SCENARIO).read_text(encoding="utf-8")
    assert TARGET == "TORWART_SCREENSHOTS"
    for _, place in _IMAGE.findall(GUIDES[language]):
        picture = (ROOT / "docs" / place).read_bytes()
        assert picture.startswith(PNG), place
        assert len(picture) < PICTURE_BYTES, place
        name = re.fullmatch(r"images/employee-(.+)-(?:de|en)\.png", place)
        assert name is not None, place
        assert f'picture(page, "{name[1]}"' in scenario or f'picture(popup, "{name[1]}"' in scenario, place


def test_the_times_are_those_of_the_code() -> None:
    assert (LIFETIME_SECONDS, SessionSettings().idle_minutes) == (120, 60)
    assert "zwei Minuten" in GUIDES["de"]
    assert "two minutes" in GUIDES["en"]
    assert "eine Stunde nach der letzten Benutzung" in GUIDES["de"]
    assert "an hour after its last use" in GUIDES["en"]
