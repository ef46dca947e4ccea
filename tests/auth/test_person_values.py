"""What can be said of a person, and what is wrong with it."""

import pytest

from auth.person_values import PersonChange, account_fault, cleaned, faults


def test_blanks_capitals_and_repetitions_are_taken_out() -> None:
    change = PersonChange(name=" Anna ", email=" Anna@Firma.Example ", roles=["b", " a ", "b"], team=" ", territory="DE ")
    assert cleaned(change) == {"name": "Anna", "email": "anna@firma.example", "roles": ["a", "b"], "team": None, "territory": "DE"}
    assert cleaned({}) == {}
    assert change["name"] == " Anna ", "what was given stays as it was"


@pytest.mark.parametrize(
    ("member", "right", "wrong"),
    [
        ("name", "Анна Müller-Łoś", "A\u202enna"),
        ("name", "=1+1", "\x07"),
        ("email", "a@b", "a b@c"),
        ("roles", ["manager", "r2_d2"], ["Manager"]),
        ("roles", ["a" * 32], ["a" * 33]),
        ("language", "ru", "xx"),
        ("team", None, "t" * 101),
        ("territory", "DE-BY", ""),
    ],
)
def test_what_is_right_and_what_is_not(member: str, right: object, wrong: object) -> None:
    assert faults({member: right}) == {}
    assert list(faults({member: wrong})) == [member]


def test_only_what_is_there_is_looked_at() -> None:
    assert faults({}) == {}


@pytest.mark.parametrize(("account", "fits"), [("anna", True), ("Anna Feldmann", True), ("", False), ("x" * 201, False), ("a\nb", False)])
def test_an_account_is_printable_and_not_too_long(account: str, fits: bool) -> None:
    assert (account_fault(account) is None) is fits
