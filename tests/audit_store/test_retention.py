"""Every kind of event has a class, and what proves something is never taken for ordinary reading."""

import pytest

from audit_store.event import EventAction, Phase, plain_event
from audit_store.retention import ACTIONS, DEFAULT_DAYS, FOR_EVER, LEAST_DAYS, Kept, class_of
from policies.decision import Allow, Obligations
from policies.reasons import ALLOWED, Because
from policies.request import Action
from tests.audit_store.acts import NOW, access


def test_no_kind_of_event_belongs_to_two_classes() -> None:
    named = [action for actions in ACTIONS.values() for action in actions] + list(FOR_EVER)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("action", sorted(set(EventAction) - {EventAction.ACCESS}))
def test_every_other_kind_has_one_class_or_is_kept_for_ever(action: EventAction) -> None:
    kept = class_of(plain_event(action, at=NOW).document)
    assert (kept is None) == (action in FOR_EVER)
    assert kept is None or action in ACTIONS.get(kept, {action})


@pytest.mark.parametrize(
    ("action", "phase", "kept"),
    [
        (Action.LIST, Phase.ALLOWED, Kept.READING),
        (Action.READ, Phase.RELEASED, Kept.READING),
        (Action.READ, Phase.DENIED, Kept.EVIDENCE),
        (Action.READ, Phase.HELD, Kept.EVIDENCE),
        (Action.LIST, Phase.CONFIRMED, Kept.EVIDENCE),
        (Action.EXPORT, Phase.RELEASED, Kept.EVIDENCE),
        (Action.PRINT, Phase.ALLOWED, Kept.EVIDENCE),
        (Action.DELETE, Phase.ALLOWED, Kept.EVIDENCE),
        (Action.UPLOAD, Phase.RELEASED, Kept.EVIDENCE),
        (Action.FILE_COPY, Phase.OBSERVED, Kept.EVIDENCE),
    ],
)
def test_an_act_is_reading_only_where_it_was_let_through_as_it_was_asked_for(action: Action, phase: Phase, kept: Kept) -> None:
    assert class_of(access(action=action, phase=phase).document) is kept


def test_reading_that_somebody_is_told_of_is_evidence() -> None:
    told = Allow((Because(ALLOWED),), rules=("v1:own",), obligations=Obligations(notify=True))
    assert class_of(access(decision=told).document) is Kept.EVIDENCE


@pytest.mark.parametrize("document", [{}, {"event": {}}, {"event": []}, {"event": {"action": 7}}, {"event": {"action": "access"}}])
def test_what_cannot_be_read_is_kept(document: dict[str, object]) -> None:
    assert class_of(document) is None


def test_what_another_release_recorded_is_evidence() -> None:
    assert class_of({"event": {"action": "unheard-of"}}) is Kept.EVIDENCE


def test_no_default_is_shorter_than_what_verification_accepts() -> None:
    assert set(DEFAULT_DAYS) == set(LEAST_DAYS) == set(Kept)
    assert all(DEFAULT_DAYS[kept] >= LEAST_DAYS[kept] >= 30 for kept in Kept)
