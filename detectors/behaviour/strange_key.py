"""A key that is not what it should be: a colleague's where only the own one counts (promises E77), or a copy (E78)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit_store.event import EventAction, Phase
from detectors.base import Rule, Signal, Wording
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies.request import Action


def _judge(_deed: Deed, _view: View) -> Signal | None:
    """It is about no act on the CRM."""
    return None


def _hears(document: Mapping[str, Any]) -> Signal | None:
    ours, words = document["torwart"], document["torwart"].get("words", {})
    event = document["event"]
    if event["action"] == EventAction.KEY_REFUSED and words.get("cause") == "foreign_key":
        code, severity, key = "foreign", "medium", ours.get("subject")
    elif event["action"] == EventAction.KEY_LOCKED and words.get("why") == "possible_clone":
        code, severity, key = "copied", "high", words.get("key")
    else:
        return None
    if "user" not in document:
        return None
    at = datetime.fromisoformat(document["@timestamp"])
    return Signal(RULE.id, document["user"]["id"], at, severity, code, {"key": key or "–"}, (event["id"],))


RULE = Rule(
    id="strange_key",
    title={"de": "Ein Schlüssel ist nicht, was er sein sollte", "en": "A key is not what it should be"},
    severity="high",
    runbook={
        "de": "1. Die Person fragen, was sie bestätigen wollte und mit welchem Schlüssel. 2. Fremder Schlüssel: Wessen er ist, zeigt "
        "„torwart keys list“; fragen, wie er an diesen Platz kam. 3. Möglicher Nachbau: Der Schlüssel ist schon gesperrt. Ansehen, was "
        "er zuletzt bestätigt hat, den Schlüssel einziehen und einen neuen ausgeben. 4. Mit einem Urteil schließen.",
        "en": "1. Ask the person what was to be confirmed, and with which key. 2. A colleague's key: “torwart keys list” shows whose; "
        "ask how it came to this desk. 3. A possible copy: the key is locked already. See what it has confirmed last, take the key in and "
        "give out a new one. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Zwei Schlüssel, die auf einem Tisch verwechselt wurden; ein Schlüssel, den sein Hersteller zurückgesetzt hat.",
        "en": "Two keys on one desk that were mixed up; a key that was reset by its maker.",
    },
    shares={},
    reasons={
        "foreign": Wording(
            de="Was nur der eigene Schlüssel bestätigt, wurde mit dem einer anderen Person versucht ({key})",
            en="What only the own key confirms was tried with another person's ({key})",
        ),
        "copied": Wording(
            de="Der Zähler des Schlüssels {key} ging zurück: Es gibt ihn wohl zweimal. Er ist gesperrt",
            en="The counter of the key {key} went back: there may be two of it. It is locked",
        ),
    },
    judge=_judge,
    hears=_hears,
    cases=(
        Case("an ordinary morning", (Step(Action.LIST, Phase.RELEASED, range(40)),), None),
        Case("a touch that did not work", (Step(Action.SYSTEM, Phase.DENIED, refused_key="not_verified"),), None),
        Case(
            "a colleague's key",
            (Step(Action.SYSTEM, Phase.DENIED, refused_key="foreign_key"),),
            Expected("foreign", "medium", {"key": "key-1"}),
        ),
        Case("a lost key that was locked", (Step(Action.SYSTEM, Phase.DENIED, locked_key="administrator"),), None),
        Case(
            "a copied key", (Step(Action.SYSTEM, Phase.DENIED, locked_key="possible_clone"),), Expected("copied", "high", {"key": "key-1"})
        ),
    ),
)
