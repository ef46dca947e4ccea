"""The same questions as `audit_store.search`, answered by Elasticsearch with the same rows.

Whatever a person typed travels as a term or a range, never as a query of its own (promises G102): there is no wildcard, script or query
string to be written.
"""

from __future__ import annotations

from datetime import datetime
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


def answer(elastic: Elastic, question: Question) -> list[Logged]:
    """What Elasticsearch has of the answer, in the order of the log. Raises ElasticError."""
    if question.size == 0 or any(len(word) > WORD_MAX for word in (question.person or "", *question.words().values())):
        return []
    found = elastic.ask("POST", f"/{BOTH}/_search", query(question))
    try:
        if found["timed_out"] or found["_shards"]["failed"]:
            raise AnswerError("Elasticsearch answers for a part of the events only: look at its health")
        return [_row(hit["_source"]) for hit in found["hits"]["hits"]]
    except (KeyError, TypeError, ValueError):
        raise AnswerError("the answer holds what Torwart did not ship: who else writes to its data streams?") from None


def query(question: Question) -> dict[str, Any]:
    """The body of the search."""
    filters: list[dict[str, Any]] = [{"term": {_FIELDS[column]: word}} for column, word in question.words().items()]
    if question.person is not None:
        person = sayable(question.person)
        either = [{"term": {"user.id": person}}, {"term": {"torwart.subject": person}}]
        filters.append({"bool": {"should": either, "minimum_should_match": 1}})
    filters += [{"range": {"@timestamp": {_COMPARISONS[comparison]: time}}} for comparison, time in question.times()]
    if question.edge is not None:
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
    """Sequences in (after, until] that Elasticsearch has; of the first so many that fit one answer. Raises ElasticError."""
    body = {
        "query": {"bool": {"filter": [{"range": {_SEQUENCE: {"gt": after, "lte": until}}}]}},
        "sort": [{_SEQUENCE: "asc"}],
        "collapse": {"field": _SEQUENCE},
        "size": until - after,
        "_source": False,
        "track_total_hits": False,
    }
    found = elastic.ask("POST", f"/{BOTH}/_search?filter_path=timed_out,_shards.failed,hits.hits.sort", body)
    try:
        if found["timed_out"] or found["_shards"]["failed"]:
            raise AnswerError("Elasticsearch answers for a part of the events only: look at its health")
        return {int(hit["sort"][0]) for hit in found.get("hits", {}).get("hits", [])}
    except (KeyError, TypeError, ValueError, IndexError):
        raise AnswerError("the answer is no list of events: is there something between Torwart and Elasticsearch?") from None


def _row(source: dict[str, Any]) -> Logged:
    """An event as the log would give it: without the place, a dead letter as its producer wrote it."""
    place = source.pop(PLACE)
    received = datetime.fromisoformat(place["received"])
    original = source.get("torwart", {}).get("original")
    document = source if original is None else parsed(original.encode())
    return Logged(place["sequence"], received, place["producer"], place["epoch"], place["producer_sequence"], document)
