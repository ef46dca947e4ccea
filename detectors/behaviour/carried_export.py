"""What left in an export turns up on a way out: the link from the CRM's record to the outgoing byte, in one alert."""

from __future__ import annotations

from audit_store.event import ExportLink, Phase
from detectors.base import Rule, Signal, Wording
from detectors.cases import Case, Expected, Step
from detectors.deed import WAYS_OUT, Deed
from detectors.view import View
from policies import reasons
from policies.request import Action, Channel

AT_LEAST = 5


def _judge(deed: Deed, view: View) -> Signal | None:
    """Only a place that is outside: the export's own file in the downloads folder is where it belongs."""
    if deed.action not in WAYS_OUT or deed.channel is Channel.FOLDER or not deed.exports or deed.exports[0].clients < AT_LEAST:
        return None
    link = deed.exports[0]
    numbers: dict[str, int | str] = {"export": link.name, "found": link.clients}
    event_ids: tuple[str, ...] = (deed.event_id,)
    export = view.released(deed.pseudonym, link.name)
    if export is not None:
        numbers["clients"] = export.clients
        if export.pseudonym == deed.pseudonym:
            event_ids = (export.event_id, deed.event_id)
        else:
            numbers["exporter"] = export.pseudonym
    severity = "high" if deed.stopped or deed.phase is Phase.OBSERVED else "medium"
    return Signal(RULE.id, deed.pseudonym, deed.at, severity, "export_carried", numbers, event_ids)


_EXPORT = ExportLink("7F3A", "mailing", 40)

RULE = Rule(
    id="carried_export",
    title={"de": "Ein Export wird hinausgetragen", "en": "An export is being carried out"},
    severity="high",
    runbook={
        "de": "1. Den Export und den Weg hinaus in der Zeitleiste ansehen: Wer hat exportiert, wohin sollte es? 2. Prüfen, ob derselbe "
        "Export noch an anderer Stelle liegt („torwart trace DATEI“ nennt die Herkunft einer Datei). 3. Mit der Person sprechen, bevor sie "
        "das Haus verlässt; sonst Zugang sperren. 4. Mit einem Urteil schließen.",
        "en": "1. See the export and the way out in the timeline: who exported, where was it to go? 2. Check whether the same export lies "
        "elsewhere (“torwart trace FILE” names where a file came from). 3. Speak to the person before they leave the house; otherwise "
        "freeze the access. 4. Close with a verdict.",
    },
    false_positives={
        "de": "Ein Export, der für genau diesen Empfänger gemacht und vereinbart war.",
        "en": "An export that was made for exactly this recipient, by agreement.",
    },
    shares={"at_least_clients": AT_LEAST},
    reasons={
        "export_carried": Wording(
            de="{found} Kunden aus dem Export {export} auf dem Weg hinaus wiedererkannt",
            en="{found} clients from the export {export} recognised on the way out",
            parts={
                "clients": (" ({clients} waren exportiert)", " ({clients} had been exported)"),
                "exporter": (", exportiert von {exporter}", ", exported by {exporter}"),
            },
        ),
    },
    judge=_judge,
    cases=(
        Case(
            "the file of the export in the downloads folder",
            (Step(Action.FILE_COPY, Phase.OBSERVED, range(40), channel=Channel.FOLDER, exports=(_EXPORT,)),),
            None,
        ),
        Case(
            "one client of the export in a letter",
            (Step(Action.UPLOAD, Phase.ALLOWED, range(1), channel=Channel.WEBMAIL, exports=(ExportLink("7F3A", "mailing", 1),)),),
            None,
        ),
        Case(
            "half of it in a web mail, stopped",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(
                    Action.UPLOAD,
                    Phase.DENIED,
                    range(20),
                    reasons.CLIENTS_LEAVE,
                    channel=Channel.WEBMAIL,
                    exports=(ExportLink("7F3A", "mailing", 20),),
                ),
            ),
            Expected("export_carried", "high", {"export": "7F3A", "found": 20, "clients": 40}),
        ),
        Case(
            "what a colleague has exported",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A", person="P-00000002"),
                Step(Action.UPLOAD, Phase.DENIED, range(40), reasons.CLIENTS_LEAVE, channel=Channel.CLOUD, exports=(_EXPORT,)),
            ),
            Expected("export_carried", "high", {"found": 40, "exporter": "P-00000002"}),
        ),
        Case(
            "weeks later, on a stick",
            (
                Step(Action.EXPORT, Phase.RELEASED, range(40), reasons.KEY_CONFIRMED, act="mailing", manifest="7F3A"),
                Step(Action.FILE_COPY, Phase.OBSERVED, range(40), channel=Channel.REMOVABLE, exports=(_EXPORT,), day=20),
            ),
            Expected("export_carried", "high", {"export": "7F3A", "found": 40}),
        ),
    ),
)
