"""A file was put aside by a rule, or could not be: somebody has to look at it, for its person cannot get it back alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit_store.event import EventAction, Phase
from audit_store.handles import handle_of
from detectors.base import Rule, Signal, Wording
from detectors.cases import Case, Expected, Step
from detectors.deed import Deed
from detectors.view import View
from policies.request import Action, Channel

_LEFT = {
    "changed": ("sie wurde inzwischen geändert", "it was changed meanwhile"),
    "gone": ("sie war nicht mehr da", "it was no longer there"),
    "no_room": ("auf dem Rechner ist kein Platz mehr", "there is no room left on the machine"),
    "not_removable": ("sie lässt sich dort nicht entfernen", "it cannot be removed there"),
    "expired": ("der Rechner war einen Tag lang nicht erreichbar", "the machine was out of reach for a day"),
}
_FILES = {"files": (" (die letzte von {files} heute)", " (the last of {files} today)")}
_OTHERWISE = ("sie ließ sich nicht lesen", "it could not be read")


def _judge(deed: Deed, view: View) -> Signal | None:
    if deed.phase is not Phase.PUT_ASIDE:
        return None
    numbers: dict[str, int | str] = {"handle": handle_of(deed.act_id)}
    if (files := len(view.day(deed.pseudonym, deed.at).put_aside)) > 1:
        numbers["files"] = files
    if deed.asked_count:
        numbers["clients"] = deed.asked_count
    code = "put_aside" if deed.asked_count else "unread_put_aside"
    return Signal(RULE.id, deed.pseudonym, deed.at, "medium", code, numbers, (deed.event_id,))


def _hears(document: Mapping[str, Any]) -> Signal | None:
    event = document["event"]
    if event["action"] != EventAction.FILE_QUARANTINED or event["outcome"] != "failure" or "user" not in document:
        return None
    cause = document["torwart"].get("words", {}).get("cause", "")
    code = f"left_{cause}" if cause in _LEFT else "left"
    numbers: dict[str, int | str] = {"agent": document["torwart"].get("subject", "–")}
    return Signal(RULE.id, document["user"]["id"], datetime.fromisoformat(document["@timestamp"]), "medium", code, numbers, (event["id"],))


def _left(words: tuple[str, str]) -> Wording:
    german, english = words
    return Wording(
        de=f"Eine Datei sollte von {{agent}} beiseitegelegt werden und liegt noch da: {german}",
        en=f"A file was to be put aside by {{agent}} and was left: {english}",
    )


RULE = Rule(
    id="put_aside",
    title={"de": "Eine Datei wurde beiseitegelegt", "en": "A file was put aside"},
    severity="medium",
    runbook={
        "de": "1. Ansehen, welche Kunden darin stehen und aus welchem Export sie sind. 2. Fragen Sie die Person, wozu sie die Datei "
        "braucht. 3. War es Arbeit, die Datei zurückgeben: „torwart quarantine release KENNUNG --by … --reason …“. 4. Liegt die Datei "
        "noch da, den Stick herausgeben lassen. 5. Mit einem Urteil schließen.",
        "en": "1. See which clients are in it and from which export they are. 2. Ask the person what the file is for. 3. If it was work, "
        "give the file back: “torwart quarantine release HANDLE --by … --reason …”. 4. If the file was left, have the stick handed over. "
        "5. Close with a verdict.",
    },
    false_positives={
        "de": "Eine abgesprochene Liste, die jemand auf einem Firmenstick mitnimmt.",
        "en": "An agreed list that somebody takes along on a stick of the firm.",
    },
    shares={},
    reasons={
        "put_aside": Wording(
            de="Eine Datei mit {clients} Kunden wurde beiseitegelegt, Kennung {handle}",
            en="A file with {clients} clients was put aside, handle {handle}",
            parts=_FILES,
        ),
        "unread_put_aside": Wording(
            de="Eine Datei, die sich nicht prüfen ließ, wurde beiseitegelegt, Kennung {handle}",
            en="A file that could not be inspected was put aside, handle {handle}",
            parts=_FILES,
        ),
        "left": _left(_OTHERWISE),
        **{f"left_{cause}": _left(words) for cause, words in _LEFT.items()},
    },
    judge=_judge,
    hears=_hears,
    cases=(
        Case("a file on a stick, seen", (Step(Action.FILE_COPY, Phase.OBSERVED, range(40), channel=Channel.REMOVABLE),), None),
        Case(
            "and put aside",
            (Step(Action.FILE_COPY, Phase.PUT_ASIDE, range(40), channel=Channel.REMOVABLE, act="file-7f3a19c2" + "0" * 19),),
            Expected("put_aside", "medium", {"clients": 40, "handle": "7F3A19C2"}),
        ),
        Case(
            "two files in a day",
            tuple(Step(Action.FILE_COPY, Phase.PUT_ASIDE, range(5), channel=Channel.REMOVABLE, act=f"file-{n}") for n in (1, 2)),
            Expected("put_aside", "medium", {"clients": 5, "files": 2}),
        ),
        Case(
            "an encrypted file, put aside",
            (Step(Action.FILE_COPY, Phase.PUT_ASIDE, range(0), channel=Channel.REMOVABLE, unread="encrypted"),),
            Expected("unread_put_aside", "medium", {}),
        ),
        Case(
            "and given back",
            (Step(Action.FILE_COPY, Phase.PUT_BACK, range(40), channel=Channel.REMOVABLE),),
            None,
        ),
        Case(
            "a link in its place",
            (Step(Action.SYSTEM, Phase.DENIED, order_failed="link"),),
            Expected("left", "medium", {"agent": "agent-1"}),
        ),
        *(
            Case(
                f"left because: {english}",
                (Step(Action.SYSTEM, Phase.DENIED, order_failed=cause),),
                Expected(f"left_{cause}", "medium", {"agent": "agent-1"}),
            )
            for cause, (_german, english) in _LEFT.items()
        ),
    ),
)
