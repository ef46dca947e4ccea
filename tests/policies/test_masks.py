"""A mask tells nothing and never comes back into the CRM."""

import pytest

from policies.masks import HIDDEN, HIDE, NULL, is_mask, masked, strictest


def test_a_hidden_value_is_always_the_same_text():
    assert masked(HIDE) == HIDDEN
    assert masked(NULL) is None


@pytest.mark.parametrize("value", [HIDDEN, f" {HIDDEN} ", f"+49 {HIDDEN}", f"{HIDDEN}{HIDDEN}", f"{HIDDEN}\n"])
def test_a_mask_is_known_again_whatever_a_form_adds_to_it(value):
    assert is_mask(value)


@pytest.mark.parametrize("value", ["+49 171 5550123", "", None, 3, "• point", "...", ["•••"]])
def test_an_ordinary_value_is_no_mask(value):
    assert not is_mask(value)


def test_the_stricter_mask_tells_less():
    assert strictest(None, HIDE) is HIDE
    assert strictest(NULL, HIDE) is NULL
    assert strictest(HIDE, NULL) is NULL
