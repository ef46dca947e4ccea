"""Limits of failed log-ins: one person, one source and everybody stay below what the CRM bears."""

import pytest

from gateway import login_limit
from gateway.login_limit import IN_ALL, MAX_KEPT, PER_PERSON, PER_PERSON_AND_SOURCE, PER_SOURCE, LogInLimit


def fail(limit: LogInLimit, account: str, source: str, most: int = 1_000) -> int:
    """How many failures reached the CRM."""
    for number in range(most):
        if limit.reached(account, source):
            return number
        limit.failed(account, source)
    return most


def test_one_account_from_one_place_is_stopped_and_a_colleague_is_not() -> None:
    limit = LogInLimit()
    assert fail(limit, "anna", "192.0.2.1") == PER_PERSON_AND_SOURCE
    assert not limit.reached("boris", "192.0.2.1")
    assert not limit.reached("anna", "192.0.2.2"), "nobody locks a colleague out from elsewhere"


def test_an_account_from_everywhere_is_stopped() -> None:
    limit = LogInLimit()
    assert sum(fail(limit, "anna", f"192.0.2.{number}") for number in range(50)) == PER_PERSON


def test_a_source_that_tries_all_accounts_is_stopped_and_another_is_not() -> None:
    limit = LogInLimit()
    assert sum(fail(limit, f"person{number}", "192.0.2.1") for number in range(100)) == PER_SOURCE
    assert not limit.reached("anna", "192.0.2.2")


def test_all_together_stay_below_the_limit_of_the_crm() -> None:
    limit = LogInLimit()
    assert sum(fail(limit, f"person{number}", f"192.0.2.{number % 250}", 3) for number in range(500)) == IN_ALL < 300


def test_a_success_forgives_the_persons_own_mistakes_only() -> None:
    limit = LogInLimit()
    for _ in range(PER_PERSON_AND_SOURCE - 1):
        limit.failed("anna", "192.0.2.1")
        limit.failed("boris", "192.0.2.1")
    limit.succeeded("anna", "192.0.2.1")
    limit.failed("anna", "192.0.2.1")
    limit.failed("boris", "192.0.2.1")
    assert not limit.reached("anna", "192.0.2.1")
    assert limit.reached("boris", "192.0.2.1")


def test_after_the_window_it_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = LogInLimit()
    fail(limit, "anna", "192.0.2.1")
    monkeypatch.setattr(login_limit, "WINDOW_SECONDS", 0)
    assert not limit.reached("anna", "192.0.2.1")


def test_made_up_accounts_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_limit, "MAX_KEPT", 50)
    limit = LogInLimit()
    for number in range(500):
        limit.failed(f"person{number}", f"source{number}")
    assert len(limit._failures) == 50 < MAX_KEPT


def test_the_addresses_of_one_ipv6_network_are_one_source() -> None:
    limit = LogInLimit()
    assert sum(fail(limit, "anna", f"2001:db8::{number:x}") for number in range(50)) == PER_PERSON_AND_SOURCE, "anna is not locked out"
    assert not limit.reached("anna", "2001:db8:0:1::1")
    assert sum(fail(limit, f"person{number}", f"2001:db8::{number:x}") for number in range(100)) == PER_SOURCE - PER_PERSON_AND_SOURCE
    assert not limit.reached("boris", "192.0.2.2"), "nor is everybody"


def test_an_address_of_ipv4_is_the_same_source_in_the_clothes_of_ipv6() -> None:
    limit = LogInLimit()
    fail(limit, "anna", "::ffff:192.0.2.1")
    assert limit.reached("anna", "192.0.2.1")
    limit.succeeded("anna", "::ffff:192.0.2.1")
    assert not limit.reached("anna", "192.0.2.1")
