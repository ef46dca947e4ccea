"""Somebody deletes, or wants to delete, a large share of the own book or of the base within a day."""

from __future__ import annotations

from audit_store.event import Phase
from detectors.base import Rule, Signal, Wording, above, percent
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies import reasons
from policies.request import Action

BOOK, BASE, AT_LEAST = 5, 1, 5


def _judge(deed: Deed, view: View) -> Signal | None:
    if deed.action is not Action.DELETE:
        return None
    day = view.day(deed.pseudonym, deed.at)
    wanted = len(day.to_delete)
    of_book = bool(deed.book) and above(wanted, BOOK, deed.book)
    if wanted < AT_LEAST or not (of_book or above(wanted, BASE, deed.base)):
        return None
    numbers: dict[str, int | str] = {"wanted": wanted, "deleted": len(day.deleted), "share": percent(wanted, deed.base)}
    if deed.book:
        numbers["book"] = percent(wanted, deed.book)
    code = "delete_stopped" if deed.stopped else "delete_done"
    return Signal(RULE.id, deed.pseudonym, deed.at, "high", code, numbers, (deed.event_id,))


_BOOK = (", so viele wie {book} % der eigenen Kunden", ", as many as {book} % of the person's own")

RULE = Rule(
    id="mass_delete",
    title={"de": "Viele Kunden zum Löschen", "en": "Many clients to delete"},
    severity="high",
    runbook={
        "de": "1. Ansehen, wie viele gelöscht wurden; bei 0 ist nichts verloren. 2. Zugang sperren, solange unklar ist, warum. 3. "
        "Gelöschtes aus der Sicherung des CRM zurückholen: Die Meldung nennt die Kundennummern. 4. Mit einem Urteil schließen.",
        "en": "1. See how many were deleted; at 0 nothing is lost. 2. Freeze the access while the reason is unclear. 3. Bring back what "
        "was deleted from the CRM's backup: the alert names the client numbers. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Aufräumen von Dubletten oder Testkunden nach Absprache.",
        "en": "Clearing duplicates or test clients by agreement.",
    },
    shares={"book": BOOK, "base": BASE, "at_least_clients": AT_LEAST},
    reasons={
        "delete_stopped": Wording(
            de="Löschen angehalten: heute {wanted} Kunden angefragt, {deleted} gelöscht; angefragt sind {share} % des Bestands",
            en="Deletion stopped: {wanted} clients asked for today, {deleted} deleted; asked for are {share} % of the base",
            parts={"book": _BOOK},
        ),
        "delete_done": Wording(
            de="Gelöscht: heute {deleted} Kunden von {wanted} angefragten; angefragt sind {share} % des Bestands",
            en="Deleted: {deleted} clients today of {wanted} asked for; asked for are {share} % of the base",
            parts={"book": _BOOK},
        ),
    },
    judge=_judge,
    cases=(
        Case(
            "two duplicates",
            (
                Step(Action.DELETE, Phase.HELD, range(2), reasons.DELETE_NEEDS_KEY, act="two"),
                Step(Action.DELETE, Phase.ALLOWED, range(2), reasons.KEY_CONFIRMED, act="two"),
            ),
            None,
        ),
        Case(
            "four of a small book: below the smallest number that says anything",
            (Step(Action.DELETE, Phase.ALLOWED, range(4), reasons.KEY_CONFIRMED, base=300, book=30),),
            None,
        ),
        Case("an export is no deletion", (Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY),), None),
        Case(
            "60 clients at once, held",
            (Step(Action.DELETE, Phase.HELD, range(60), reasons.DELETE_NEEDS_KEY),),
            Expected("delete_stopped", "high", {"wanted": 60, "deleted": 0, "share": 2, "book": 12}),
        ),
        Case(
            "one after the other, each confirmed",
            tuple(Step(Action.DELETE, Phase.ALLOWED, range(n, n + 6), reasons.KEY_CONFIRMED) for n in range(0, 30, 6)),
            Expected("delete_done", "high", {"wanted": 30, "deleted": 30, "share": 1, "book": 6}),
        ),
        Case(
            "the owner, who has no book",
            (Step(Action.DELETE, Phase.HELD, range(31), reasons.DELETE_NEEDS_KEY, book=0),),
            Expected("delete_stopped", "high", {"wanted": 31, "share": 1}),
        ),
    ),
)
