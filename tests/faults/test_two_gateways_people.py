"""Law 10 over processes: what changes about a person is seen by every gateway at its next request, and said by each (promises B30, B31)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from auth.attendance import attending
from auth.people import People
from auth.sealed_database import open_sealed
from policies.request import Status
from tests.faults.played_crm import CANARY, PlayedCrm
from tests.faults.stand import Heard, Stand, stand
from tests.faults.test_two_gateways import beside

EXPORT = ("model.party.party.export_data", [1, 3], ["name", "email"])
WAIT_SECONDS = 10.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, Stand]]:
    """Two gateway processes of one installation; its manager has a key of the REST interface and a session of the web client."""
    crm = PlayedCrm()
    with stand(tmp_path_factory.mktemp("pair") / "firm", crm.port) as first:
        first.sign_in()
        first.start()
        with beside(first) as second:
            yield first, second
    crm.close()


def change(pair: tuple[Stand, Stand], measure: Callable[[People, str], object]) -> None:
    with pair[0].people() as people:
        measure(people, pair[0].asking)


def pages(pair: tuple[Stand, Stand]) -> list[int]:
    return [one.page(7).status for one in pair]


def exports(pair: tuple[Stand, Stand]) -> list[str]:
    """The first line of what both say to an export: that it needs a key, or why there is none to be had."""

    def told(heard: Heard) -> str:
        assert CANARY.encode() not in heard.body
        return str(json.loads(heard.body)["error"][1][1]).splitlines()[0]

    return [told(one.call(*EXPORT)) for one in pair]


def all_know(pair: tuple[Stand, Stand]) -> bool:
    engine = open_sealed(pair[0].state / "torwart.db", pair[0].state)
    try:
        found = attending(engine, WAIT_SECONDS)
    finally:
        engine.dispose()
    return len(found) == 2 and all(one.knows for one in found)


def test_a_freeze_holds_at_both_from_the_next_request_on_and_both_say_so(pair: tuple[Stand, Stand]) -> None:
    assert pages(pair) == [200, 200]
    change(pair, lambda people, anna: people.freeze(anna, None))
    assert pages(pair) == [403, 403]
    assert all_know(pair), "idle gateways too"
    change(pair, lambda people, anna: people.unfreeze(anna, None))
    assert pages(pair) == [200, 200]


def test_a_role_is_lost_at_both_and_given_at_both(pair: tuple[Stand, Stand]) -> None:
    change(pair, lambda people, anna: people.change(anna, {"roles": ["nobody_in_particular"], "team": "Nord"}, None))
    assert pages(pair) == [403, 403]
    assert all_know(pair)
    change(pair, lambda people, anna: people.change(anna, {"roles": ["manager"]}, None))
    assert pages(pair) == [200, 200]


def test_a_status_counts_at_both(pair: tuple[Stand, Stand]) -> None:
    before = exports(pair)
    change(pair, lambda people, anna: people.set_status(anna, Status.NOTICE_GIVEN, None))
    after = exports(pair)
    assert len(set(before)) == len(set(after)) == 1
    assert before != after
    assert pages(pair) == [200, 200], "the own clients are still served"
    change(pair, lambda people, anna: people.set_status(anna, Status.ACTIVE, None))


def test_a_gateway_that_hangs_is_named_and_obeys_as_soon_as_it_goes_on(pair: tuple[Stand, Stand]) -> None:
    first, second = pair
    assert all_know(pair)
    os.kill(second.pid, signal.SIGSTOP)
    try:
        change(pair, lambda people, anna: people.freeze(anna, None))
        engine = open_sealed(first.state / "torwart.db", first.state)
        assert sorted(one.knows for one in attending(engine, 1)) == [False, True]
        engine.dispose()
    finally:
        os.kill(second.pid, signal.SIGCONT)
    assert second.page(7).status == 403, "its first look is at who may what"
    assert all_know(pair)
    change(pair, lambda people, anna: people.unfreeze(anna, None))


def test_an_account_that_is_taken_away_is_cut_at_both_and_does_not_come_back(pair: tuple[Stand, Stand]) -> None:
    change(pair, lambda people, anna: people.unbind(anna, "anna", None))
    assert pages(pair) == [401, 401]
    change(pair, lambda people, anna: people.bind(anna, "anna"))
    assert pages(pair) == [401, 401]


def test_a_gateway_that_was_told_to_stop_is_not_waited_for(pair: tuple[Stand, Stand]) -> None:
    """Last: it stops one of them."""
    pair[1].stop()
    engine = open_sealed(pair[0].state / "torwart.db", pair[0].state)
    assert len(attending(engine, WAIT_SECONDS)) == 1
    engine.dispose()
