"""Cards or lists are paged through as no person works: at the pace of a program, or on and on to the limits of a day."""

from __future__ import annotations

from audit_store.event import Phase
from detectors.base import Rule, Signal, Wording, percent
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies import reasons
from policies.request import Action

PACED_CARDS = 30


def _judge(deed: Deed, view: View) -> Signal | None:
    if deed.phase is Phase.NOT_CONFIRMED:
        return None
    day = view.day(deed.pseudonym, deed.at)
    numbers: dict[str, int | str] = {"shown": len(day.shown), "share": percent(len(day.shown), deed.base)}
    if len(day.denied) > 1:
        numbers["denied"] = len(day.denied)
    if reasons.SCRIPT_PACE.code in deed.reasons or deed.paced_cards >= PACED_CARDS:
        code, severity = "script_pace", "high" if deed.phase is Phase.DENIED else "medium"
        numbers["cards"] = deed.paced_cards
    elif reasons.DAY_LIMIT.code in deed.reasons and deed.phase is Phase.DENIED:
        code, severity = "day_limit", "high"
    elif reasons.LIMIT_NEEDS_KEY.code in deed.reasons and deed.phase is Phase.HELD:
        code, severity = "limit_needs_key", "medium"
    else:
        return None
    return Signal(RULE.id, deed.pseudonym, deed.at, severity, code, numbers, (deed.event_id,))


_DENIED = (", {denied} Aufrufe verweigert", ", {denied} calls denied")

RULE = Rule(
    id="script_paging",
    title={"de": "Kunden der Reihe nach abgerufen", "en": "Clients paged through"},
    severity="high",
    runbook={
        "de": "1. Ansehen, wie viele Kunden gezeigt wurden und auf welchem Weg. 2. Läuft es noch: Zugang sperren, das beendet auch "
        "laufende Sitzungen und API-Schlüssel. "
        "3. Fragen Sie die Person nach Erweiterungen des Browsers und eigenen Programmen. 4. Mit einem Urteil "
        "schließen.",
        "en": "1. See how many clients were shown, and by which road. 2. If it goes on: freeze the access, which ends running sessions and "
        "API keys too. 3. Ask the person about browser extensions and programs of their own. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Telefonaktion mit einer Karte nach der anderen in gleichem Takt; Abgleich oder Umzug von Daten durch ein eigenes Programm.",
        "en": "A round of calls with one card after the other at an even pace; a sync or migration by a program of one's own.",
    },
    shares={"paced_cards": PACED_CARDS},
    reasons={
        "script_pace": Wording(
            de="{cards} Karten in zehn Minuten im Takt eines Programms geöffnet; heute {shown} Kunden gezeigt, {share} % des Bestands",
            en="{cards} cards opened within ten minutes at the pace of a program; {shown} clients shown today, {share} % of the base",
            parts={"denied": _DENIED},
        ),
        "day_limit": Wording(
            de="Tagesgrenze erreicht und angehalten: heute {shown} Kunden gezeigt, {share} % des Bestands",
            en="Limit of the day reached and stopped: {shown} clients shown today, {share} % of the base",
            parts={"denied": _DENIED},
        ),
        "limit_needs_key": Wording(
            de="Ungewöhnlich viele Kunden geöffnet, der nächste nur mit Schlüssel: heute {shown} Kunden gezeigt, {share} % des Bestands",
            en="Unusually many clients opened, the next one only with the key: {shown} clients shown today, {share} % of the base",
            parts={"denied": _DENIED},
        ),
    },
    judge=_judge,
    cases=(
        Case(
            "a busy day: 100 cards and four list pages",
            (*(Step(Action.READ, Phase.RELEASED, range(n, n + 1)) for n in range(100)), Step(Action.LIST, Phase.RELEASED, range(200))),
            None,
        ),
        Case("a denial for another reason", (Step(Action.READ, Phase.DENIED, range(1), reasons.NOT_FOR_YOU),), None),
        Case(
            "an export that is held is no paging",
            (Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY),),
            None,
        ),
        Case(
            "cards at an even pace, stopped",
            (
                *(Step(Action.READ, Phase.RELEASED, range(n, n + 1)) for n in range(29)),
                Step(Action.READ, Phase.DENIED, range(29, 30), reasons.SCRIPT_PACE, paced_cards=30),
            ),
            Expected("script_pace", "high", {"cards": 30, "shown": 29, "share": "0.9"}),
        ),
        Case(
            "cards at an even pace where no policy stops them",
            (Step(Action.READ, Phase.RELEASED, range(1), paced_cards=31),),
            Expected("script_pace", "medium", {"cards": 31}),
        ),
        Case(
            "a tenth of the base: the next one needs the key",
            (
                Step(Action.LIST, Phase.RELEASED, range(300), clear=False),
                Step(Action.READ, Phase.HELD, range(300, 301), reasons.LIMIT_NEEDS_KEY),
            ),
            Expected("limit_needs_key", "medium", {"shown": 300, "share": 10}),
        ),
        Case(
            "distinct clients are counted, not openings",
            (
                Step(Action.LIST, Phase.RELEASED, range(450), clear=False),
                Step(Action.LIST, Phase.RELEASED, range(450), clear=False),
                Step(Action.READ, Phase.DENIED, range(450, 451), reasons.DAY_LIMIT),
                Step(Action.READ, Phase.DENIED, range(451, 452), reasons.DAY_LIMIT),
            ),
            Expected("day_limit", "high", {"shown": 450, "share": 15, "denied": 2}),
        ),
    ),
)
