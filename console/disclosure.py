"""Everything that is stored about one person, for a request of access (GDPR, article 15): rows, events, and a sentence for each event.

Other people appear as such, not under their name or pseudonym; clients appear as numbers; what is nothing to read (hashes of secrets, keys)
is named as left out. Words that others wrote about the person are part of it; names of other people in them are replaced.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import console.notify  # noqa: F401 # its table is one of those that are gone through
from audit_store.client_sets import decode_ids
from audit_store.database import Base
from audit_store.event import EventAction
from audit_store.log import Log, Logged
from audit_store.looks import PSEUDONYM
from audit_store.mapping import EVENT_MEMBERS
from audit_store.sealing import unseal
from auth.personal_data import HOLDINGS, WORDS, Holding, rows_of
from auth.tables import CrmAccount, Person
from console.event_words import WORDS as EVENT_WORDS
from console.language import Speech
from console.timeline import trace

SOMEBODY = ("eine andere Person", "another person")
HIDDEN = ("(nicht lesbar: Prüfwert oder Schlüssel)", "(nothing to read: a hash or a key)")
THROWN_AWAY = ("(gelöscht)", "(erased)")
_BATCH = 1_000
_SHORT_WORD = 3
"""Names and accounts of fewer letters are not looked for in other people's words: they would hit everywhere."""
_SETS = frozenset(path for path, kind in EVENT_MEMBERS.items() if kind.get("index") is False)
"""Members of events with sets of client ids, or under encryption."""
_ABOUT_THE_ACTOR = ("roles",)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Everything, in plain values that JSON can hold."""

    person: str
    """Pseudonym."""
    made_at: str
    language: str
    tables: tuple[tuple[Holding, list[dict[str, Any]]], ...]
    events: list[dict[str, Any]]
    """Each with `at`, `sentence` and `event`."""
    open_alerts: int
    """Alerts about the person that are being looked into: the firm decides whether it may and must answer now."""

    def document(self) -> dict[str, Any]:
        """For programs."""
        tables = {holding.table: rows for holding, rows in self.tables}
        return {"person": self.person, "made_at": self.made_at, "tables": tables, "events": self.events}


class _Others:
    """Replaces whatever names somebody else."""

    def __init__(self, session: Session, person: Person, somebody: str) -> None:
        self._own = {person.id, person.pseudonym}
        self._somebody = somebody
        others = list(session.scalars(select(Person).where(Person.id != person.id)))
        self._ids = {one for other in others for one in (other.id, other.pseudonym)}
        accounts = session.scalars(select(CrmAccount.account).where(CrmAccount.person_id != person.id))
        parts = [part for other in others for part in (other.name, other.email, *other.name.split())]
        words = sorted({word for word in (*parts, *accounts) if len(word) >= _SHORT_WORD}, key=len, reverse=True)
        self._names = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE) if words else None

    def value(self, value: Any) -> Any:
        """Without ids and pseudonyms of others, wherever they stand."""
        match value:
            case str():
                if value in self._ids:
                    return self._somebody
                return PSEUDONYM.sub(lambda hit: hit[0] if hit[0] in self._own else self._somebody, value)
            case dict():
                return {name: self.value(item) for name, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
        return value

    def words(self, text: str) -> str:
        """What somebody wrote, without other people's names."""
        said: str = self.value(text)
        return self._names.sub(self._somebody, said) if self._names is not None else said


def disclose(engine: Engine, log: Log, person: Person, speech: Speech, *, alive: Callable[[], None] = lambda: None) -> Disclosure:
    """All of it, as it stands now. The whole record is gone through; `alive` is called for each thousand events.

    Raises SQLAlchemyError, LogError.
    """
    german = speech.language == "de"
    place = 0 if german else 1
    with Session(engine) as session:
        others = _Others(session, person, SOMEBODY[place])
        tables = tuple((holding, list(_rows(session, holding, person, others, place))) for holding in HOLDINGS)
        events = [_event(session, logged, person, others, speech, place) for logged in _about(log, person.pseudonym, alive)]
    open_alerts = sum(row.get("state") in ("open", "looking") for holding, rows in tables if holding.table == "alerts" for row in rows)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Disclosure(person.pseudonym, now, speech.language, tables, events, open_alerts)


def _about(log: Log, pseudonym: str, alive: Callable[[], None]) -> Iterator[Logged]:
    after, mark = 0, pseudonym.encode()
    while entries := log.entries(after, _BATCH):
        alive()
        for entry in entries:
            if mark in entry.canonical:
                received = datetime.fromtimestamp(entry.received / 1000, UTC)
                yield Logged(entry.sequence, received, entry.producer, entry.epoch, entry.producer_sequence, orjson.loads(entry.canonical))
        after = entries[-1].sequence


def _rows(session: Session, holding: Holding, person: Person, others: _Others, place: int) -> Iterator[dict[str, Any]]:
    table = Base.metadata.tables[holding.table]
    for row in session.execute(select(table).where(rows_of(holding, person))).mappings():
        yield {name: _cell(holding, name, value, others, place) for name, value in row.items()}


def _cell(holding: Holding, name: str, value: Any, others: _Others, place: int) -> Any:
    if value is None or value == "":
        return None
    if name in holding.hidden:
        return HIDDEN[place]
    if name in holding.counted:
        return _counted(value)
    if name in WORDS:
        return others.words(str(value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {key: others.words(item) if key in WORDS and isinstance(item, str) else others.value(item) for key, item in value.items()}
    return others.value(value)


def _counted(value: Any) -> int:
    try:
        return len(decode_ids(str(value)))
    except ValueError:
        return 1


def _event(session: Session, logged: Logged, person: Person, others: _Others, speech: Speech, place: int) -> dict[str, Any]:
    document = _without_sets(logged.document)
    ours = document.get("torwart", {})
    sealed = logged.document.get("torwart", {}).get("sealed")
    if sealed is not None:
        ours["sealed"] = _unsealed(session, sealed, person, logged, others, place)
    if document.get("user", {}).get("id") not in (None, person.pseudonym):
        document["user"] = {name: value for name, value in document["user"].items() if name not in _ABOUT_THE_ACTOR}
    if "about" in ours.get("words", {}):
        ours["words"]["about"] = person.pseudonym  # of a list that was looked at, the others are nothing to this person
    return {"at": document.get("@timestamp"), "sentence": _sentence(logged, person, others, speech, place), "event": others.value(document)}


def _unsealed(session: Session, sealed: Mapping[str, str], person: Person, logged: Logged, others: _Others, place: int) -> str:
    if logged.document["torwart"].get("subject") != person.pseudonym:
        return SOMEBODY[place]  # words about somebody else, which this person wrote
    try:
        said = unseal(session, sealed)
    except ValueError:
        return HIDDEN[place]
    return THROWN_AWAY[place] if said is None else others.words(said)


def _without_sets(document: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        whole = f"{path}.{name}" if path else name
        if whole in _SETS:
            continue
        if isinstance(value, Mapping):
            found[name] = _without_sets(value, whole)
        elif isinstance(value, list):
            found[name] = [_without_sets(item, whole) if isinstance(item, Mapping) else item for item in value]
        else:
            found[name] = value
    return found


def _sentence(logged: Logged, person: Person, others: _Others, speech: Speech, place: int) -> str:
    """What happened, how it ended and why, in words."""
    try:
        what = EVENT_WORDS[EventAction(logged.document["event"]["action"])][place]
        (line,) = trace([logged], speech)
    except (KeyError, TypeError, ValueError, AttributeError):  # none of our builders wrote it
        return speech.say("Event that cannot be read")
    who = logged.document.get("user", {}).get("id")
    by = [] if who == person.pseudonym else [SOMEBODY[place]] if who else []
    is_act = logged.document["event"]["action"] == EventAction.ACCESS
    said = [line.what if is_act else what, *by, line.more, line.outcome, *line.reasons]
    return str(others.value(" · ".join(part for part in said if part)))


def lines(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Names and values of a row as text; what is empty is left out."""
    for name, value in values:
        if value not in (None, "", [], {}):
            yield name, value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
