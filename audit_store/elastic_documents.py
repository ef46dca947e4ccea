"""What is shipped: the producer's bytes with the log's own numbers spliced in, or a dead letter about bytes that cannot be shipped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from audit_store.elastic_bulk import TOO_LARGE, Item, Misfit
from audit_store.log import Entry
from audit_store.log_file import columns_of, parsed, received_at
from audit_store.mapping import EVENT_MEMBERS, PLACE
from audit_store.search_marks import MARKS_VERSION, UNREAD_MARK, clients_json, said_in, time_in
from audit_store.wording import short, without_surrogates

UNREADABLE, FORGED = "unreadable", "forged_place"
"""Kinds of our own: bytes that are no JSON object; members that stand where only the log writes."""
ORIGINAL_MAX_BYTES = 4 * 1024 * 1024
"""Of a dead letter; the log has every byte of it anyway."""
_OWNER, _, _MEMBER = PLACE.partition(".")
_KNOWN = frozenset(path.split(".")[0] for path in EVENT_MEMBERS)
_KNOWN_OURS = frozenset(path.split(".")[1] for path in EVENT_MEMBERS if path.startswith(f"{_OWNER}.")) - {_MEMBER}
"""Members that our events have at the top and below `torwart`: none of them speaks for the log."""
_CLIENTS = ("asked", "shown", "taken")
_SPLICED = b',"%s":' % PLACE.encode()


def item_of(entry: Entry, document: Mapping[str, Any] | None = None) -> Item | Misfit:
    """The entry as a document. Its id is the event's hash in its producer's chain: an id that a producer could choose, it could also take
    from another event, which then would never arrive. `document` is what the entry's bytes say, where that is known.
    """
    if document is None:
        document = parsed(entry.canonical)
    if not document:
        return Misfit(Item(entry.hash.hex(), b""), UNREADABLE, "not a JSON object")
    if _speaks_for_the_log(document):
        return Misfit(Item(entry.hash.hex(), b""), FORGED, f"it brings members of {PLACE}")
    # A line break ends a document on its way; in JSON it can only stand between two parts, where a blank is the same.
    line = entry.canonical.replace(b"\n", b" ").rstrip()
    return Item(entry.hash.hex(), b"".join((line[:-1], _SPLICED, orjson.dumps(_place(entry, document)), b"}")))


def dead_letter(entry: Entry, misfit: Misfit, at: datetime) -> Item:
    """A document that the dead-letter stream always takes: it can be found like the event itself, and says why it is one."""
    found = parsed(entry.canonical)
    stamp, act_id, person, subject, action, phase, outcome = columns_of(found)
    event_id = found.get("event", {}).get("id") if isinstance(found.get("event"), dict) else None
    text = entry.canonical.decode("utf-8", "backslashreplace")
    document = {
        "@timestamp": _readable(stamp) or at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "event": {"kind": "pipeline_error", "action": action, "outcome": outcome, "id": event_id if isinstance(event_id, str) else None},
        "user": {"id": person},
        "torwart": {"act": {"id": act_id, "phase": phase}, "subject": subject},
        "error": {"type": misfit.kind, "message": short(misfit.reason)},
        PLACE: _place(entry, found, clients=misfit.kind != TOO_LARGE),
    }
    if len(text) <= ORIGINAL_MAX_BYTES and misfit.kind != TOO_LARGE:
        document["torwart"]["original"] = text  # type: ignore[index] # built above
    return Item(misfit.item.id, orjson.dumps(without_surrogates(document)))


def _place(entry: Entry, document: Mapping[str, Any], *, clients: bool = True) -> dict[str, Any]:
    """Where the event stands in the log, and what it is found by. `clients`: the clients that it is about are named one by one."""
    said, act = said_in(document)
    arrays = clients_json(document)
    marks = [*said.facets_in_order]
    if act is not None:
        marks.append(act)
    if arrays is None:
        marks.append(UNREAD_MARK)
    place: dict[str, Any] = {
        "sequence": entry.sequence,
        "received": _stamp(entry.received),
        "producer": entry.producer,
        "epoch": entry.epoch,
        "producer_sequence": entry.producer_sequence,
        "marks_version": MARKS_VERSION,
        "marks": marks,
        "words": said.words_in_order,
    }
    at = time_in(document)
    if at is not None:
        place["at"] = at
    if clients and arrays is not None:
        for name, array in zip(_CLIENTS, arrays, strict=True):
            if array:
                place[name] = orjson.Fragment(array)
    return place


def _speaks_for_the_log(document: Mapping[str, Any]) -> bool:
    """True if the document has, in any spelling, members below `PLACE`: Elasticsearch would join them with ours."""
    ours = document.get(_OWNER)
    if document.keys() <= _KNOWN and type(ours) is dict and ours.keys() <= _KNOWN_OURS:
        return False
    if any(name.startswith(PLACE) for name in document):
        return True
    parts = ours if isinstance(ours, list) else [ours]
    return any(isinstance(part, dict) and any(name.split(".")[0] == _MEMBER for name in part) for part in parts)


@lru_cache(maxsize=16)
def _stamp(received: int) -> str:
    """The time at which the log took a whole batch."""
    return received_at(received).isoformat(timespec="milliseconds")


def _readable(stamp: str | None) -> str | None:
    try:
        return stamp if stamp is not None and 1 <= datetime.fromisoformat(stamp).year <= 9999 else None
    except ValueError:
        return None
