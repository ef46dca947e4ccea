"""Letters of an office, each other than the one before: what people send out all day and what is no finding."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.bench.scan_corpora import words

_SENTENCES = (
    "vielen Dank für Ihre Bestellung Nr. {order} vom {date}, die wir wie besprochen geprüft haben.",
    "Den Betrag von {amount} € überweisen Sie bitte bis zum {date}; darin sind {small} % Umsatzsteuer enthalten.",
    "Die Lieferung {order} verlässt unser Lager in {word} voraussichtlich in der {small}. Kalenderwoche.",
    "Für Rückfragen zu „{word}“ – auch kurzfristig – steht Ihnen die Fachabteilung {word} gern zur Verfügung.",
    "Gemäß § {small} Abs. 2 unserer Geschäftsbedingungen beträgt die Gewährleistung {small} Monate ab Übergabe.",
    "Herr {name} aus der {word}-Abteilung hat die Unterlagen geprüft und größere Änderungen für {word} vorgeschlagen.",
    "Das Protokoll der Sitzung am {date}, {hour}:30 Uhr, finden Sie in der Anlage „{word}_{small}.pdf“.",
    "Über die Höhe des Rabatts ({small},5 %) entscheidet die Geschäftsführung der {name} GmbH & Co. KG.",
    "Wir bitten um Verständnis, dass sich die Fertigung von {word} und {word} um {small} Tage verzögert.",
    "Außerdem benötigen wir für das Projekt {word} noch {small} Stück zu je {amount} €, Zeichnung {drawing}.",
)
_PLAIN_SENTENCES = (
    "gern bestätigen wir Ihnen, dass die Unterlagen vollständig bei uns eingegangen sind und derzeit geprüft werden.",
    "Bitte haben Sie noch etwas Geduld, bis die Kolleginnen und Kollegen aus dem Bereich {word} ihre Stellungnahme abgegeben haben.",
    "Die Schulung „{word} für Einsteiger“ findet wie gewohnt im großen Besprechungsraum statt; Getränke stehen bereit.",
    "Sollten Sie mit der Ausführung nicht einverstanden sein, so lassen Sie es uns bitte möglichst bald schriftlich wissen.",
    "Unsere Empfehlung lautet, die bisherige Lösung für {word} zu behalten und erst im Frühjahr über {word} zu entscheiden.",
    "Im Übrigen gelten die Vereinbarungen aus unserem Rahmenvertrag, die hiervon unberührt bleiben.",
    "Wir würden uns freuen, Sie auch weiterhin zu unseren zufriedenen Kunden zählen zu dürfen.",
    "Wegen der Urlaubszeit kann es bei {word} und {word} zu Verzögerungen kommen, wofür wir um Nachsicht bitten.",
    "Die Qualität der gelieferten Ware hat uns überzeugt, lediglich die Verpackung war an einer Ecke eingedrückt.",
    "Anbei erhalten Sie den Entwurf mit der Bitte um Durchsicht, Ergänzung und baldige Rückgabe.",
    "Nach Rücksprache mit der Werkstatt schlagen wir vor, zunächst {word} auszutauschen und danach erneut zu messen.",
    "Dass die Anlage bei niedrigen Temperaturen langsamer anläuft, ist bekannt und beeinträchtigt ihre Lebensdauer nicht.",
)
_END = "\n\nMit freundlichen Grüßen\n{name}\n\n{name} GmbH · Hauptstraße {small} · Telefon 030 901820-{small}\n\f"
_SENTENCES_IN_A_LETTER = 25


def letters(size: int) -> bytes:
    """German letters with umlauts, quotes and dashes, dates, amounts and order numbers; none of a client."""
    dice = random.Random(4)  # noqa: S311 # the same letters in every run
    known = words(dice, 6_000)
    blanks: dict[str, Callable[[], str]] = {
        "word": lambda: dice.choice(known),
        "name": lambda: dice.choice(known).title(),
        "date": lambda: f"{dice.randint(1, 28):02}.{dice.randint(1, 12):02}.2026",
        "amount": lambda: f"{dice.randint(1, 99)}.{dice.randint(0, 999):03},{dice.randint(0, 99):02}",
        "order": lambda: f"{dice.choice(('AB', 'RE', 'LS'))}-2026-{dice.randint(1_000, 99_999)}",
        "drawing": lambda: f"{dice.randint(10, 99)}-{dice.randint(1_000, 9_999)}/{dice.randint(1, 9)}",
        "small": lambda: str(dice.randint(2, 36)),
        "hour": lambda: str(dice.randint(8, 17)),
    }

    def filled(sentence: str) -> str:
        for name, value in blanks.items():
            while (blank := f"{{{name}}}") in sentence:
                sentence = sentence.replace(blank, value(), 1)
        return sentence

    pieces: list[str] = []
    length = 0
    while length < size:
        piece = filled(" ".join(dice.choices(_SENTENCES + 2 * _PLAIN_SENTENCES, k=_SENTENCES_IN_A_LETTER)) + _END)
        pieces.append("Sehr geehrte Damen und Herren,\n\n" + piece)
        length += len(pieces[-1].encode())
    return "".join(pieces).encode()[:size].decode("utf-8", "ignore").encode()
