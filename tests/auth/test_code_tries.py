"""Refused codes are counted by person, by network and in all, for 15 minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from auth.code_tries import WINDOW, Purpose, Tries
from auth.storage import writing
from auth.tables import Person
from auth.totp_tables import CodeTry
from tests.services.house import House

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
TRIES = Tries(bytes(32))


def refuse(house: House, source: str | None, *, person: Person | None = None, times: int = 1, at: datetime = NOW) -> None:
    with writing(house.engine) as session:
        for _ in range(times):
            TRIES.refused(session, Purpose.TOTP, at, person_id=person.id if person else None, source=source)


def closed(house: House, source: str | None, *, person: Person | None = None, at: datetime = NOW, purpose: Purpose = Purpose.TOTP) -> bool:
    with writing(house.engine) as session:
        return TRIES.too_many(session, purpose, at, person_id=person.id if person else None, source=source)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, "not an address", True),
    ],
)
def test_an_address_is_its_network(house: House, one: str | None, other: str | None, same: bool) -> None:
    refuse(house, one, times=5)
    assert closed(house, one)
    assert closed(house, other) == same


def test_a_person_is_counted_over_all_networks_and_each_purpose_by_itself(house: House, anna: Person, boris: Person) -> None:
    for number in range(5):
        assert not closed(house, "198.51.100.1", person=anna)
        refuse(house, f"192.0.2.{number}", person=anna)
    assert closed(house, "198.51.100.1", person=anna)
    assert not closed(house, "198.51.100.1", person=boris)
    assert not closed(house, "198.51.100.1", person=anna, purpose=Purpose.RECOVERY)


def test_it_opens_after_the_window_and_not_when_a_clock_is_set_back(house: House) -> None:
    refuse(house, "192.0.2.7", times=5)
    assert closed(house, "192.0.2.7", at=NOW - timedelta(days=1))
    assert closed(house, "192.0.2.7", at=NOW + WINDOW - timedelta(seconds=1))
    assert not closed(house, "192.0.2.7", at=NOW + WINDOW)


def test_no_address_is_kept(house: House) -> None:
    refuse(house, "192.0.2.7")
    with writing(house.engine) as session:
        (row,) = session.scalars(select(CodeTry))
    assert "192.0.2" not in row.source
    assert len(row.source) == 64
