"""X7: whatever a person creates, takes over, gives away or deletes, what his limits are shares of does not grow by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_store.history import History
from auth.directory import Directory
from auth.tables import Person
from tests.services.house import House

CLIENTS = 40
"""Clients of the firm before; the first half are the person's."""
_NUMBERS = st.lists(st.integers(0, CLIENTS + 10).map(str), min_size=1, max_size=6, unique=True)
_KINDS = ("create", "create under another's name", "gain", "give", "delete", "junk")
_ACTS = st.lists(st.tuples(st.sampled_from(_KINDS), _NUMBERS), min_size=1, max_size=6)


def act(house: House, known: Directory, kind: str, clients: Sequence[str], who: Person, other: Person, round_: int) -> None:
    """What the gateway writes down when the CRM's answer to an act of the person says so (`gateway.books`)."""
    now = datetime.now(UTC)
    match kind:
        case "create":
            house.assignments.created(clients, who.id, now)
        case "create under another's name":  # the owner field of the answer is read first
            fresh = [client for client in clients if not known.knows(client)]
            house.assignments.seen_owner(dict.fromkeys(fresh, other.id))
            house.assignments.created(fresh, who.id, now)
        case "gain":
            house.assignments.seen_owner({client: who.id for client in clients if known.knows(client)})
        case "give":
            house.assignments.seen_owner({client: other.id for client in clients if known.knows(client)})
        case "delete":
            house.assignments.removed(clients)
        case "junk":
            house.assignments.created([f"junk{round_}-{number}" for number in range(60)], who.id, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(acts=_ACTS)
def test_no_series_of_acts_makes_the_shares_of_a_person_smaller(
    house: House, anna: Person, boris: Person, acts: list[tuple[str, list[str]]]
) -> None:
    if not house.assignments.count():
        owners = {str(number): anna.id if number < CLIENTS // 2 else boris.id for number in range(CLIENTS)}
        house.assignments.seen_owner(owners)
    history, at = History(), datetime.now(UTC) + timedelta(seconds=1)
    history.note(anna.pseudonym, at, shown=frozenset(map(str, range(10))))
    directory = house.directory()
    base, book = directory.base_size(at), directory.book_size(anna.id, at)
    for number, (kind, clients) in enumerate(acts):
        act(house, directory, kind, clients, anna, boris, number)
        directory.refresh()
        later = at + timedelta(days=29)
        for moment in (at, later):
            assert directory.base_size(moment) <= base
            assert directory.book_size(anna.id, moment) <= book
        usage = history.usage(
            anna.pseudonym, at, own=directory.book(anna.id), base=directory.base_size(at), book=directory.book_size(anna.id, at)
        )
        assert usage.before.shown_day / usage.base >= 10 / base
        base, book = directory.base_size(at), directory.book_size(anna.id, at)
    directory.close()


@pytest.mark.parametrize("again", [1, 5])
def test_what_was_deleted_and_comes_again_is_new(house: House, anna: Person, boris: Person, again: int) -> None:
    now = datetime.now(UTC)
    house.assignments.seen_owner({str(number): anna.id for number in range(CLIENTS)})
    for _ in range(again):
        house.assignments.removed(["1"])
        house.assignments.seen_owner({"1": anna.id})
    directory = house.directory()
    assert directory.owner("1") == anna.id
    assert directory.base_size(now) == directory.book_size(anna.id, now) == CLIENTS - 1
    assert directory.base_size(now + timedelta(days=31)) == CLIENTS


def test_a_client_that_goes_to_and_fro_counts_for_nobody_meanwhile(house: House, anna: Person, boris: Person) -> None:
    now = datetime.now(UTC)
    house.assignments.seen_owner({str(number): boris.id for number in range(CLIENTS)})
    for owner in (anna.id, boris.id, anna.id):
        house.assignments.seen_owner({"1": owner})
    directory = house.directory()
    assert (directory.book_size(anna.id, now), directory.book_size(boris.id, now)) == (0, CLIENTS - 1)
