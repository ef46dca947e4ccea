"""Every reason of a decision, with the sentence for the employee (what to do now) and the one for the reviewer, German and English.

A reason caused by a person's status has the neutral text of an ordinary rule for the employee (attacks X32): a departure under way is not
to be read from a denial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """A named reason. Texts are `str.format` templates over the numbers given with a `Because`; language -> text."""

    code: str
    employee: Mapping[str, str]
    reviewer: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Because:
    """A reason with its numbers. `values` holds counts, shares in percent and field names, never a client's value."""

    reason: Reason
    values: Mapping[str, int | str] = field(default_factory=dict)

    def for_employee(self, language: str) -> str:
        """The sentence that says what to do now."""
        return _fill(self.reason.employee, language, self.values)

    def for_reviewer(self, language: str) -> str:
        """The sentence that says what happened, with its numbers."""
        return _fill(self.reason.reviewer, language, self.values)


def _fill(texts: Mapping[str, str], language: str, values: Mapping[str, int | str]) -> str:
    text = texts.get(language) or texts["en"]
    return text.format_map(_Blank({name: _shown(name, value, language) for name, value in values.items()}))


def _shown(name: str, value: int | str, language: str) -> str:
    if isinstance(value, int):
        return grouped(value, language)
    if name != "needs":
        return value
    words = _NEEDS.get(language) or _NEEDS["en"]
    return ", ".join(words.get(kind, kind) for kind in value.split(", "))


_NEEDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "key": "die Berührung eines Schlüssels",
        "approval": "die Zustimmung anderer",
        "code": "ein Code aus der App oder die Berührung eines Schlüssels",
        "justify": "ein Grund in eigenen Worten",
        "acknowledge": "die Bestätigung, dass die Warnung gelesen ist",
    },
    "en": {
        "key": "the touch of a key",
        "approval": "the approval of others",
        "code": "a code of the app or the touch of a key",
        "justify": "a reason in the person's own words",
        "acknowledge": "the person's word that the warning was read",
    },
}
"""What the kinds of needs (`needs.RequirementKind`) are called in a sentence."""


class _Blank(dict[str, str]):
    """A number that a rule did not give reads as a dash: a text must never fail on the data path."""

    def __missing__(self, key: str) -> str:
        return "–"


def grouped(number: int, language: str) -> str:
    """`3000` as people write it: `3.000` in German, `3,000` in English."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "de" else text


REASONS: dict[str, Reason] = {}
"""All reasons by code."""


def _reason(code: str, *, de: str, en: str, reviewer_de: str, reviewer_en: str) -> Reason:
    if code in REASONS:
        raise ValueError(f"reason {code!r} is named twice")
    REASONS[code] = Reason(code, {"de": de, "en": en}, {"de": reviewer_de, "en": reviewer_en})
    return REASONS[code]


ALLOWED = _reason(
    "allowed",
    de="Erlaubt.",
    en="Allowed.",
    reviewer_de="Nach den Regeln erlaubt.",
    reviewer_en="Allowed by the rules.",
)
KEY_CONFIRMED = _reason(
    "key_confirmed",
    de="Mit Ihrem Schlüssel bestätigt.",
    en="Confirmed with your key.",
    reviewer_de="Mit dem Schlüssel bestätigt: {asked} Kunden.",
    reviewer_en="Confirmed with the key: {asked} clients.",
)
CODE_CONFIRMED = _reason(
    "code_confirmed",
    de="Mit einem Code aus Ihrer App bestätigt.",
    en="Confirmed with a code of your app.",
    reviewer_de="Mit einem Code aus der App bestätigt: {asked} Kunden.",
    reviewer_en="Confirmed with a code of the app: {asked} clients.",
)
CONFIRM_FIRST = _reason(
    "confirm_first",
    de="Angehalten, nichts verloren: Bitte bestätigen Sie, dass Sie es sind.",
    en="Held, nothing is lost: please confirm that it is you.",
    reviewer_de="Angehalten: Die Person sollte es bestätigen ({asked} Kunden).",
    reviewer_en="Held: the person was to confirm it ({asked} clients).",
)
EXPORT_NEEDS_KEY = _reason(
    "export_needs_key",
    de="Angehalten, nichts verloren: Dieser Export braucht Ihren Schlüssel.",
    en="Held, nothing is lost: this export needs your key.",
    reviewer_de="Export von {asked} Kunden angehalten; {allowed} wären nach der Bestätigung hinausgegangen.",
    reviewer_en="Export of {asked} clients held; {allowed} would have left after confirmation.",
)
NO_MARK = _reason(
    "no_mark",
    de="Angehalten: Dies darf nur mit einer Kennzeichnung hinaus und kann keine tragen. Exportieren Sie eine Tabelle (CSV), oder öffnen "
    "Sie weniger Kunden auf einmal.",
    en="Stopped: this may leave only with a mark, and it can carry none. Export a table (CSV), or open fewer clients at once.",
    reviewer_de="Eine Regel verlangt eine Kennzeichnung (watermark), und die Antwort ist keine Tabelle: Sie konnte keine tragen.",
    reviewer_en="A rule asks for a mark (watermark), and the answer is no table: it could carry none.",
)
EXPORT_JUSTIFIED = _reason(
    "export_justified",
    de="Angehalten, nichts verloren: Dieser Export braucht eine Begründung. Schreiben Sie, wofür Sie ihn brauchen.",
    en="Held, nothing is lost: this export needs a reason. Write what you need it for.",
    reviewer_de="Export von {asked} Kunden angehalten: nur mit Begründung.",
    reviewer_en="Export of {asked} clients held: only with a reason.",
)
EXPORT_WARNED = _reason(
    "export_warned",
    de="Angehalten, nichts verloren: In diesem Export stehen Daten von Kunden des Hauses. Bestätigen Sie, dass Sie ihn brauchen.",
    en="Held, nothing is lost: this export holds data of the firm's clients. Confirm that you need it.",
    reviewer_de="Export von {asked} Kunden angehalten: nur nach einer Warnung.",
    reviewer_en="Export of {asked} clients held: only after a warning.",
)
REPORT_NEEDS_KEY = _reason(
    "report_needs_key",
    de="Angehalten, nichts verloren: Dieser Bericht braucht Ihren Schlüssel.",
    en="Held, nothing is lost: this report needs your key.",
    reviewer_de="Bericht über {asked} Kunden angehalten.",
    reviewer_en="Report on {asked} clients held.",
)
DELETE_NEEDS_KEY = _reason(
    "delete_needs_key",
    de="Angehalten, nichts verloren: Dieses Löschen braucht Ihren Schlüssel.",
    en="Held, nothing is lost: this deletion needs your key.",
    reviewer_de="Löschen von {asked} Kunden angehalten.",
    reviewer_en="Deletion of {asked} clients held.",
)
LIMIT_NEEDS_KEY = _reason(
    "limit_needs_key",
    de="Angehalten, nichts verloren: Sie haben heute ungewöhnlich viele Kunden geöffnet. Für weitere brauchen Sie Ihren Schlüssel.",
    en="Held, nothing is lost: you have opened unusually many clients today. Further ones need your key.",
    reviewer_de="{count} Kunden heute gezeigt, das sind {share} % des Bestands: ab {limit} % nur mit Schlüssel.",
    reviewer_en="{count} clients shown today, {share} % of the base: from {limit} % on only with the key.",
)
CHANGES_NEED_KEY = _reason(
    "changes_need_key",
    de="Angehalten, nichts geändert: Sie haben heute ungewöhnlich viele Kunden geändert. Für weitere brauchen Sie Ihren Schlüssel.",
    en="Held, nothing was changed: you have changed unusually many clients today. Further ones need your key.",
    reviewer_de="{count} Kunden heute geändert, das sind {share} % des Bestands: ab {limit} % nur mit Schlüssel.",
    reviewer_en="{count} clients changed today, {share} % of the base: from {limit} % on only with the key.",
)
CHANGES_LIMIT = _reason(
    "changes_limit",
    de="Angehalten, nichts geändert: Für heute ist die Grenze für Änderungen erreicht. Wenden Sie sich an Ihre Leitung, wenn Sie mehr "
    "brauchen.",
    en="Stopped, nothing was changed: today's limit for changes is reached. Ask your management if you need more.",
    reviewer_de="{count} Kunden heute geändert, das sind {share} % des Bestands: ab {limit} % angehalten.",
    reviewer_en="{count} clients changed today, {share} % of the base: stopped from {limit} % on.",
)
DAY_LIMIT = _reason(
    "day_limit",
    de="Angehalten: Für heute ist die Grenze erreicht. Wenden Sie sich an Ihre Leitung, wenn Sie mehr brauchen.",
    en="Stopped: today's limit is reached. Ask your management if you need more.",
    reviewer_de="{count} Kunden heute gezeigt, das sind {share} % des Bestands: ab {limit} % angehalten.",
    reviewer_en="{count} clients shown today, {share} % of the base: stopped from {limit} % on.",
)
EXPORT_LIMIT = _reason(
    "export_limit",
    de="Angehalten, nichts verloren: {asked} Kunden angefragt, heute sind noch höchstens {limit} eigene mit Ihrem Schlüssel möglich.",
    en="Held, nothing is lost: {asked} clients asked for, today at most {limit} more of your own are possible with your key.",
    reviewer_de="{asked} Kunden angefragt; heute noch {limit} eigene frei ({share} % des Bestands am Tag, also {day_limit}).",
    reviewer_en="{asked} clients asked for; {limit} of one's own left today ({share} % of the base a day, that is {day_limit}).",
)
DELETE_LIMIT = _reason(
    "delete_limit",
    de="Angehalten, nichts verloren: {asked} Kunden sollen gelöscht werden, heute geht das noch bei höchstens {limit}.",
    en="Stopped, nothing is lost: {asked} clients are to be deleted, today at most {limit} more can be.",
    reviewer_de="Löschen von {asked} Kunden verlangt; heute noch {limit} frei ({share} % des eigenen Bestands am Tag).",
    reviewer_en="Deletion of {asked} clients asked for; {limit} left today ({share} % of one's own book a day).",
)
SCRIPT_PACE = _reason(
    "script_pace",
    de="Angehalten: Die Karten wurden schneller und gleichmäßiger geöffnet, als ein Mensch arbeitet. Warten Sie zehn Minuten.",
    en="Stopped: cards were opened faster and more evenly than a person works. Wait ten minutes.",
    reviewer_de="{count} Karten in zehn Minuten im Takt eines Programms geöffnet.",
    reviewer_en="{count} cards opened in ten minutes at the pace of a script.",
)
NOT_FOR_YOU = _reason(
    "not_for_you",
    de="Angehalten: Das ist für Sie nicht freigegeben. Wenden Sie sich an Ihre Leitung, wenn Sie es brauchen.",
    en="Stopped: this is not released for you. Ask your management if you need it.",
    reviewer_de="Keine Regel erlaubt diese Handlung.",
    reviewer_en="No rule allows this act.",
)
EXPORT_NOT_NOW = _reason(
    "export_not_now",
    de="Angehalten: Das ist für Sie nicht freigegeben. Wenden Sie sich an Ihre Leitung, wenn Sie es brauchen.",
    en="Stopped: this is not released for you. Ask your management if you need it.",
    reviewer_de="Person ist im Ausscheiden: keine Exporte, Berichte und Löschungen.",
    reviewer_en="The person is leaving: no exports, reports or deletions.",
)
EXPORT_NOT_BEFORE_TALK = _reason(
    "export_not_before_talk",
    de="Angehalten: Das ist für Sie nicht freigegeben. Wenden Sie sich an Ihre Leitung, wenn Sie es brauchen.",
    en="Stopped: this is not released for you. Ask your management if you need it.",
    reviewer_de="Mit der Person ist ein Gespräch geplant: keine Exporte, Berichte und Löschungen.",
    reviewer_en="A talk with the person is planned: no exports, reports or deletions.",
)
EXPORT_NOT_AT_LEVEL = _reason(
    "export_not_at_level",
    de="Angehalten: Das ist für Sie nicht freigegeben. Wenden Sie sich an Ihre Leitung, wenn Sie es brauchen.",
    en="Stopped: this is not released for you. Ask your management if you need it.",
    reviewer_de="Die Person ist von Hand als ausscheidend eingestuft: keine Exporte, Berichte und Löschungen.",
    reviewer_en="The person was set to departing by hand: no exports, reports or deletions.",
)
OUT_OF_HOURS = _reason(
    "out_of_hours",
    de="Angehalten: Außerhalb der Arbeitszeit ist das nicht möglich. Wiederholen Sie es in der Arbeitszeit, oder wenden Sie sich an Ihre "
    "Leitung.",
    en="Stopped: this is not possible outside working hours. Repeat it within them, or ask your management.",
    reviewer_de="Außerhalb der Arbeitszeit, {asked} Kunden.",
    reviewer_en="Outside working hours, {asked} clients.",
)
HAND_OVER_NEEDS_TWO = _reason(
    "hand_over_needs_two",
    de="Angehalten, nichts geändert: Eine Übergabe von Kunden braucht Ihren Schlüssel und die Zustimmung einer zweiten Person.",
    en="Held, nothing was changed: a hand-over of clients needs your key and the consent of a second person.",
    reviewer_de="Übergabe von {asked} Kunden angehalten: Schlüssel und Zustimmung einer zweiten Person fehlen.",
    reviewer_en="Hand-over of {asked} clients held: the key and a second person's consent are missing.",
)
FROZEN = _reason(
    "frozen",
    de="Ihr Zugang ist gesperrt. Wenden Sie sich an Ihre Leitung.",
    en="Your access is frozen. Please contact your management.",
    reviewer_de="Der Zugang der Person ist gesperrt.",
    reviewer_en="The person's access is frozen.",
)
MASKED_QUESTION = _reason(
    "masked_question",
    de="Angehalten: Nach diesem Feld lässt sich nicht suchen oder sortieren, weil Sie es nicht bei allen Kunden sehen dürfen.",
    en="Stopped: this field cannot be searched or sorted by, because you may not see it for all clients.",
    reviewer_de="Frage an ein verdecktes Feld ({fields}).",
    reviewer_en="Question on a masked field ({fields}).",
)
MASKED_WRITE = _reason(
    "masked_write",
    de="Angehalten, nichts geändert: Den Wert dieses Feldes sehen Sie bei diesen Kunden nicht, deshalb lässt er sich nicht überschreiben. "
    "Lassen Sie das Feld, wie es ist, oder wenden Sie sich an Ihre Leitung.",
    en="Stopped, nothing was changed: you do not see the value of this field for these clients, so it cannot be written over. Leave the "
    "field as it is, or ask your management.",
    reviewer_de="Ein verdecktes Feld ({fields}) sollte überschrieben werden, dessen Maske wie ein Wert aussieht.",
    reviewer_en="A masked field ({fields}) whose mask looks like a value was to be overwritten.",
)
COPY_NEEDS_SIGHT = _reason(
    "copy_needs_sight",
    de="Angehalten: Kopieren, Einlesen und Zusammenführen ist für diese Kunden nicht freigegeben.",
    en="Stopped: copying, importing and merging is not released for these clients.",
    reviewer_de="Kopie, Import oder Zusammenführung würde verdeckte Felder lesbar machen.",
    reviewer_en="A copy, import or merge would make masked fields readable.",
)
NOT_WHAT_WAS_SIGNED = _reason(
    "not_what_was_signed",
    de="Angehalten: Die Antwort enthält mehr, als Sie bestätigt haben. Bitte wiederholen Sie den Vorgang.",
    en="Stopped: the answer holds more than you confirmed. Please repeat the act.",
    reviewer_de="Die Antwort geht über das Unterschriebene hinaus.",
    reviewer_en="The answer goes beyond what was signed.",
)
NOT_CONFIRMED = _reason(
    "not_confirmed",
    de="Nicht bestätigt, nichts hat das Haus verlassen.",
    en="Not confirmed, nothing left the house.",
    reviewer_de="Nicht mit dem Schlüssel bestätigt; 0 Bytes ausgeliefert.",
    reviewer_en="Not confirmed with the key; 0 bytes delivered.",
)
TOO_MANY_OPEN = _reason(
    "too_many_open",
    de="Angehalten: Es warten schon drei Vorgänge auf Ihre Bestätigung. Bestätigen oder verwerfen Sie diese zuerst.",
    en="Stopped: three acts already wait for your confirmation. Confirm or cancel them first.",
    reviewer_de="Mehr als drei offene Vorgänge.",
    reviewer_en="More than three open acts.",
)
TOO_MANY_HELD = _reason(
    "too_many_held",
    de="Angehalten: Im ganzen Haus warten gerade zu viele Vorgänge. Bitte versuchen Sie es in zwei Minuten noch einmal.",
    en="Stopped: too many acts of the whole house wait for a confirmation just now. Please try again in two minutes.",
    reviewer_de="So viele Vorgänge aller Personen warteten, dass keiner mehr angehalten werden konnte.",
    reviewer_en="So many acts of all people waited that no other one could be held.",
)
TOO_MANY_LOGINS = _reason(
    "too_many_logins",
    de="Zu viele fehlgeschlagene Anmeldungen. Bitte warten Sie fünf Minuten und versuchen Sie es dann noch einmal.",
    en="Too many failed sign-ins. Please wait five minutes and try again then.",
    reviewer_de="Mehr fehlgeschlagene Anmeldungen, als das CRM von allen zusammen erträgt; nichts hat es erreicht.",
    reviewer_en="More failed sign-ins than the CRM bears of everybody together; nothing reached it.",
)
NOT_ASKED_FOR = _reason(
    "not_asked_for",
    de="Angehalten, nichts verloren: Dafür ist etwas nötig, was Torwart hier noch nicht einholen kann. Wenden Sie sich an Ihre Leitung.",
    en="Held, nothing is lost: this needs something that Torwart cannot ask for here yet. Ask your management.",
    reviewer_de="Angehalten: Nötig wäre {needs}, und das kann Torwart hier noch nicht einholen.",
    reviewer_en="Held: it would need {needs}, and Torwart cannot ask for that here yet.",
)
APPROVAL_NEEDED = _reason(
    "approval_needed",
    de="Angehalten, nichts verloren: Dafür braucht es die Zustimmung anderer ({who}). Bitten Sie auf der Seite dieses Vorgangs mit Ihrem "
    "Schlüssel darum, und wiederholen Sie den Schritt, sobald sie da ist.",
    en="Held, nothing is lost: this needs the consent of others ({who}). Ask for it with your key on the page of this act, and repeat the "
    "step as soon as it is there.",
    reviewer_de="Angehalten: {asked} Kunden, die Zustimmung anderer fehlt ({who}).",
    reviewer_en="Held: {asked} clients, the consent of others is missing ({who}).",
)
APPROVAL_WAITS = _reason(
    "approval_waits",
    de="Angehalten, nichts verloren: Sie haben für genau diesen Vorgang um Zustimmung gebeten ({who}); die Antwort steht noch aus. "
    "Wiederholen Sie den Schritt, sobald sie da ist.",
    en="Held, nothing is lost: you have asked for consent to exactly this act ({who}); the answer is not there yet. Repeat the step as "
    "soon as it is.",
    reviewer_de="Angehalten: {asked} Kunden, auf die Zustimmung anderer wird gewartet ({who}).",
    reviewer_en="Held: {asked} clients, the consent of others is waited for ({who}).",
)
APPROVAL_TOO_MANY = _reason(
    "approval_too_many",
    de="Angehalten: Drei Ihrer Bitten um Zustimmung warten schon auf Antwort. Nehmen Sie auf der Seite Zustimmungen eine zurück, oder "
    "warten Sie, bis geantwortet ist.",
    en="Stopped: three of your requests for consent wait for an answer already. Withdraw one on the page Approvals, or wait until they "
    "are answered.",
    reviewer_de="Mehr als drei offene Bitten um Zustimmung.",
    reviewer_en="More than three open requests for consent.",
)
APPROVAL_GONE = _reason(
    "approval_gone",
    de="Angehalten, nichts verloren: Die Zustimmung zu diesem Vorgang gilt nicht mehr. Bitten Sie noch einmal darum.",
    en="Held, nothing is lost: the consent to this act does not hold any more. Ask for it once more.",
    reviewer_de="Die Zustimmung galt nicht mehr: verbraucht, abgelaufen, oder ihre Voraussetzungen sind entfallen.",
    reviewer_en="The consent did not hold any more: used up, out of time, or what it stood on is gone.",
)
UNKNOWN_ROUTE = _reason(
    "unknown_route",
    de="Angehalten: Torwart kennt diesen Weg ins CRM nicht und lässt ihn deshalb nicht zu.",
    en="Stopped: Torwart does not know this road into the CRM and therefore does not open it.",
    reviewer_de="Unbekannter Weg, Modell oder Methode: {what}.",
    reviewer_en="Unknown route, model or method: {what}.",
)
UNREADABLE = _reason(
    "unreadable",
    de="Angehalten: Die Anfrage ließ sich nicht eindeutig lesen.",
    en="Stopped: the request could not be read unambiguously.",
    reviewer_de="Anfrage nicht eindeutig lesbar: {what}.",
    reviewer_en="Request not unambiguous: {what}.",
)
UNINSPECTABLE = _reason(
    "uninspectable",
    de="Angehalten: Die Antwort des CRM ließ sich nicht prüfen. Bitte versuchen Sie es später noch einmal.",
    en="Stopped: the CRM's answer could not be inspected. Please try again later.",
    reviewer_de="Antwort des CRM nicht prüfbar: {what}.",
    reviewer_en="The CRM's answer could not be inspected: {what}.",
)
CLIENTS_LEAVE = _reason(
    "clients_leave",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses. Wenden Sie sich an Ihre Leitung, wenn es hinaus muss.",
    en="Stopped, nothing was sent: it holds data of the firm's clients. Ask your management if it has to go out.",
    reviewer_de="{asked} Kunden in dem, was hinausgehen sollte.",
    reviewer_en="{asked} clients in what was to go out.",
)
CLIENTS_LEAVE_PIECEMEAL = _reason(
    "clients_leave_piecemeal",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses. Wenden Sie sich an Ihre Leitung, wenn es hinaus muss.",
    en="Stopped, nothing was sent: it holds data of the firm's clients. Ask your management if it has to go out.",
    reviewer_de="{count} Kunden wären heute in einzelnen Sendungen hinausgegangen, erlaubt sind weniger als {limit}.",
    reviewer_en="{count} clients would have gone out today in single messages; fewer than {limit} are allowed.",
)
LEAVING_WITH_CLIENTS = _reason(
    "leaving_with_clients",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses. Wenden Sie sich an Ihre Leitung, wenn es hinaus muss.",
    en="Stopped, nothing was sent: it holds data of the firm's clients. Ask your management if it has to go out.",
    reviewer_de="Kundendaten auf dem Weg hinaus, bei einer Person im Ausscheiden oder vor einem Gespräch.",
    reviewer_en="Client data on the way out, of a person who is leaving or before a talk.",
)
UNREAD_LEAVES = _reason(
    "unread_leaves",
    de="Angehalten, nichts gesendet: Der Inhalt ließ sich nicht prüfen (verschlüsselt, beschädigt oder zu groß). Senden Sie ihn ohne "
    "Kennwort und als einzelne Dateien, oder wenden Sie sich an Ihre Leitung.",
    en="Stopped, nothing was sent: the content could not be inspected (encrypted, damaged or too large). Send it without a password and as "
    "single files, or ask your management.",
    reviewer_de="Der Inhalt ließ sich nicht prüfen; ungeprüft geht nichts hinaus.",
    reviewer_en="The content could not be inspected; nothing goes out uninspected.",
)
SEND_WARNED = _reason(
    "send_warned",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses. Ist der Empfänger der richtige? Dann bestätigen Sie es, "
    "und senden Sie noch einmal.",
    en="Held, nothing was sent: it holds data of the firm's clients. Is the recipient the right one? Then confirm it, and send it again.",
    reviewer_de="{asked} Kunden auf dem Weg hinaus: nur nach einer Warnung.",
    reviewer_en="{asked} clients on the way out: only after a warning.",
)
SEND_JUSTIFIED = _reason(
    "send_justified",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses. Schreiben Sie, warum es hinaus soll, und senden Sie noch "
    "einmal.",
    en="Held, nothing was sent: it holds data of the firm's clients. Write why it should go out, and send it again.",
    reviewer_de="{asked} Kunden auf dem Weg hinaus: nur mit Begründung.",
    reviewer_en="{asked} clients on the way out: only with a reason.",
)
SEND_NEEDS_CONSENT = _reason(
    "send_needs_consent",
    de="Angehalten, nichts gesendet: Darin stehen Daten von Kunden des Hauses, und andere müssen zustimmen, bevor es hinausgeht.",
    en="Held, nothing was sent: it holds data of the firm's clients, and others have to consent before it goes out.",
    reviewer_de="{asked} Kunden auf dem Weg hinaus: nur mit Zustimmung.",
    reviewer_en="{asked} clients on the way out: only with consent.",
)
PLACE_REFUSED = _reason(
    "place_refused",
    de="Angehalten: Diese Adresse ist über den Proxy nicht erreichbar. Interne Adressen öffnen Sie ohne ihn.",
    en="Stopped: this address cannot be reached through the proxy. Open internal addresses without it.",
    reviewer_de="Der Proxy verbindet nicht dorthin: {what}.",
    reviewer_en="The proxy does not connect there: {what}.",
)
UPSTREAM_DOWN = _reason(
    "upstream_down",
    de="Das CRM antwortet nicht. Es ist nichts verloren; bitte versuchen Sie es in einer Minute noch einmal.",
    en="The CRM does not answer. Nothing is lost; please try again in a minute.",
    reviewer_de="Das CRM antwortet nicht.",
    reviewer_en="The CRM does not answer.",
)
NO_PRINCIPAL = _reason(
    "no_principal",
    de="Bitte melden Sie sich an.",
    en="Please sign in.",
    reviewer_de="Keine gültige Anmeldung: {what}.",
    reviewer_en="No valid sign-in: {what}.",
)
CROSS_SITE = _reason(
    "cross_site",
    de="Angehalten: Diese Anfrage kam von einer fremden Seite.",
    en="Stopped: this request came from a foreign site.",
    reviewer_de="Anfrage von einer fremden Seite oder eingebettet.",
    reviewer_en="Request from a foreign site or embedded.",
)
RULE_ERROR = _reason(
    "rule_error",
    de="Angehalten: Eine Regel ließ sich nicht auswerten. Bitte wenden Sie sich an Ihre Leitung.",
    en="Stopped: a rule could not be evaluated. Please contact your management.",
    reviewer_de="Regel {rule} ließ sich nicht auswerten.",
    reviewer_en="Rule {rule} could not be evaluated.",
)
INTERNAL_ERROR = _reason(
    "internal_error",
    de="Angehalten: Torwart hat einen Fehler. Es ist nichts hinausgegangen.",
    en="Stopped: Torwart has a fault. Nothing went out.",
    reviewer_de="Fehler in Torwart: {what}.",
    reviewer_en="Fault in Torwart: {what}.",
)
NOT_RECORDED = _reason(
    "not_recorded",
    de="Angehalten: Der Vorgang ließ sich nicht aufzeichnen, deshalb geht nichts hinaus.",
    en="Stopped: the act could not be recorded, therefore nothing goes out.",
    reviewer_de="Der Datensatz ließ sich nicht schreiben.",
    reviewer_en="The record could not be written.",
)
NOT_WITNESSED = _reason(
    "not_witnessed",
    de="Angehalten: Torwart kann diesen Vorgang gerade an keinem Ort außerhalb bezeugen, deshalb geht nichts hinaus. Bitte verständigen "
    "Sie die Verwaltung und versuchen Sie es danach noch einmal.",
    en="Stopped: at the moment Torwart can state this act at no place outside, therefore nothing goes out. Please tell your "
    "administrator, and try again afterwards.",
    reviewer_de="Keiner der Orte außerhalb (outside) hat den Prüfpunkt genommen, der vor dem Vorgang dort sein muss. Was zu tun ist, steht "
    "auf der Seite Zustand und sagt `torwart events places`.",
    reviewer_en="None of the places outside (section outside) has taken the checkpoint that must be there before the act. What to do "
    "stands on the page Health, and `torwart events places` says it.",
)
