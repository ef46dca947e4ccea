"""A plan's tree as a filter of Tryton: exact where it says so, never less than the tree allows."""

from datetime import UTC, datetime

import pytest

from gateway.crm.profiles.tryton_push import Pusher
from policies.tree import And, Compare, Exists, Has, In, Match, Not, Op, Or, Text

PLAIN = Pusher("", frozenset({"7", "12"}), only_active=False)
OWN = Compare("own", Op.EQ, True)
GERMAN = Exists("countries", Compare("", Op.EQ, "DE"))
PATTERN = Exists("cities", Text("", Match.PATTERN, "^Bad "))
NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
TIME = {"__class__": "datetime", "year": 2026, "month": 5, "day": 12, "hour": 12, "minute": 0, "second": 0, "microsecond": 0}
LIVE = ["active", "=", True]


@pytest.mark.parametrize(
    ("tree", "domain"),
    [
        (OWN, [["id", "in", [7, 12]]]),
        (Not(OWN), [["id", "not in", [7, 12]]]),
        (Compare("active", Op.EQ, True), [["active", "=", True]]),
        (Not(Compare("active", Op.EQ, True)), [["active", "=", False]]),
        (Compare("created_at", Op.LT, NOON), [["create_date", "<", TIME]]),
        (Not(Compare("changed_at", Op.LT, NOON)), ["OR", ["write_date", ">=", TIME], ["write_date", "=", None]]),
        (
            Not(Exists("categories", Compare("", Op.EQ, "VIP"))),
            [["categories", "not where", [["name", "=", "VIP"], ["active", "in", [True, False]]]]],
        ),
        (Not(Has("changed_at")), [["write_date", "=", None]]),
        (GERMAN, [["addresses", "where", [["country.code", "=", "DE"], LIVE]]]),
        (Not(GERMAN), [["addresses", "not where", [["country.code", "=", "DE"], LIVE]]]),
        (Exists("postal_codes", Text("", Match.STARTS_WITH, "80")), [["addresses", "where", [["postal_code", "like", "80%"], LIVE]]]),
        (And((OWN, GERMAN)), ["AND", [["id", "in", [7, 12]]], [["addresses", "where", [["country.code", "=", "DE"], LIVE]]]]),
    ],
)
def test_what_tryton_can_say_is_said_exactly(tree, domain):
    pushed = PLAIN.push(tree)
    assert pushed.domain == domain
    assert pushed.exact


@pytest.mark.parametrize(
    ("tree", "domain"),
    [
        (PATTERN, [["addresses", "where", [LIVE]]]),
        (Not(PATTERN), []),
        (Or((OWN, Not(PATTERN))), []),
        (And((OWN, Not(PATTERN))), ["AND", [["id", "in", [7, 12]]]]),
        (Not(In("language", ("de",))), []),
        (Compare("language", Op.EQ, "de"), []),
        (Not(Has("language")), []),
        (Exists("cities", Text("", Match.CONTAINS, "50%")), [["addresses", "where", [LIVE]]]),
        (Text("language", Match.STARTS_WITH, "d"), []),
        (Compare("created_at", Op.EQ, NOON), []),
    ],
)
def test_what_it_cannot_say_lets_more_through_and_is_known_to(tree, domain):
    pushed = PLAIN.push(tree)
    assert pushed.domain == domain
    assert not pushed.exact


def test_the_path_of_what_hangs_on_a_client_leads_to_the_client():
    below = Pusher("party.", frozenset({"7"}), only_active=False)
    assert below.push(OWN).domain == [["party", "in", [7]]]
    assert below.push(GERMAN).domain[0][0] == "party.addresses"


def test_a_question_that_leaves_inactive_clients_out_is_not_made_to_ask_for_them():
    usual = Pusher("", frozenset(), only_active=True)
    assert usual.push(Compare("active", Op.EQ, True)).domain == []
    assert usual.push(Not(Compare("active", Op.EQ, True))).domain == [["id", "in", []]]
