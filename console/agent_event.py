"""What an agent may say, member by member: its events reach rules, pages and other stores, and each of them relies on the shapes of ours.

Nothing is passed on because its name is right: a member of another shape could end a consumer for ever, or carry a value into the record.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from audit_store.client_sets import decode_ids
from audit_store.ecs import CATEGORIES, EventAction
from auth.agents import KnownAgent
from detectors.mark import MARKS_MAX, is_code
from detectors.verdict import Unread

EVENT_BYTES_MAX = 512 * 1024
SUSPECTED_MAX = 30_000
"""Hashes that one event may name; an agent names as many at most (`agent.observe`)."""
ANSWERS = frozenset({EventAction.FILE_QUARANTINED, EventAction.FILE_RELEASED, EventAction.ORDER_REFUSED})
"""What an agent made of an order, in numbers and words of its own."""
KINDS = ANSWERS | {
    EventAction.FILE_SEEN,
    EventAction.AGENT_STARTED,
    EventAction.AGENT_STOPPED,
    EventAction.AGENT_LOSS,
    EventAction.STORE_ALARM,
}
_TOP = frozenset({"@timestamp", "ecs", "event", "file", "torwart", "user"})
_OURS = frozenset({"channel", "device", "marks", "numbers", "schema", "subject", "suspected", "suspected_count", "unread", "words"})
_OF_FILES = frozenset({"channel", "device", "marks", "suspected", "suspected_count", "unread"})
_OF_EVENT = frozenset({"action", "category", "id", "kind", "outcome", "severity", "type"})
_OF_FILE = frozenset({"extension", "hash", "size"})
_OUTCOMES = ("success", "failure", "unknown")
_ID = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
"""As `audit_store.event` writes it: days are searched by comparing texts."""
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXTENSION = re.compile(r"[a-z0-9]{1,5}")
_HASH = re.compile(r"0|[1-9]\d{0,19}", re.ASCII)
_NAME = re.compile(r"[a-z_]{1,40}")
_WORD = re.compile(r"[A-Za-z0-9_ .,:;()-]{0,200}")
"""A cause, or the kind of an error: the words of `audit_store.spool` and `agent.agent`. No sign that an e-mail address needs."""
_FACTS_MAX = 10
_COUNT_MAX, _HASH_MAX = 1 << 53, 1 << 64
"""Counts are exact in JSON of any maker (RFC 8259, section 6); hashes have 64 bits."""


def foreign(agent: KnownAgent, canonical: bytes) -> str | None:
    """Why this agent may not say this; None if it may."""
    if len(canonical) > EVENT_BYTES_MAX:
        return "event_too_large"
    try:
        document = orjson.loads(canonical)
        if not isinstance(document, dict) or orjson.dumps(document, option=orjson.OPT_SORT_KEYS) != canonical:
            return "event_unreadable"
        return _fault(agent, document)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "event_unreadable"


def is_alarm(canonical: bytes) -> bool:
    """Whether an event that may be said tells of a break in the record."""
    return bool(orjson.loads(canonical)["event"]["action"] == EventAction.STORE_ALARM)


def _fault(agent: KnownAgent, document: dict[str, Any]) -> str | None:
    event, ours = document["event"], document["torwart"]
    if not (document.keys() <= _TOP and ours.keys() <= _OURS and event.keys() <= _OF_EVENT):
        return "event_odd"
    if event["action"] not in KINDS:
        return "event_kind"
    if not _ID.fullmatch(event["id"]) or not _TIME.fullmatch(document["@timestamp"]):
        return "event_unreadable"
    datetime.fromisoformat(document["@timestamp"])
    alarm = event["action"] == EventAction.STORE_ALARM
    if document.get("user", {"id": agent.pseudonym} if alarm else {}) != {"id": agent.pseudonym}:
        return "other_person"
    if ours.get("device", agent.producer) != agent.producer or ours.get("subject", agent.producer) != agent.producer:
        return "other_device"
    if not (_is_ours(event, document["ecs"]) and _is_count(ours["schema"]) and _are_facts(ours)):
        return "event_odd"
    if event["action"] != EventAction.FILE_SEEN:
        return "event_odd" if "file" in document or ours.keys() & _OF_FILES else None
    return None if _is_file(document["file"]) and _is_seen(ours) else "event_odd"


def _is_ours(event: dict[str, Any], ecs: dict[str, Any]) -> bool:
    kind, category, types = CATEGORIES[EventAction(event["action"])]
    return (
        (event["kind"], event["category"], event["type"]) == (kind, list(category), list(types))
        and event["outcome"] in _OUTCOMES
        and _is_count(event.get("severity", 0))
        and ecs.keys() == {"version"}
        and _VERSION.fullmatch(ecs["version"]) is not None
    )


def _are_facts(ours: dict[str, Any]) -> bool:
    numbers, words = ours.get("numbers", {}), ours.get("words", {})
    return (
        len(numbers) + len(words) <= _FACTS_MAX
        and all(_NAME.fullmatch(name) and _is_count(value) for name, value in numbers.items())
        and all(_NAME.fullmatch(name) and _WORD.fullmatch(value) for name, value in words.items())
    )


def _is_file(file: dict[str, Any]) -> bool:
    digest = file.get("hash", {"sha256": "0" * 64})
    return (
        file.keys() <= _OF_FILE
        and _is_count(file["size"])
        and digest.keys() == {"sha256"}
        and _SHA256.fullmatch(digest["sha256"]) is not None
        and _EXTENSION.fullmatch(file.get("extension", "csv")) is not None
    )


def _is_seen(ours: dict[str, Any]) -> bool:
    suspected, marks = decode_ids(ours["suspected"], most=SUSPECTED_MAX), ours.get("marks", [])
    return (
        isinstance(marks, list)
        and len(marks) <= MARKS_MAX
        and all(map(is_code, marks))
        and "device" in ours
        and ours["channel"] in ("removable", "folder")
        and isinstance(ours["unread"], list)
        and len(ours["unread"]) <= len(Unread)
        and all(_NAME.fullmatch(cause) for cause in ours["unread"])
        and _is_count(ours["suspected_count"])
        and len(suspected) <= ours["suspected_count"]
        and all(_HASH.fullmatch(one) and int(one) < _HASH_MAX for one in suspected)
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _COUNT_MAX
