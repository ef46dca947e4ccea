"""What is known about the clients of an act."""

from gateway.attributes import Attributes
from policies.request import UNREAD


def test_only_what_was_not_read_is_asked_again():
    known = Attributes(frozenset({"language"}))
    assert known.unknown(("1", "2", "3")) == ("1", "2", "3")
    known.learn(("1", "2"), {"1": {"language": "de"}, "2": {"language": None}})
    assert known.unknown(("1", "2", "3")) == ("3",)
    assert known.columns(("1", "2", "3")) == {}, "half a column would be another client's values"
    known.learn(("3",), {})
    assert known.columns(("2", "3", "1")) == {"language": [None, UNREAD, "de"]}
    known.names |= {"countries"}
    assert known.unknown(("1", "2", "3")) == ("1", "2", "3"), "rules that came meanwhile ask for more"


def test_rules_that_ask_nothing_need_nothing():
    assert Attributes().unknown(("1", "2")) == ()
    assert Attributes().columns(("1", "2")) == {}
