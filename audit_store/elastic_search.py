"""The same questions as `audit_store.search`, answered by Elasticsearch with the same rows.

Whatever a person typed travels as a term or a range, never as a query of its own (promises G102): there is no wildcard, script or query
string to be written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from audit_store.elastic import AnswerError, Elastic
from audit_store.log import Logged
from audit_store.log_file import parsed
from audit_store.mapping import BOTH, PLACE, WORD_MAX
from audit_store.search import Question, sayable

_FIELDS = {"act_id": "torwart.act.id", "action": "event.action", "phase": "torwart.act.phase"}
"""Column of the log -> member of the event."""
_COMPARISONS = {">=": "gte", "<": "lt"}
_SEQUENCE = f"{PLACE}.sequence"
HITS_MAX = 10_000
"""Hits of one search (`index.max_result_window`)."""


def answer(elastic: Elastic, question: Question) -> list[Logged]:
    """What Elasticsearch has of the answer, in the order of the log. Raises ElasticError."""
    if question.size == 0 or any(
        len(word) > WORD_MAX for word in (question.person or "", question.observed or "", *question.words().values())
    ):
        return []
    try:
        return [_row(hit["_source"]) for hit in _hits(elastic, query(question))]
    except (KeyError, TypeError, ValueError):
        raise AnswerError("the answer holds what Torwart did not ship: run `torwart events elastic-check`") from None


def query(question: Question) -> dict[str, Any]:
    """The body of the search."""
    filters: list[dict[str, Any]] = [{"term": {_FIELDS[column]: word}} for column, word in question.words().items()]
    if question.person is not None:
        person = sayable(question.person)
        either = [{"term": {"user.id": person}}, {"term": {"torwart.subject": person}}]
        filters.append({"bool": {"should": either, "minimum_should_match": 1}})
    if question.observed is not None:
        filters.append({"term": {"torwart.observed": sayable(question.observed)}})
    filters += [{"range": {"@timestamp": {_COMPARISONS[comparison]: time}}} for comparison, time in question.times()]
    if question.edge is None:
        filters.append({"exists": {"field": _SEQUENCE}})
    else:
        filters.append({"range": {_SEQUENCE: {"lt" if question.newest_first else "gt": question.edge}}})
    return {
        "query": {"bool": {"filter": filters}},
        "sort": [{_SEQUENCE: "desc" if question.newest_first else "asc"}],
        # An event that was sent again while its stream rolled over is there twice, once in each index.
        "collapse": {"field": _SEQUENCE},
        "size": question.size,
        "track_total_hits": False,
    }


def present(elastic: Elastic, after: int, until: int) -> set[int]:
    """Sequences in (after, until] that Elasticsearch has; at most `HITS_MAX` of them are asked for. Raises ElasticError."""
    body = {
        "query": {"bool": {"filter": [{"range": {_SEQUENCE: {"gt": after, "lte": until}}}]}},
        "sort": [{_SEQUENCE: "asc"}],
        "collapse": {"field": _SEQUENCE},
        "size": until - after,
        "_source": False,
        "track_total_hits": False,
    }
    try:
        return {int(hit["sort"][0]) for hit in _hits(elastic, body)}
    except (KeyError, TypeError, ValueError, IndexError):
        raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None


def everything(elastic: Elastic, after: int | None, until: int | None) -> list[Logged]:
    """All that lies in both streams with a sequence in (after, until], also what is there twice; without bounds: what has no sequence.

    What nobody could have shipped has sequence 0 and producer "". Raises ElasticError, also for more than `HITS_MAX`.
    """
    exists: dict[str, Any] = {"bool": {"must_not": [{"exists": {"field": _SEQUENCE}}]}}
    wanted = exists if after is None else {"range": {_SEQUENCE: {"gt": after, "lte": until}}}
    hits = _hits(elastic, {"query": {"bool": {"filter": [wanted]}}, "sort": [{_SEQUENCE: "asc"}], "size": HITS_MAX})
    if len(hits) == HITS_MAX:
        raise AnswerError("there are far more events than were shipped: who else writes to the data streams?")
    rows = []
    for hit in hits:
        try:
            rows.append(_row(hit["_source"]))
        except (KeyError, TypeError, ValueError):
            rows.append(Logged(_claimed(hit), datetime.fromtimestamp(0, UTC), "", 0, 0, {}))
    return rows


def _hits(elastic: Elastic, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What a search found, if all of the server could be searched."""
    found = elastic.ask("POST", f"/{BOTH}/_search", body)
    try:
        if found["timed_out"] or found["_shards"]["failed"]:
            raise AnswerError("Elasticsearch answers for a part of the events only: look at its health")
        hits: list[dict[str, Any]] = found["hits"]["hits"]
    except (KeyError, TypeError):
        raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None
    return hits


def _claimed(hit: dict[str, Any]) -> int:
    place = hit.get("sort")
    number = place[0] if isinstance(place, list) and place else 0
    return number if isinstance(number, int) and number < 1 << 62 else 0


def _row(source: dict[str, Any]) -> Logged:
    """An event as the log would give it: without the place, a dead letter as its producer wrote it."""
    place = source.pop(PLACE)
    received = datetime.fromisoformat(place["received"])
    original = source.get("torwart", {}).get("original")
    document = source if original is None else parsed(original.encode())
    return Logged(place["sequence"], received, place["producer"], place["epoch"], place["producer_sequence"], document)
