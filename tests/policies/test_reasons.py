"""Every reason says what to do, in both languages, and a status is not to be read from it."""

import string

import pytest

from policies.needs import RequirementKind
from policies.reasons import NOT_ASKED_FOR, NOT_FOR_YOU, REASONS, Because, grouped

NUMBERS = {"asked", "allowed", "count", "share", "who", "limit", "day_limit"}


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_a_reason_is_complete_in_both_languages(reason):
    for texts in (reason.employee, reason.reviewer):
        assert set(texts) == {"de", "en"}
        places = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
        assert places[0] == places[1]
        assert all(text[0].isupper() or text[0] == "{" for text in texts.values())
        assert all(text.endswith(".") for text in texts.values())


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_an_employee_reads_numbers_only(reason):
    for text in reason.employee.values():
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= NUMBERS


@pytest.mark.parametrize("code", ["export_not_now", "export_not_before_talk", "export_not_at_level"])
def test_a_denial_because_of_a_status_reads_like_an_ordinary_one(code):
    """X32: a departure under way is not to be read from a denial."""
    assert REASONS[code].employee == NOT_FOR_YOU.employee
    assert REASONS[code].reviewer != NOT_FOR_YOU.reviewer


def test_numbers_are_written_as_people_write_them():
    assert grouped(3000, "de") == "3.000"
    assert grouped(1234567, "en") == "1,234,567"
    because = Because(REASONS["export_limit"], {"asked": 3000, "limit": 260})
    assert "3.000 Kunden angefragt" in because.for_employee("de")
    assert "3,000 clients asked for" in because.for_employee("en")


def test_a_number_that_is_missing_reads_as_a_dash():
    assert "–" in Because(REASONS["export_limit"]).for_employee("de")


def test_a_value_is_not_a_template():
    because = Because(REASONS["unreadable"], {"what": "{limit} {0} %s"})
    assert "{limit} {0} %s" in because.for_reviewer("de")


@pytest.mark.parametrize("language", ["de", "en", "fr"])
def test_a_need_is_said_in_words(language):
    said = {Because(NOT_ASKED_FOR, {"needs": kind.value}).for_reviewer(language) for kind in RequirementKind}
    assert len(said) == len(RequirementKind)
    assert not [text for text in said for kind in RequirementKind if f" {kind.value}," in text and kind is not RequirementKind.KEY]
    both = Because(NOT_ASKED_FOR, {"needs": "key, approval"})
    assert "Nötig wäre die Berührung eines Schlüssels, die Zustimmung anderer, und" in both.for_reviewer("de")
    assert "it would need the touch of a key, the approval of others, and" in both.for_reviewer("en")


def test_a_need_that_is_no_longer_known_keeps_its_name():
    assert "something" in Because(NOT_ASKED_FOR, {"needs": "something"}).for_reviewer("de")
