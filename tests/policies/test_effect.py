"""The class of an act follows its effect (attacks X6)."""

from dataclasses import replace

import pytest

from policies.effect import effective_action
from policies.request import Action, Counts
from policies.rule import ThresholdText
from tests.policies.acts import act, clients

LIMITS = ThresholdText()


def taking(count, action=Action.READ, before=0, after=0):
    request = act(action, own=count, before=Counts(taken_minute=before), after=Counts(taken_minute=after))
    return replace(request, resource=replace(request.resource, clear_contact_ids=frozenset(clients(count)[0])))


@pytest.mark.parametrize("action", [Action.LIST, Action.READ, Action.UPDATE, Action.COPY])
def test_more_than_200_clear_contacts_in_one_answer_are_an_export_whatever_it_is_called(action):
    assert effective_action(taking(200, action), LIMITS) is action
    assert effective_action(taking(201, action), LIMITS) is Action.EXPORT


def test_more_than_300_in_a_minute_are_an_export():
    assert effective_action(taking(100, before=200, after=300), LIMITS) is Action.READ
    assert effective_action(taking(100, before=201, after=301), LIMITS) is Action.EXPORT


def test_reading_again_what_was_just_exported_is_reading():
    assert effective_action(taking(100, before=3000, after=3000), LIMITS) is Action.READ


def test_masked_contact_fields_are_not_taken():
    assert effective_action(act(Action.LIST, others=1000), LIMITS) is Action.LIST


@pytest.mark.parametrize("action", [Action.EXPORT, Action.REPORT, Action.PRINT])
def test_what_is_an_export_by_name_keeps_its_name(action):
    assert effective_action(taking(1000, action), LIMITS) is action
