"""Somebody asks for, or takes out, a large share of the client base: by export, report, print, or a read that has their effect."""

from __future__ import annotations

from audit_store.event import Phase
from detectors.base import Rule, Signal, Wording, above, percent
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import Day, View
from policies import reasons
from policies.request import Action, Channel

BASE, HIGH, BOOK, BOOK_AT_LEAST = 10, 50, 50, 10


def _judge(deed: Deed, view: View) -> Signal | None:
    day = view.day(deed.pseudonym, deed.at)
    if deed.act_id not in day.exports:
        return None
    if deed.stopped:
        return _stopped(deed, day, view.usual(deed.pseudonym, deed.at))
    return _left(deed, day) if deed.phase is Phase.RELEASED else None


def _stopped(deed: Deed, day: Day, usual: int | None) -> Signal | None:
    """Counted over the day, so that ten holds of a tenth are one hold of all."""
    asked = len(day.asked)
    if above(asked, BASE, deed.base):
        numbers: dict[str, int | str] = {"asked": asked, "share": percent(asked, deed.base)}
        if len(day.stopped_exports) > 1:
            numbers["attempts"] = len(day.stopped_exports)
        if len(day.ways) > 1:
            numbers["ways"] = len(day.ways)
        if usual and asked >= 2 * usual:
            numbers["times"] = asked // usual
        severity = "medium" if deed.phase is Phase.HELD and not above(asked, HIGH, deed.base) else "high"
        return Signal(RULE.id, deed.pseudonym, deed.at, severity, "export_stopped", numbers, (deed.event_id,))
    if reasons.EXPORT_LIMIT.code in deed.reasons:
        numbers = {"asked": deed.asked_count, "left": len(day.left)}
        return Signal(RULE.id, deed.pseudonym, deed.at, "medium", "export_limit", numbers, (deed.event_id,))
    return None


def _left(deed: Deed, day: Day) -> Signal | None:
    left = len(day.left)
    if above(left, BASE, deed.base):
        numbers: dict[str, int | str] = {"left": left, "share": percent(left, deed.base)}
        severity = "high" if above(left, HIGH, deed.base) else "medium"
        return Signal(RULE.id, deed.pseudonym, deed.at, severity, "export_left", numbers, (deed.event_id,))
    if left >= BOOK_AT_LEAST and deed.book and above(left, BOOK, deed.book):
        numbers = {"left": left, "share": percent(left, deed.book)}
        return Signal(RULE.id, deed.pseudonym, deed.at, "medium", "book_left", numbers, (deed.event_id,))
    return None


RULE = Rule(
    id="mass_export",
    title={"de": "Großer Teil des Kundenbestands angefragt", "en": "Large share of the client base asked for"},
    severity="high",
    runbook={
        "de": "1. Ansehen, was hinausgegangen ist: bei 0 ist nichts verloren. 2. Fragen Sie die Person, wozu sie die Kunden braucht; "
        "nennen Sie keine anderen Beobachtungen. 3. Keine überzeugende Antwort oder weitere Versuche: Zugang sperren, die Sperre wirkt "
        "sofort und lässt sich aufheben. 4. Mit einem Urteil schließen.",
        "en": "1. See what went out: at 0 nothing is lost. 2. Ask the person what the clients are needed for; mention no other "
        "observations. 3. No convincing answer, or further attempts: "
        "freeze the access, which acts at once and can be lifted. 4. Close with a verdict.",
    },
    false_positives={
        "de": "„Alle markieren“ aus Versehen und dann verworfen; ein Rundschreiben an alle Kunden durch Leitung oder Vertrieb; die "
        "jährliche Datenpflege.",
        "en": "“Mark all” by mistake, then cancelled; a circular to all clients by management or sales; the yearly clean-up of data.",
    },
    shares={"base": BASE, "base_high": HIGH, "book": BOOK, "book_at_least_clients": BOOK_AT_LEAST},
    reasons={
        "export_stopped": Wording(
            de="{asked} Kunden angefragt und angehalten, {share} % des Bestands",
            en="{asked} clients asked for and stopped, {share} % of the base",
            parts={
                "attempts": (", in {attempts} Versuchen", ", in {attempts} attempts"),
                "ways": (" auf {ways} Wegen", " by {ways} roads"),
                "times": (", {times}× so viel wie sonst an einem Tag", ", {times}× a usual day"),
            },
        ),
        "export_limit": Wording(
            de="An der Tagesgrenze für Exporte angehalten: angefragt {asked}, heute schon hinausgegangen {left}",
            en="Stopped at the day's limit for exports: asked for {asked}, already gone out today {left}",
        ),
        "export_left": Wording(
            de="{left} Kunden haben heute das Haus verlassen, {share} % des Bestands",
            en="{left} clients left the house today, {share} % of the base",
        ),
        "book_left": Wording(
            de="{left} Kunden haben heute das Haus verlassen, so viele wie {share} % der eigenen Kunden",
            en="{left} clients left the house today, as many as {share} % of the person's own",
        ),
    },
    judge=_judge,
    cases=(
        Case(
            "40 own clients for a mailing, confirmed with the key",
            (
                Step(Action.EXPORT, Phase.HELD, range(40), reasons.EXPORT_NEEDS_KEY, act="mailing"),
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing"),
            ),
            None,
        ),
        Case(
            "a morning of lists, searches and cards",
            (
                Step(Action.LIST, Phase.RELEASED, range(100)),
                Step(Action.SEARCH, Phase.RELEASED, range(3_000), clear=False),
                Step(Action.READ, Phase.RELEASED, range(1)),
                Step(Action.LIST, Phase.RELEASED, range(100, 200), clear=False),
            ),
            None,
        ),
        Case(
            "exactly a tenth of the base, confirmed: the limit itself is no alert",
            (Step(Action.EXPORT, Phase.RELEASED, range(300), reasons.KEY_CONFIRMED, book=700),),
            None,
        ),
        Case(
            "all clients, held",
            (Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY),),
            Expected("export_stopped", "high", {"asked": 3_000, "share": 100}),
        ),
        Case(
            "400 held: not yet clear whether it is meant",
            (Step(Action.EXPORT, Phase.HELD, range(400), reasons.EXPORT_NEEDS_KEY),),
            Expected("export_stopped", "medium", {"asked": 400, "share": 13}),
        ),
        Case(
            "400 not confirmed",
            (
                Step(Action.EXPORT, Phase.HELD, range(400), reasons.EXPORT_NEEDS_KEY, act="one"),
                Step(Action.EXPORT, Phase.NOT_CONFIRMED, range(400), reasons.EXPORT_NEEDS_KEY, act="one"),
            ),
            Expected("export_stopped", "high", {"asked": 400}),
        ),
        Case(
            "the same under other names: a read without limit and REST",
            (
                Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY),
                Step(Action.LIST, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, channel=Channel.API),
                Step(Action.LIST, Phase.DENIED, range(3_000), reasons.EXPORT_LIMIT, channel=Channel.REST),
            ),
            Expected("export_stopped", "high", {"asked": 3_000, "attempts": 3, "ways": 3}),
        ),
        Case(
            "in pieces that are each below the share",
            tuple(Step(Action.EXPORT, Phase.HELD, range(n, n + 80), reasons.EXPORT_NEEDS_KEY) for n in range(0, 320, 80)),
            Expected("export_stopped", "medium", {"asked": 320, "share": 10, "attempts": 4}),
        ),
        Case(
            "against five usual days of 40",
            (
                *(Step(Action.LIST, Phase.RELEASED, range(40), day=day) for day in range(5)),
                Step(Action.EXPORT, Phase.HELD, range(3_000), reasons.EXPORT_NEEDS_KEY, day=5),
            ),
            Expected("export_stopped", "high", {"times": 75}),
        ),
        Case(
            "stopped by the day's limit although below the share",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(150), reasons.KEY_CONFIRMED),
                Step(Action.EXPORT, Phase.DENIED, range(150, 240), reasons.EXPORT_LIMIT),
            ),
            Expected("export_limit", "medium", {"asked": 90, "left": 150}),
        ),
        Case(
            "most of the base, released with the key",
            (Step(Action.REPORT, Phase.RELEASED, range(2_000), reasons.KEY_CONFIRMED, book=0),),
            Expected("export_left", "high", {"left": 2_000, "share": 66}),
        ),
        Case(
            "a read of 400 clear contacts that was released is an export",
            (Step(Action.LIST, Phase.RELEASED, range(400), reasons.KEY_CONFIRMED),),
            Expected("export_left", "medium", {"left": 400, "share": 13}),
        ),
        Case(
            "most of the own book in a small firm",
            (Step(Action.EXPORT, Phase.RELEASED, range(20), reasons.KEY_CONFIRMED, base=300, book=30),),
            Expected("book_left", "medium", {"left": 20, "share": 66}),
        ),
    ),
)
