"""The answer to a request of access as a page to read and print: one file, without scripts and without anything from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.disclosure import Disclosure, lines

_TITLE = ("Was über {person} gespeichert ist", "What is stored about {person}")
_MADE = ("Stand: {at} (UTC).", "As of {at} (UTC).")
_EXPLAINED = (
    "Diese Auskunft enthält alles, was Torwart zu dieser Person in seiner Datenbank und in seinem Protokoll gespeichert hat."
    " Andere Personen sind nicht mit Namen genannt, Kunden nur als Anzahl; Prüfwerte und Schlüssel sind nicht lesbar und ausgelassen."
    " Dieselben Angaben stehen vollständig in der JSON-Datei daneben.",
    "This holds everything that Torwart has stored about this person in its database and its record. Other people are not named, clients"
    " appear as a number; hashes and keys are nothing to read and left out. The same facts stand in full in the JSON file beside it.",
)
_EVENTS = ("Protokoll", "Record")


def disclosure_page(found: Disclosure) -> str:
    """The page, in the language of the disclosure."""
    place = 0 if found.language == "de" else 1
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters["words"] = _printable
    return made.get_template("disclosure.html").render(
        language=found.language,
        title=_TITLE[place].format(person=found.person),
        made=_MADE[place].format(at=found.made_at),
        explained=_EXPLAINED[place],
        tables=[(holding.words[place], [list(lines(row.items())) for row in rows]) for holding, rows in found.tables if rows],
        events_heading=_EVENTS[place],
        events=found.events,
    )


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
