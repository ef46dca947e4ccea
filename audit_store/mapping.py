"""How Elasticsearch keeps events: strict mappings from the event model, one template for each data stream.

Types are those of the Elastic Common Schema 9.5, with the plain member of a family for what smaller servers do not have (`keyword` for
`wildcard`, `text` for `match_only_text`): one template for every server. A member that is not here is refused, and lands in the dead-letter
stream, so that no producer can make the mapping grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

EVENTS = "logs-torwart.events-default"
"""Data stream of events (naming of Elastic: type, dataset, namespace)."""
DEAD_LETTERS = "logs-torwart.deadletter-default"
"""Data stream of events that the mapping refuses, as text and with the reason."""
BOTH = "logs-torwart.*-default"
"""Both of them in a question; the names under which `deploy/elasticsearch/roles.yml` gives rights."""
EVENTS_TEMPLATE, DEAD_LETTERS_TEMPLATE = "torwart-events", "torwart-deadletter"
"""Names of the index templates."""
VERSION = 7
"""Grows when a member is added or a type changes: an older template is then installed anew (`torwart events elastic-install`)."""
PRIORITY = 500
"""Above the templates for `logs-*-*` that come with Elasticsearch (100) and with Fleet (200)."""
PLACE = "torwart.log"
"""Where the log's own numbers stand in a shipped event; nothing that a producer writes may stand there."""

WORD_MAX = 1024
"""Characters of a word that can be found; longer than any that an event of ours holds."""
_WORD: dict[str, Any] = {"type": "keyword", "ignore_above": WORD_MAX}
_KEPT: dict[str, Any] = {"type": "keyword", "index": False, "doc_values": False}
"""Given back, not searched: a set of thousands of client ids as one word is longer than an index takes."""
_MARK: dict[str, Any] = {"type": "keyword", "ignore_above": WORD_MAX, "doc_values": False}
"""What an event is found by (`audit_store.search_marks`): asked for, never sorted or counted by."""
_OPEN: dict[str, Any] = {"type": "flattened", "ignore_above": WORD_MAX}
"""Names that differ from event to event, without making the mapping grow: found as words, also the numbers."""
_DATE, _LONG, _TRUTH = {"type": "date"}, {"type": "long"}, {"type": "boolean"}
_SHARE = {"type": "float"}

_HEAD: dict[str, dict[str, Any]] = {
    "@timestamp": _DATE,
    "ecs.version": _WORD,
    "event.action": _WORD,
    "event.category": _WORD,
    "event.id": _WORD,
    "event.kind": _WORD,
    "event.outcome": _WORD,
    "event.type": _WORD,
    "torwart.act.id": _WORD,
    "torwart.act.phase": _WORD,
    "torwart.subject": _WORD,
    "user.id": _WORD,
    f"{PLACE}.asked": _MARK,
    f"{PLACE}.at": _LONG,
    f"{PLACE}.epoch": _LONG,
    f"{PLACE}.marks": _MARK,
    f"{PLACE}.marks_version": _LONG,
    f"{PLACE}.producer": _WORD,
    f"{PLACE}.producer_sequence": _LONG,
    f"{PLACE}.received": _DATE,
    f"{PLACE}.sequence": _LONG,
    f"{PLACE}.shown": _MARK,
    f"{PLACE}.taken": _MARK,
    f"{PLACE}.words": _MARK,
}
"""What questions are asked by: the same in both streams."""
EVENT_MEMBERS: Mapping[str, dict[str, Any]] = _HEAD | {
    "destination.domain": _WORD,
    "event.reason": _WORD,
    "event.severity": _LONG,
    "file.extension": _WORD,
    "file.hash.sha256": _WORD,
    "file.size": _LONG,
    "http.request.method": _WORD,
    "http.response.status_code": _LONG,
    "rule.id": _WORD,
    "rule.name": _WORD,
    "torwart.act.action": _WORD,
    "torwart.act.digest": _WORD,
    "torwart.bytes_out": _LONG,
    "torwart.channel": _WORD,
    "torwart.clients.allowed_count": _LONG,
    "torwart.clients.asked": _KEPT,
    "torwart.clients.asked_count": _LONG,
    "torwart.clients.shown": _KEPT,
    "torwart.clients.shown_count": _LONG,
    "torwart.clients.taken": _KEPT,
    "torwart.clients.taken_count": _LONG,
    "torwart.device": _WORD,
    "torwart.exports.act": _WORD,
    "torwart.exports.clients": _LONG,
    "torwart.exports.marked": _TRUTH,
    "torwart.exports.name": _WORD,
    "torwart.fields": _WORD,
    "torwart.findings.clients": _LONG,
    "torwart.findings.confidence": _SHARE,
    "torwart.findings.detector": _WORD,
    "torwart.findings.kind": _WORD,
    "torwart.findings.where": _WORD,
    "torwart.manifest": _WORD,
    "torwart.marks": _WORD,
    "torwart.needs": _WORD,
    "torwart.notify": _TRUTH,
    "torwart.numbers": _OPEN,
    "torwart.observed": _WORD,
    "torwart.policy.version": _WORD,
    "torwart.quarantine": _TRUTH,
    "torwart.question.acknowledged": _TRUTH,
    "torwart.question.before.changed_day": _LONG,
    "torwart.question.before.changed_month": _LONG,
    "torwart.question.before.deleted_day": _LONG,
    "torwart.question.before.deleted_month": _LONG,
    "torwart.question.before.exported_day": _LONG,
    "torwart.question.before.exported_hour": _LONG,
    "torwart.question.before.exported_month": _LONG,
    "torwart.question.before.foreign_shown_day": _LONG,
    "torwart.question.before.paced_cards": _LONG,
    "torwart.question.before.sent_day": _LONG,
    "torwart.question.before.sent_month": _LONG,
    "torwart.question.before.shown_day": _LONG,
    "torwart.question.before.shown_hour": _LONG,
    "torwart.question.before.shown_month": _LONG,
    "torwart.question.before.taken_day": _LONG,
    "torwart.question.before.taken_hour": _LONG,
    "torwart.question.before.taken_minute": _LONG,
    "torwart.question.before.taken_month": _LONG,
    "torwart.question.clear": _KEPT,
    "torwart.question.contact_fields": _WORD,
    "torwart.question.fields": _WORD,
    "torwart.question.foreign_origin": _TRUTH,
    "torwart.question.frozen": _TRUTH,
    "torwart.question.justified": _TRUTH,
    "torwart.question.known": _TRUTH,
    "torwart.question.late_seconds": _LONG,
    "torwart.question.level": _WORD,
    "torwart.question.mask_written_fields": _WORD,
    "torwart.question.named": _WORD,
    "torwart.question.on_leave": _TRUTH,
    "torwart.question.own": _KEPT,
    "torwart.question.proofs.alone": _TRUTH,
    "torwart.question.proofs.class": _WORD,
    "torwart.question.proofs.clients": _KEPT,
    "torwart.question.proofs.fields": _WORD,
    "torwart.question.proofs.kind": _WORD,
    "torwart.question.proofs.person": _LONG,
    "torwart.question.proofs.roles": _WORD,
    "torwart.question.proofs.seconds": _LONG,
    "torwart.question.proofs.verified": _TRUTH,
    "torwart.question.proven_seconds": _LONG,
    "torwart.question.proven_with": _WORD,
    "torwart.question.questioned_contact_fields": _WORD,
    "torwart.reasons.code": _WORD,
    "torwart.reasons.numbers": _OPEN,
    "torwart.reasons.words": _OPEN,
    "torwart.removed": _KEPT,
    "torwart.resource.filter_digest": _WORD,
    "torwart.resource.limit": _LONG,
    "torwart.resource.model": _WORD,
    "torwart.resource.questioned_fields": _WORD,
    "torwart.resource.type": _WORD,
    "torwart.resource.written_fields": _WORD,
    "torwart.route": _WORD,
    "torwart.rows": _LONG,
    "torwart.rules": _WORD,
    "torwart.schema": _LONG,
    "torwart.sealed.key": _WORD,
    "torwart.sealed.text": _KEPT,
    "torwart.status": _WORD,
    "torwart.suspected": _KEPT,
    "torwart.suspected_count": _LONG,
    "torwart.unread": _WORD,
    "torwart.upstream_reached": _TRUTH,
    "torwart.usage.base": _LONG,
    "torwart.usage.book": _LONG,
    "torwart.usage.changed_day": _LONG,
    "torwart.usage.changed_month": _LONG,
    "torwart.usage.deleted_day": _LONG,
    "torwart.usage.deleted_month": _LONG,
    "torwart.usage.exported_day": _LONG,
    "torwart.usage.exported_hour": _LONG,
    "torwart.usage.exported_month": _LONG,
    "torwart.usage.foreign_shown_day": _LONG,
    "torwart.usage.paced_cards": _LONG,
    "torwart.usage.sent_day": _LONG,
    "torwart.usage.sent_month": _LONG,
    "torwart.usage.share_of_base": _SHARE,
    "torwart.usage.shown_day": _LONG,
    "torwart.usage.shown_hour": _LONG,
    "torwart.usage.shown_month": _LONG,
    "torwart.usage.taken_day": _LONG,
    "torwart.usage.taken_hour": _LONG,
    "torwart.usage.taken_minute": _LONG,
    "torwart.usage.taken_month": _LONG,
    "torwart.words": _OPEN,
    "user.roles": _WORD,
}
"""Every member that a builder of `audit_store.event` can write, and its type."""
DEAD_LETTER_MEMBERS: Mapping[str, dict[str, Any]] = _HEAD | {
    "error.message": {"type": "text"},
    "error.type": _WORD,
    "torwart.original": _KEPT,
}
"""A refused event: why, what it can be found by, and the bytes of the producer as text."""


def templates() -> dict[str, dict[str, Any]]:
    """Name -> body of the index templates, as `PUT _index_template/NAME` takes them."""
    return {EVENTS_TEMPLATE: _template(EVENTS, EVENT_MEMBERS), DEAD_LETTERS_TEMPLATE: _template(DEAD_LETTERS, DEAD_LETTER_MEMBERS)}


def _template(stream: str, members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    mappings = _mappings(members)
    return {
        "index_patterns": [stream],
        "data_stream": {},
        "priority": PRIORITY,
        "version": VERSION,
        "_meta": {"product": "torwart", "digest": sha256(orjson.dumps(mappings, option=orjson.OPT_SORT_KEYS)).hexdigest()},
        "template": {
            # `standard`: newer servers would choose a mode for logs that gives members back in another order than they were written.
            # `coerce`: a word where a number belongs is refused, not guessed.
            "settings": {"index.mode": "standard", "index.mapping.coerce": False},
            "mappings": mappings,
        },
    }


def _mappings(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    root: dict[str, Any] = {"dynamic": "strict", "date_detection": False, "properties": {}}
    for path, kind in sorted(members.items()):
        *parents, leaf = path.split(".")
        place = root["properties"]
        for parent in parents:
            place = place.setdefault(parent, {"properties": {}})["properties"]
        place[leaf] = dict(kind)
    return root
