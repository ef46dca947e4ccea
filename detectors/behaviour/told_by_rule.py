"""A rule of the policy says that the reviewer is told of an act: `notify: true`, whatever the act counts to."""

from __future__ import annotations

from audit_store.event import Phase
from detectors.base import Rule, Signal, Wording
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies import reasons
from policies.request import Action


def _judge(deed: Deed, _view: View) -> Signal | None:
    if not deed.notify:
        return None
    numbers: dict[str, int | str] = {"asked": deed.asked_count, "shown": deed.shown_count}
    code = "told_stopped" if deed.stopped else "told_done"
    return Signal(RULE.id, deed.pseudonym, deed.at, "medium", code, numbers, (deed.event_id,))


RULE = Rule(
    id="told_by_rule",
    title={"de": "Eine Regel lässt diesen Vorgang melden", "en": "A rule has this act reported"},
    severity="medium",
    runbook={
        "de": "1. Ansehen, welche Regel es ist: „torwart policy explain“ mit der Nummer des Vorgangs nennt sie. 2. Passt der Vorgang zu "
        "dem, was die Person gerade tut? 3. Meldet die Regel zu oft: Bedingung enger fassen, mit „torwart policy diff“ ausprobieren. "
        "4. Mit einem Urteil schließen.",
        "en": "1. See which rule it is: “torwart policy explain” with the number of the act names it. 2. Does the act fit what the person "
        "is doing? 3. If the rule reports too often, narrow its condition and try it with “torwart policy diff”. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Jede Arbeit, die unter die Regel fällt: Sie meldet alles, was sie nennt.",
        "en": "All work that the rule is about: it reports everything that it names.",
    },
    shares={},
    reasons={
        "told_done": Wording(
            de="Vorgang, den eine Regel melden lässt: {asked} Kunden angefragt, {shown} ausgegeben",
            en="An act that a rule has reported: {asked} clients asked for, {shown} given out",
        ),
        "told_stopped": Wording(
            de="Angehaltener Vorgang, den eine Regel melden lässt: {asked} Kunden angefragt",
            en="A held act that a rule has reported: {asked} clients asked for",
        ),
    },
    judge=_judge,
    cases=(
        Case("a list that no rule reports", (Step(Action.LIST, Phase.RELEASED, range(40)),), None),
        Case(
            "a list that a rule reports",
            (Step(Action.LIST, Phase.RELEASED, range(40), notify=True),),
            Expected("told_done", "medium", {"asked": 40, "shown": 40}),
        ),
        Case(
            "an export that a rule reports, held for the key",
            (Step(Action.EXPORT, Phase.HELD, range(40), reasons.EXPORT_NEEDS_KEY, notify=True),),
            Expected("told_stopped", "medium", {"asked": 40, "shown": 0}),
        ),
    ),
)
