"""The same questions as `audit_store.search`, answered by Elasticsearch with the same rows.

It is asked by the marks that were shipped with every event (`audit_store.search_marks`), each as a term, and by ranges of numbers: no
analyser has a say in it, and nobody writes a query, wildcard or script (promises G102).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from audit_store.elastic import AnswerError, Elastic
from audit_store.log import Logged
from audit_store.log_file import parsed
from audit_store.mapping import BOTH, PLACE
from audit_store.search import Conditions, Mark, Question, Where
from audit_store.search_marks import MARKS_VERSION

_SEQUENCE = f"{PLACE}.sequence"
HITS_MAX = 10_000
"""Hits of one search (`index.max_result_window`)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far Elasticsearch can answer."""

    position: int
    """The last sequence that it has; 0: none."""
    older: tuple[int, int] | None
    """First and last sequence among events that a release sent which knew other marks: questions do not find them."""


def answer(elastic: Elastic, question: Question) -> list[Logged]:
    """What Elasticsearch has of the answer, in the order of the log. Raises QuestionRefusedError, ElasticError."""
    conditions = question.conditions()
    if conditions is None or question.size == 0:
        return []
    try:
        return [_row(hit["_source"]) for hit in _hits(elastic, query(question, conditions))]
    except (KeyError, TypeError, ValueError):
        raise AnswerError("the answer holds what Torwart did not ship: run `torwart events elastic-check`") from None


def reach(elastic: Elastic) -> Reach:
    """How far Elasticsearch can answer now. Raises ElasticError."""
    older = {"bool": {"must_not": [{"term": {f"{PLACE}.marks_version": MARKS_VERSION}}]}}
    ends = {"first": {"min": {"field": _SEQUENCE}}, "last": {"max": {"field": _SEQUENCE}}}
    body = {"size": 0, "track_total_hits": False, "aggs": {"last": ends["last"], "older": {"filter": older, "aggs": ends}}}
    found = _asked(elastic, body)
    try:
        numbers = found["aggregations"]["last"], found["aggregations"]["older"]["first"], found["aggregations"]["older"]["last"]
        last, first_older, last_older = (None if one["value"] is None else int(one["value"]) for one in numbers)
    except (KeyError, TypeError, ValueError):
        if found.get("_shards", {}).get("total") == 0:
            return Reach(0, None)
        raise AnswerError("the answer counts no events: is there something between Torwart and Elasticsearch?") from None
    if first_older is None or last_older is None or _are_there_anew(elastic, first_older, last_older):
        return Reach(last or 0, None)
    return Reach(last or 0, (first_older, last_older))


def _are_there_anew(elastic: Elastic, first: int, last: int) -> bool:
    """True if as many events are there with the marks of this release: the older indices were only not deleted yet."""
    filters = [{"term": {f"{PLACE}.marks_version": MARKS_VERSION}}, {"range": {_SEQUENCE: {"gte": first, "lte": last}}}]
    found = _asked(elastic, {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}})
    try:
        return int(found["hits"]["total"]["value"]) > last - first
    except (KeyError, TypeError, ValueError):
        raise AnswerError("the answer counts no events: is there something between Torwart and Elasticsearch?") from None


def query(question: Question, conditions: Conditions) -> dict[str, Any]:
    """The body of the search: values to be equal to and ranges of numbers, nothing else."""
    filters = [_any_of(group) for group in conditions]
    since, until = question.span
    if since is not None or until is not None:
        times = {name: time for name, time in (("gte", since), ("lt", until)) if time is not None}
        filters.append({"range": {f"{PLACE}.at": times}})
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
        "_source": {"excludes": [f"{PLACE}.{where.value}" for where in Where]},
    }


def _any_of(group: tuple[Mark, ...]) -> dict[str, Any]:
    values: dict[Where, list[str]] = {}
    for mark in group:
        values.setdefault(mark.where, []).append(mark.value)
    either: list[dict[str, Any]] = [{"terms": {f"{PLACE}.{where.value}": found}} for where, found in values.items()]
    return either[0] if len(either) == 1 else {"bool": {"should": either, "minimum_should_match": 1}}


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
    found = _asked(elastic, body)
    try:
        hits: list[dict[str, Any]] = found["hits"]["hits"]
    except (KeyError, TypeError):
        raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None
    return hits


def _asked(elastic: Elastic, body: dict[str, Any]) -> dict[str, Any]:
    found = elastic.ask("POST", f"/{BOTH}/_search", body)
    try:
        if found["timed_out"] or found["_shards"]["failed"]:
            raise AnswerError("Elasticsearch answers for a part of the events only: look at its health")
    except (KeyError, TypeError):
        raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None
    return found


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
