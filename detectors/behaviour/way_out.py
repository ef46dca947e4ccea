"""Clients, or content that nobody could read, on a way out of the house: an upload, a message, a stick."""

from __future__ import annotations

from typing import Any

from audit_store.event import ExportLink, Phase
from detectors.base import Rule, Signal, Wording, above
from detectors.cases import Case, Expected, Step
from detectors.deed import WAYS_OUT, Deed
from detectors.view import Day, View
from policies import reasons
from policies.request import Action, Channel, Status

LIST_FROM, SENT_SHARE, SENT_AT_LEAST = 5, 1, 20


def _judge(deed: Deed, view: View) -> Signal | None:
    if deed.action not in WAYS_OUT:
        return None
    day = view.day(deed.pseudonym, deed.at)
    if deed.action is Action.FILE_COPY:
        return _copied(deed, day) if deed.phase is Phase.OBSERVED else None
    if not deed.stopped:
        return _sent(deed, day)
    return _unread(deed, day) if deed.unread and not deed.asked_count else _stopped(deed, day)


def _stopped(deed: Deed, day: Day) -> Signal | None:
    if not deed.asked_count:
        return None  # stopped for another reason: a place that is not reached through the proxy
    numbers: dict[str, int | str] = {"clients": deed.asked_count, "place": deed.destination or deed.channel.value}
    if len(day.stopped_uploads) > 1:
        numbers["attempts"] = len(day.stopped_uploads)
    _name_export(numbers, deed)
    severity = "high" if deed.exports or deed.asked_count >= 2 * LIST_FROM else "medium" if deed.asked_count >= LIST_FROM else "low"
    return Signal(RULE.id, deed.pseudonym, deed.at, severity, "upload_stopped", numbers, (deed.event_id,))


def _unread(deed: Deed, day: Day) -> Signal | None:
    """By itself a nuisance; on the day of an export it is what carrying it away looks like."""
    numbers: dict[str, int | str] = {"place": deed.destination or deed.channel.value, "attempts": len(day.unread_uploads)}
    if day.released:
        numbers["left"] = len(day.left)
    severity = "medium" if day.released or deed.status is not Status.ACTIVE else "low"
    return Signal(RULE.id, deed.pseudonym, deed.at, severity, "unread_stopped", numbers, (deed.event_id,))


def _sent(deed: Deed, day: Day) -> Signal | None:
    if not deed.asked_count or len(day.sent) < SENT_AT_LEAST or not above(len(day.sent) + 1, SENT_SHARE, deed.base):
        return None
    numbers: dict[str, int | str] = {"clients": len(day.sent)}
    return Signal(RULE.id, deed.pseudonym, deed.at, "medium", "sent_piecemeal", numbers, (deed.event_id,))


def _copied(deed: Deed, day: Day) -> Signal | None:
    removable = deed.channel is Channel.REMOVABLE
    if deed.unread and not deed.asked_count:
        if not removable or not day.released:
            return None
        numbers: dict[str, int | str] = {"left": len(day.left)}
        return Signal(RULE.id, deed.pseudonym, deed.at, "medium", "unread_copied", numbers, (deed.event_id,))
    if not removable or deed.asked_count < LIST_FROM:
        return None  # what is copied within the machine stays there; a single client's letter on a stick is work
    numbers = {"clients": len(day.copied)}
    _name_export(numbers, deed)
    return Signal(RULE.id, deed.pseudonym, deed.at, "high", "copied_out", numbers, (deed.event_id,))


def _name_export(numbers: dict[str, int | str], deed: Deed) -> None:
    if deed.exports:
        numbers["export"] = deed.exports[0].name
        numbers["from_export"] = deed.exports[0].clients


_FROM_EXPORT = (", davon {from_export} aus dem Export {export}", ", {from_export} of them from the export {export}")
_EXPORT = ExportLink("7F3A", "mailing", 40)
_CLOUD: dict[str, Any] = {"channel": Channel.CLOUD, "destination": "cloud.example"}

RULE = Rule(
    id="way_out",
    title={"de": "Kunden auf dem Weg hinaus", "en": "Clients on the way out"},
    severity="high",
    runbook={
        "de": "1. Ansehen, was angehalten wurde und was schon draußen ist (Stick, Sendungen). 2. Fragen Sie die Person, wozu die Daten "
        "hinaus sollten. 3. Einen Stick herausgeben lassen, bevor die Person das Haus verlässt. 4. Keine überzeugende Antwort: Zugang "
        "sperren. 5. Mit einem Urteil schließen.",
        "en": "1. See what was stopped and what is out already (stick, messages). 2. Ask the person what the data were to be sent for. "
        "3. Have a stick handed over before the person leaves the house. 4. No convincing answer: freeze the access. "
        "5. Close with a verdict.",
    },
    false_positives={
        "de": "Eine abgesprochene Liste an Steuerberatung, Druckerei oder Versand; ein gewohntes Archiv mit Kennwort; eine Sicherung auf "
        "einen Firmenstick.",
        "en": "An agreed list for the tax adviser, a printer or a mailing house; a customary archive with a password; a backup on a "
        "stick of the firm.",
    },
    shares={"list_from_clients": LIST_FROM, "sent": SENT_SHARE, "sent_at_least_clients": SENT_AT_LEAST},
    reasons={
        "upload_stopped": Wording(
            de="{clients} Kunden sollten zu {place} hinausgehen und wurden angehalten",
            en="{clients} clients were to go out to {place} and were stopped",
            parts={"from_export": _FROM_EXPORT, "attempts": (", {attempts} Versuche heute", ", {attempts} attempts today")},
        ),
        "unread_stopped": Wording(
            de="Nicht prüfbarer Inhalt sollte zu {place} hinausgehen und wurde angehalten",
            en="Content that could not be inspected was to go out to {place} and was stopped",
            parts={
                "left": (
                    ", am selben Tag wie ein Export ({left} Kunden hinausgegangen)",
                    ", on the day of an export ({left} clients gone out)",
                )
            },
        ),
        "sent_piecemeal": Wording(
            de="{clients} Kunden sind heute in einzelnen Sendungen hinausgegangen",
            en="{clients} clients went out today in single messages",
        ),
        "copied_out": Wording(
            de="{clients} Kunden wurden auf einen Stick kopiert",
            en="{clients} clients were copied to a stick",
            parts={"from_export": _FROM_EXPORT},
        ),
        "unread_copied": Wording(
            de="Eine nicht prüfbare Datei kam auf einen Stick, am selben Tag wie ein Export ({left} Kunden hinausgegangen)",
            en="A file that could not be inspected came to a stick, on the day of an export ({left} clients gone out)",
        ),
    },
    judge=_judge,
    cases=(
        Case("an invoice, a photo: nobody in them", (Step(Action.UPLOAD, Phase.ALLOWED, **_CLOUD),), None),
        Case("a letter about one client", (Step(Action.UPLOAD, Phase.ALLOWED, range(1), **_CLOUD),), None),
        Case(
            "a file with clients in a folder of the machine",
            (Step(Action.FILE_COPY, Phase.OBSERVED, range(40), channel=Channel.FOLDER),),
            None,
        ),
        Case("one client's letter on a stick", (Step(Action.FILE_COPY, Phase.OBSERVED, range(1), channel=Channel.REMOVABLE),), None),
        Case(
            "a list for the cloud, stopped",
            (Step(Action.UPLOAD, Phase.DENIED, range(6), reasons.CLIENTS_LEAVE, **_CLOUD),),
            Expected("upload_stopped", "medium", {"clients": 6, "place": "cloud.example"}),
        ),
        Case(
            "the allowed export, carried to a cloud",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(Action.UPLOAD, Phase.DENIED, range(40), reasons.CLIENTS_LEAVE, exports=(_EXPORT,), **_CLOUD),
            ),
            Expected("upload_stopped", "high", {"clients": 40, "export": "7F3A", "from_export": 40}),
        ),
        Case(
            "and then to a stick",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(Action.FILE_COPY, Phase.OBSERVED, range(40), channel=Channel.REMOVABLE, exports=(_EXPORT,)),
            ),
            Expected("copied_out", "high", {"clients": 40, "export": "7F3A"}),
        ),
        Case(
            "an archive with a password on an ordinary day",
            (Step(Action.UPLOAD, Phase.DENIED, range(0), reasons.UNREAD_LEAVES, unread="encrypted", **_CLOUD),),
            Expected("unread_stopped", "low", {"place": "cloud.example", "attempts": 1}),
        ),
        Case(
            "an archive with a password after an export",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(Action.UPLOAD, Phase.DENIED, range(0), reasons.UNREAD_LEAVES, unread="encrypted", **_CLOUD),
            ),
            Expected("unread_stopped", "medium", {"left": 40}),
        ),
        Case(
            "an encrypted file on a stick after an export",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(Action.FILE_COPY, Phase.OBSERVED, range(0), channel=Channel.REMOVABLE, unread="encrypted"),
            ),
            Expected("unread_copied", "medium", {"left": 40}),
        ),
        Case(
            "one client a message, in a small firm",
            tuple(Step(Action.UPLOAD, Phase.ALLOWED, range(n, n + 1), base=900, **_CLOUD) for n in range(20)),
            Expected("sent_piecemeal", "medium", {"clients": 20}),
        ),
    ),
)
