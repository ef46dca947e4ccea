"""What new rules let go that the old ones did not: found in cases, in recorded acts and in the rules themselves."""

from dataclasses import replace
from pathlib import Path

from policies.cases import Question, questions
from policies.load import load_contents
from policies.request import AccessRequest, Action
from policies.rule import Policy
from policies.widening import Widening, Widenings, no_traffic, widenings
from tests.policies.acts import act

MASKED = "{id: reads, roles: [manager], actions: [read], resource: client, effect: allow, masks: {contact: hide}, for: others}"
CLEAR = "{id: reads, roles: [manager], actions: [read], resource: client, effect: allow}"
CARD = "cases:\n  - {name: a card, given: {roles: [manager], action: read, own: 1, others: 2}, expect: allow}\n"


def rules(*texts: str) -> Policy:
    return load_contents({"a.yaml": ("rules:\n" + "".join(f"  - {text}\n" for text in texts)).encode()}, "1")


def asked(tmp_path: Path, cases: str = CARD) -> list[Question]:
    (tmp_path / "a.cases.yaml").write_text(cases)
    return questions(tmp_path)


def of(old: Policy, new: Policy, asked: list[Question], *requests: AccessRequest) -> Widenings:
    return widenings(old, new, asked, lambda *policies: requests, "from old to new")


def shown(found: Widenings) -> list[Widening]:
    """What cases and recorded acts show, without what the rules themselves say."""
    return [line for line in found.lines if line.place != "rules"]


def test_every_situation_is_asked_with_every_act(tmp_path: Path) -> None:
    new = rules(MASKED, "{id: more, roles: [manager], actions: [delete], resource: client, effect: allow, whole: true}")
    (line,) = shown(of(rules(MASKED), new, asked(tmp_path)))
    assert str(line) == "manager: delete: deny -> allow: allow instead of deny (not_for_you) (a card, a.cases.yaml:2)"


def test_acts_of_which_the_same_is_true_are_one_line(tmp_path: Path) -> None:
    new = rules(MASKED, CLEAR.replace("reads", "more").replace("[read]", "[list, search]"))
    (line,) = shown(of(rules(MASKED), new, asked(tmp_path)))
    assert line.act == "list, search"


def test_what_is_narrower_or_the_same_is_not_listed(tmp_path: Path) -> None:
    cases = asked(tmp_path)
    assert of(rules(CLEAR), rules(MASKED), cases, act(Action.READ, own=1, others=1)).lines == ()
    assert of(rules(MASKED), rules(MASKED.replace("id: reads", "id: other")), cases, act(Action.READ, own=1, others=1)).lines == ()


def test_a_situation_that_two_cases_share_is_listed_once(tmp_path: Path) -> None:
    twice = CARD + CARD.partition("\n")[2].replace("a card", "again")
    assert len(shown(of(rules(MASKED), rules(CLEAR), asked(tmp_path, twice)))) == 1


def test_a_role_without_a_case_is_asked_in_the_situations_of_the_others(tmp_path: Path) -> None:
    new = rules(MASKED, CLEAR.replace("reads", "interns").replace("manager", "intern"))
    (line,) = shown(of(rules(MASKED), new, asked(tmp_path)))
    assert (line.who, line.act, line.situation) == ("intern", "read", "a card, as intern")


def test_recorded_acts_are_counted_for_each_person(tmp_path: Path) -> None:
    seen = act(Action.READ, own=1, others=1)
    other = replace(seen, principal=replace(seen.principal, pseudonym="P-00000002"))
    lines = shown(of(rules(MASKED), rules(CLEAR), [], seen, seen, other))
    assert [(line.place, line.who[:10], line.times) for line in lines] == [
        ("recorded", seen.principal.pseudonym, 2),
        ("recorded", "P-00000002", 1),
    ]
    assert str(lines[0]).endswith("(an act of the record, recorded, 2 times)")


def test_what_a_rule_itself_says_is_listed_if_it_is_new(tmp_path: Path) -> None:
    opened = "{id: out, roles: [owner], actions: [export], resource: client, effect: allow}"
    (line,) = of(rules(MASKED), rules(MASKED, opened), []).lines
    assert (line.place, line.who, line.act, line.after) == ("rules", "owner", "export", "allows export without a limit and without a key")
    assert of(rules(CLEAR, opened), rules(MASKED, opened), []).lines == ()


def test_the_name_of_a_change_depends_on_what_is_changed_only() -> None:
    old, new = rules(MASKED), rules(CLEAR)
    one, two = widenings(old, new, [], no_traffic, "a b"), of(old, new, [])
    assert one.digest != two.digest
    assert one.digest == widenings(old, new, [], lambda *policies: [act(Action.READ, others=1)], "a b").digest
    assert len(one.digest) == 12
