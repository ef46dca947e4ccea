"""Somebody who is known to leave tries to take clients out or to delete them, or meets a denial."""

from __future__ import annotations

from audit_store.event import Phase
from detectors.base import Rule, Signal, Wording
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies import reasons
from policies.request import Action, Status


def _judge(deed: Deed, view: View) -> Signal | None:
    day = view.day(deed.pseudonym, deed.at)
    if deed.act_id not in day.departing:
        return None
    numbers: dict[str, int | str] = {"left": len(day.left)}
    if len(day.departing) > 1:
        numbers["attempts"] = len(day.departing)
    if deed.asked_count:
        numbers["asked"] = deed.asked_count
    if deed.action is Action.DELETE:
        code, numbers["deleted"] = "departing_delete", len(day.deleted)
    elif deed.act_id in day.exports:
        code = "departing_export"
    else:
        code = "departing_denied"
    return Signal(RULE.id, deed.pseudonym, deed.at, "high", code, numbers, (deed.event_id,))


_ATTEMPTS = (", {attempts} Versuche heute", ", {attempts} attempts today")
_ASKED = (", höchstens {asked} auf einmal angefragt", ", at most {asked} asked for at once")

RULE = Rule(
    id="departing_access",
    title={"de": "Zugriff im Ausscheiden", "en": "Access by a departing person"},
    severity="high",
    runbook={
        "de": "1. Ansehen, was versucht wurde und was hinausgegangen ist. 2. Zugang sperren, wenn die Arbeit der Person es erlaubt; sonst "
        "Leitung informieren. 3. Der Person nichts vom Ausscheiden als Grund sagen: Sie sieht eine gewöhnliche Ablehnung. 4. Übergabe der "
        "Kunden vorziehen. 5. Mit einem Urteil schließen.",
        "en": "1. See what was tried and what went out. 2. Freeze the access if the person's work allows it, else inform the management. "
        "3. Do not name the departure as the reason: the person sees an ordinary denial. 4. Hand over the clients earlier. "
        "5. Close with a verdict.",
    },
    false_positives={
        "de": "Eine vereinbarte Übergabe, für die Listen gebraucht werden; gewohnte Handgriffe, die nicht mehr erlaubt sind.",
        "en": "An agreed hand-over that needs lists; routine that is no longer allowed.",
    },
    shares={},
    reasons={
        "departing_export": Wording(
            de="Person im Ausscheiden wollte Kunden mitnehmen: {left} heute hinausgegangen",
            en="A departing person wanted to take clients out: {left} gone out today",
            parts={"asked": _ASKED, "attempts": _ATTEMPTS},
        ),
        "departing_delete": Wording(
            de="Person im Ausscheiden wollte Kunden löschen: {deleted} heute gelöscht",
            en="A departing person wanted to delete clients: {deleted} deleted today",
            parts={"asked": _ASKED, "attempts": _ATTEMPTS},
        ),
        "departing_denied": Wording(
            de="Person im Ausscheiden wurde angehalten: {left} Kunden heute hinausgegangen",
            en="A departing person was stopped: {left} clients gone out today",
            parts={"asked": _ASKED, "attempts": _ATTEMPTS},
        ),
    },
    judge=_judge,
    cases=(
        Case(
            "a departing person who works as ever",
            (
                Step(Action.LIST, Phase.RELEASED, range(100), status=Status.NOTICE_GIVEN),
                Step(Action.READ, Phase.RELEASED, range(1), status=Status.LAST_DAY),
                Step(Action.UPDATE, Phase.ALLOWED, range(1), status=Status.NOTICE_GIVEN),
            ),
            None,
        ),
        Case("an active person's refused export", (Step(Action.EXPORT, Phase.DENIED, range(5), reasons.NOT_FOR_YOU),), None),
        Case(
            "before the talk nobody may read a departure from an alert",
            (Step(Action.EXPORT, Phase.DENIED, range(5), reasons.NOT_FOR_YOU, status=Status.TALK_PLANNED),),
            None,
        ),
        Case(
            "the 40 of the morning, refused after notice was given",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED),
                Step(Action.EXPORT, Phase.DENIED, range(40), reasons.EXPORT_NOT_NOW, status=Status.NOTICE_GIVEN),
            ),
            Expected("departing_export", "high", {"asked": 40, "left": 40}),
        ),
        Case(
            "refused before the clients were known: no number is invented",
            (
                Step(Action.PRINT, Phase.DENIED, reason=reasons.EXPORT_NOT_NOW, status=Status.LAST_DAY),
                Step(Action.REPORT, Phase.DENIED, reason=reasons.EXPORT_NOT_NOW, status=Status.LAST_DAY),
            ),
            Expected("departing_export", "high", {"left": 0, "attempts": 2}),
        ),
        Case(
            "deleting",
            (Step(Action.DELETE, Phase.DENIED, range(3), reasons.EXPORT_NOT_NOW, status=Status.NOTICE_GIVEN),),
            Expected("departing_delete", "high", {"asked": 3, "deleted": 0}),
        ),
        Case(
            "denied a card",
            (Step(Action.READ, Phase.DENIED, range(1), reasons.NOT_FOR_YOU, status=Status.GONE),),
            Expected("departing_denied", "high", {"asked": 1, "left": 0}),
        ),
    ),
)
