"""A code takes the place of a key nowhere that demands one: no rule can say so, and forced it is denied (promises E86, attacks X2)."""

from dataclasses import replace

import pytest

from policies.decision import Allow, Challenge
from policies.engine import decide
from policies.load import load
from policies.needs import BY_CODE, Key
from policies.problems import PolicyErrors
from policies.reasons import CODE_CONFIRMED, NOT_WHAT_WAS_SIGNED
from policies.request import AccessRequest, Action, CodeProof
from policies.rule import PolicyText, compiled
from tests.policies.acts import FIELDS, NOON, act, clients, starter

RULE = "rules:\n  - {id: one, roles: any, resource: client, effect: require, reason: confirm_first, actions: %s, require: %s}\n"
DEMANDED = sorted({"export", "report", "print", "delete", "reassign", "bulk", "share", "copy", "grant_access", "upload", "login"})
WAYS = ["code", "{any: [key, code]}", "{all: [justify, code]}", "{any: [approval, {all: [code, acknowledge]}]}"]


@pytest.mark.parametrize("action", DEMANDED)
@pytest.mark.parametrize("way", WAYS)
def test_no_rule_asks_for_a_code_where_a_key_is_demanded(tmp_path, action: str, way: str) -> None:
    (tmp_path / "rules.yaml").write_text(RULE % (f"[read, {action}]", way))
    with pytest.raises(PolicyErrors, match=f"a code is no proof for {action}"):
        load(tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_nor_on_any_act_nor_at_one_level(tmp_path, way: str) -> None:
    (tmp_path / "rules.yaml").write_text(RULE % ("any", way))
    with pytest.raises(PolicyErrors, match="a code is no proof for any"):
        load(tmp_path)
    levels = RULE % ("[export]", "key, levels: {watched: {require: " + way + "}}")
    (tmp_path / "rules.yaml").write_text(levels)
    with pytest.raises(PolicyErrors, match="at level watched: a code is no proof for export"):
        load(tmp_path)


def by_code(request: AccessRequest) -> AccessRequest:
    """The act with a code that covers all of it."""
    return replace(request, proof=CodeProof("grant-1", "digest", NOON, frozenset(request.resource.ids or ()), FIELDS))


@pytest.mark.parametrize("action", [Action.EXPORT, Action.DELETE, Action.REPORT, Action.PRINT])
def test_a_code_that_is_forced_upon_an_act_with_the_key_releases_nothing(action: Action) -> None:
    request = act(action, own=3)
    asked = decide(request, starter())
    forced = decide(by_code(request), starter())
    assert not isinstance(forced, Allow)
    if isinstance(asked, Challenge):
        assert isinstance(forced, Challenge)
        assert forced.need == asked.need == Key()
        assert forced.reasons[0].reason is NOT_WHAT_WAS_SIGNED


def policy(actions: str, need: object):
    rules = [
        {"id": "yes", "roles": "any", "actions": ["read", "list", "export"], "resource": "client", "effect": "allow"},
        {
            "id": "ask",
            "roles": "any",
            "resource": "client",
            "effect": "require",
            "reason": "confirm_first",
            "actions": [actions],
            "require": need,
        },
    ]
    return compiled([PolicyText.model_validate({"rules": rules})], "1")


def test_where_a_rule_allows_it_a_code_is_enough_and_the_reason_says_what_it_was() -> None:
    allowed = decide(by_code(act(Action.READ, own=1)), policy("read", {"any": ["key", "code"]}))
    assert isinstance(allowed, Allow)
    assert allowed.reasons[0].reason is CODE_CONFIRMED


def test_a_list_that_is_an_export_by_its_effect_asks_for_the_key() -> None:
    """The rule speaks about lists, the act has become an export: what it asks is asked of the export (attacks X6)."""
    ids = frozenset(clients(500)[0])
    request = act(Action.LIST, own=500, clear_contact_ids=ids)
    rules = [
        {
            "id": "yes",
            "roles": "any",
            "actions": ["list", "export"],
            "resource": "client",
            "effect": "allow",
            "require": "code",
            "reason": "confirm_first",
        }
    ]
    with pytest.raises(ValueError, match="a code is no proof for export"):
        PolicyText.model_validate({"rules": rules})
    assert Action.EXPORT not in BY_CODE
    forced = decide(by_code(request), starter())
    assert isinstance(forced, Challenge)
    assert forced.need == Key()
