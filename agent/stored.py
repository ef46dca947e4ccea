"""A stored event as an event again: the same document, therefore the same bytes."""

from __future__ import annotations

import json
from datetime import datetime

from audit_store.event import Event, EventAction


def event_of(canonical: bytes) -> Event:
    """Raises ValueError, KeyError for bytes that are no event of an agent."""
    document = json.loads(canonical)
    at, action = datetime.fromisoformat(document["@timestamp"]), EventAction(document["event"]["action"])
    return Event(document["event"]["id"], at, action, None, document.get("user", {}).get("id"), document)
