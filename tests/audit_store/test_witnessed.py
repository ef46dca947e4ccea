"""Which events wait for a place outside before they count, and what happens when none has their checkpoint (attacks X14)."""

import asyncio
from pathlib import Path

import pytest

from audit_store.event import Event, EventAction, Phase, plain_event
from audit_store.outside import NotWitnessedError
from audit_store.spool import SpoolError
from audit_store.statement import Body, End, Head, Statement, make
from audit_store.statements import StatementsError
from audit_store.witnessed import WitnessedSpool, waits, witnessed
from policies.request import Action
from tests.audit_store.acts import NOW, access


class Played:
    """Signs without a key and plays the places."""

    def __init__(self) -> None:
        self.signed: list[End] = []
        self.asked: list[str] = []
        self.fails = False
        self.broken = False
        self.closed = 0

    def sign(self, signer: str, body: Body) -> Statement:
        if self.broken:
            raise StatementsError("checkpoint.key is missing")
        assert isinstance(body, Head)
        self.signed.append(body.end)
        return make(signer, len(self.signed), NOW, None if len(self.signed) == 1 else bytes(32), body, [])

    def must_have(self, statement: Statement) -> None:
        self.asked.append(statement.name)
        if self.fails:
            raise NotWitnessedError("no place outside")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def spool(tmp_path: Path, played: Played) -> WitnessedSpool:
    return witnessed(tmp_path / "gateway", "gateway", played, played)


def changed(action: EventAction, before: str, after: str) -> Event:
    return plain_event(action, at=NOW, subject="P-00000001", numbers={"from": before, "to": after})


EXPORT = access(action=Action.EXPORT, phase=Phase.RELEASED)
FREEZE = plain_event(EventAction.PERSON_FROZEN, at=NOW, subject="P-00000001")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (EXPORT, True),
        (access(action=Action.REPORT, phase=Phase.RELEASED), True),
        (access(action=Action.PRINT, phase=Phase.RELEASED), True),
        (plain_event(EventAction.KEY_ENROLLED, at=NOW), True),
        (plain_event(EventAction.TOKEN_ISSUED, at=NOW), True),
        (plain_event(EventAction.PERSON_UNFROZEN, at=NOW), True),
        (plain_event(EventAction.POLICY_ACTIVATED, at=NOW), True),
        (changed(EventAction.STATUS_CHANGED, "talk_planned", "active"), True),
        (changed(EventAction.STATUS_CHANGED, "no status", "active"), True),
        (changed(EventAction.LEVEL_CHANGED, "departing", "watched"), True),
        (changed(EventAction.STATUS_CHANGED, "active", "talk_planned"), False),
        (changed(EventAction.LEVEL_CHANGED, "normal", "watched"), False),
        (plain_event(EventAction.ROLES_CHANGED, at=NOW, numbers={"added": "admin", "removed": "manager"}), True),
        (plain_event(EventAction.ROLES_CHANGED, at=NOW, numbers={"removed": "admin"}), False),
        (plain_event(EventAction.KEY_LOCKED, at=NOW), False),
        (FREEZE, False),
        (access(action=Action.EXPORT, phase=Phase.HELD), None),
        (access(action=Action.EXPORT, phase=Phase.DENIED), None),
        (access(phase=Phase.RELEASED), None),
        (plain_event(EventAction.LOGIN, at=NOW), None),
    ],
)
def test_what_gives_waits_what_takes_away_is_stated_and_all_else_passes(event: Event, expected: bool | None) -> None:
    assert waits(event) is expected


def test_a_list_that_became_an_export_waits_too() -> None:
    document = access(phase=Phase.RELEASED).document
    document["torwart"]["manifest"] = "7F3A"
    assert waits(Event("1", NOW, EventAction.ACCESS, None, None, document)) is True


def test_the_end_of_the_chain_is_stated_and_asked_for(spool: WitnessedSpool, played: Played) -> None:
    spool.append(access())
    assert played.signed == []
    receipt = spool.append(EXPORT)
    assert played.signed == [End("gateway", 1, 2, receipt.hash)]
    assert played.asked == ["gateway 1"]
    assert asyncio.run(spool.append_soon(EXPORT)).sequence == 3
    assert asyncio.run(spool.append_soon(access())).sequence == 4
    assert played.asked == ["gateway 1", "gateway 2"]
    spool.close()
    assert played.closed == 2, "signer and witness"


@pytest.mark.parametrize("broken", [False, True], ids=["no place", "no key"])
def test_without_a_place_or_a_key_the_event_is_recorded_and_the_act_must_not_be(
    spool: WitnessedSpool, played: Played, broken: bool
) -> None:
    played.fails, played.broken = not broken, broken
    with pytest.raises(NotWitnessedError):
        spool.append(EXPORT)
    with pytest.raises(SpoolError):
        asyncio.run(spool.append_soon(EXPORT))
    assert spool.head().sequence == 2
    spool.append(access())
    played.fails = played.broken = False
    spool.append(EXPORT)
    assert played.signed[-1].sequence == 4
    spool.close()


def test_a_freeze_waits_for_nobody(spool: WitnessedSpool, played: Played) -> None:
    played.fails = True
    spool.append(FREEZE)
    assert [end.sequence for end in played.signed] == [1]
    assert played.asked == []
    played.broken = True
    asyncio.run(spool.append_soon(FREEZE))
    assert spool.head().sequence == 2
    spool.close()


def test_those_that_wait_at_once_share_a_statement(spool: WitnessedSpool, played: Played) -> None:
    async def many() -> None:
        await asyncio.gather(*(spool.append_soon(EXPORT) for _ in range(50)))

    asyncio.run(many())
    assert played.signed[-1].sequence == 50
    assert 1 <= len(played.asked) < 50
    spool.close()


def test_events_of_one_change_are_stored_together_and_asked_for_once(spool: WitnessedSpool, played: Played) -> None:
    given = plain_event(EventAction.ROLES_CHANGED, at=NOW, numbers={"added": "admin"})
    receipts = spool.append_all([access(), given, given, access()])
    assert [receipt.sequence for receipt in receipts] == [1, 2, 3, 4]
    assert played.signed == [End("gateway", 1, 4, receipts[-1].hash)]
    assert played.asked == ["gateway 1"]
    spool.append_all([access()])
    assert spool.append_all([]) == []
    assert played.asked == ["gateway 1"]
