from datetime import UTC, datetime

import pytest

from audit_store.event import EventAction, Phase, plain_event
from detectors.cases import Step, events
from detectors.deed import UnreadableEventError, deed_of
from policies import reasons
from policies.request import Action, Channel


def document(step: Step) -> dict:
    return events((step,))[0].document


def test_a_deed_has_what_the_event_says():
    step = Step(Action.LIST, Phase.HELD, range(250), reasons.EXPORT_NEEDS_KEY, channel=Channel.REST, base=900, book=70, paced_cards=3)
    deed = deed_of(document(step))
    assert deed is not None
    assert (deed.asked, deed.asked_count, deed.shown) == (frozenset(map(str, range(250))), 250, frozenset())
    assert (deed.phase, deed.action, deed.channel) == (Phase.HELD, Action.LIST, Channel.REST)
    assert (deed.base, deed.book, deed.paced_cards, deed.reasons) == (900, 70, 3, ("export_needs_key",))
    assert deed.at.tzinfo is not None


@pytest.mark.parametrize(
    ("step", "takes_out"),
    [
        (Step(Action.EXPORT, Phase.RELEASED, range(1)), True),
        (Step(Action.PRINT, Phase.DENIED), True),
        (Step(Action.LIST, Phase.HELD, range(5), reasons.EXPORT_NEEDS_KEY), True),
        (Step(Action.LIST, Phase.RELEASED, range(201)), True),
        (Step(Action.LIST, Phase.RELEASED, range(200)), False),
        (Step(Action.LIST, Phase.RELEASED, range(3_000), clear=False), False),
        (Step(Action.READ, Phase.HELD, range(1), reasons.LIMIT_NEEDS_KEY), False),
        (Step(Action.LIST, Phase.DENIED, range(250), reasons.EXPORT_NOT_NOW), True),
        (Step(Action.DELETE, Phase.DENIED, range(9), reasons.EXPORT_NOT_NOW), False),
        (Step(Action.DELETE, Phase.HELD, range(3_000), reasons.DELETE_NEEDS_KEY), False),
    ],
)
def test_what_takes_clients_out_is_told_by_its_effect(step: Step, takes_out: bool):
    deed = deed_of(document(step))
    assert deed is not None
    assert deed.takes_out is takes_out


def test_events_about_other_things_are_no_deeds():
    assert deed_of(plain_event(EventAction.LOGIN, at=datetime(2026, 5, 11, tzinfo=UTC), pseudonym="P-1").document) is None
    assert deed_of(document(Step(Action.SYSTEM, Phase.RELEASED))) is None


@pytest.mark.parametrize("member", ["act", "clients", "channel", "status"])
def test_a_renamed_member_is_an_error_and_not_silence(member: str):
    changed = document(Step(Action.EXPORT, Phase.HELD, range(9)))
    changed["torwart"][member + "s"] = changed["torwart"].pop(member)
    with pytest.raises(UnreadableEventError):
        deed_of(changed)
