"""An agent delivered what it must not (attacks X22), or was ordered what it must not obey (attacks X29): forged, repeated, another's."""

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

_CODES = {EventAction.AGENT_REFUSED: "refused", EventAction.ORDER_REFUSED: "order_refused"}


def _judge(_deed: Deed, _view: View) -> Signal | None:
    """It is about no act on the CRM."""
    return None


def _hears(document: Mapping[str, Any]) -> Signal | None:
    """Only where the message was signed by an agent of the person: what anybody else sends says nothing about anybody."""
    event, code = document["event"], _CODES.get(document["event"]["action"])
    if code is None or "user" not in document:
        return None
    numbers: dict[str, int | str] = {"agent": document["torwart"].get("subject", "–")}
    return Signal(RULE.id, document["user"]["id"], datetime.fromisoformat(document["@timestamp"]), "high", code, numbers, (event["id"],))


RULE = Rule(
    id="agent_refused",
    title={"de": "Agent liefert, was er nicht darf", "en": "An agent delivers what it must not"},
    severity="high",
    runbook={
        "de": "1. Ansehen, welcher Rechner es ist („torwart people devices“) und was abgelehnt wurde. 2. Wurde der Rechner neu aufgesetzt "
        "oder aus einer Sicherung wiederhergestellt? Dann den Agenten widerrufen und neu anmelden. 3. Sonst hat jemand mit Rechten auf "
        "diesem Rechner am Agenten gearbeitet: Rechner sicherstellen, mit der Person sprechen. 4. Mit einem Urteil schließen.",
        "en": "1. See which machine it is (“torwart people devices”) and what was refused. 2. Was the machine set up anew or restored from "
        "a backup? Then revoke the agent and enrol it again. 3. Otherwise somebody with rights on this machine has worked on the agent: "
        "secure the machine, speak to the person. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Ein Rechner, der aus einer Sicherung wiederhergestellt oder kopiert wurde.",
        "en": "A machine that was restored from a backup, or copied.",
    },
    shares={},
    reasons={
        "refused": Wording(
            de="Nachrichten von {agent} wurden abgelehnt: Sie gehören nicht zu dem, was dieser Agent schon berichtet hat",
            en="Messages of {agent} were refused: they do not belong to what this agent has reported before",
        ),
        "order_refused": Wording(
            de="{agent} hat eine Anweisung abgelehnt: Sie war gefälscht, wiederholt, abgelaufen oder nicht für diesen Rechner",
            en="{agent} has refused an order: it was forged, repeated, expired or not for this machine",
        ),
    },
    judge=_judge,
    hears=_hears,
    cases=(
        Case("an ordinary morning", (Step(Action.LIST, Phase.RELEASED, range(40)),), None),
        Case(
            "a forged row under the agent's own key",
            (Step(Action.SYSTEM, Phase.DENIED, refused_agent="fork"),),
            Expected("refused", "high", {"agent": "agent-1"}),
        ),
        Case(
            "an order that nobody of ours has signed",
            (Step(Action.SYSTEM, Phase.DENIED, refused_order="forged"),),
            Expected("order_refused", "high", {"agent": "agent-1"}),
        ),
    ),
)
