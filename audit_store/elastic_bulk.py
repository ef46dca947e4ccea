"""Adds documents to a data stream: prepared bytes in, the fate of each one out.

Documents are created, never overwritten, under ids of ours: one that is there already (409) is stored. Each item of the answer is compared
with what was sent; an answer that does not account for every one is not believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from audit_store.elastic import LINES, AnswerError, BadRequestError, BusyError, Elastic, ElasticError, RefusedError, TooLargeError

_FILTER = "errors,items.*._id,items.*._index,items.*.status,items.*.error.type,items.*.error.reason"
_CREATED, _THERE_ALREADY, _NOT_UNDERSTOOD = 201, 409, 400
_BUSY = frozenset({429, 500, 502, 503, 504})
_SECURITY = "security_exception"
TOO_LARGE, SPOILER = "too_large", "bad_request"
"""Kinds of our own for documents that not even a request of their own gets through."""
SPOILERS_MAX = 10
"""So many in a row, and none stored: then the server understands nothing at the moment."""


@dataclass(frozen=True, slots=True)
class Item:
    """One document to add."""

    id: str
    document: bytes
    """JSON on one line."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A document that will never be taken as it is."""

    item: Item
    kind: str
    """Elasticsearch's word for it, for example `strict_dynamic_mapping_exception`, or one of ours."""
    reason: str


@dataclass(slots=True)
class Fate:
    """What became of the items."""

    stored: dict[str, str] = field(default_factory=dict)
    """Id -> index that has it."""
    misfits: list[Misfit] = field(default_factory=list)
    again: list[Item] = field(default_factory=list)
    """To be sent again, in their order, when `why` is over."""
    why: ElasticError | None = None

    @property
    def is_clean(self) -> bool:
        """Whether every item is stored."""
        return not self.misfits and self.why is None


def create(elastic: Elastic, stream: str, items: Sequence[Item]) -> Fate:
    """Add the items. Never raises for the server's sake: what was not taken is in `again`, with the first reason in `why`."""
    fate = Fate()
    _send(elastic, stream, items, fate)
    return fate


def _send(elastic: Elastic, stream: str, items: Sequence[Item], fate: Fate) -> None:
    if not items:
        return
    if fate.why is not None:  # an earlier part did not get through: the order is kept
        fate.again.extend(items)
        return
    body = b"".join([part for item in items for part in (b'{"create":{"_id":"', item.id.encode(), b'"}}\n', item.document, b"\n")])
    try:
        answer = elastic.ask("POST", f"/{stream}/_bulk?require_data_stream=true&filter_path={_FILTER}", body, kind=LINES)
        sorted_out = _sorted_out(answer, items)
    except (TooLargeError, BadRequestError) as error:
        _send_apart(elastic, stream, items, fate, error)
    except ElasticError as error:
        fate.again.extend(items)
        fate.why = error
    else:
        fate.stored |= sorted_out.stored
        fate.misfits += sorted_out.misfits
        fate.again += sorted_out.again
        fate.why = sorted_out.why


def _send_apart(elastic: Elastic, stream: str, items: Sequence[Item], fate: Fate, error: ElasticError) -> None:
    """Halves, until it is clear which document is too large, or spoils the whole request for the others."""
    if len(items) > 1:
        half = len(items) // 2
        _send(elastic, stream, items[:half], fate)
        _send(elastic, stream, items[half:], fate)
    elif isinstance(error, TooLargeError):
        fate.misfits.append(Misfit(items[0], TOO_LARGE, f"{len(items[0].document)} bytes are more than the server takes"))
    elif fate.stored or len(fate.misfits) < SPOILERS_MAX:
        fate.misfits.append(Misfit(items[0], SPOILER, str(error)))
    else:  # it is not the documents
        fate.again, fate.misfits, fate.why = [*(misfit.item for misfit in fate.misfits), *items], [], error


def _sorted_out(answer: dict[str, Any], items: Sequence[Item]) -> Fate:
    rows = answer.get("items")
    if not isinstance(rows, list) or len(rows) != len(items):
        raise AnswerError("the answer does not account for every event: is there something between Torwart and Elasticsearch?")
    fate = Fate()
    for item, row in zip(items, rows, strict=True):
        found = row.get("create") if isinstance(row, dict) else None
        if not isinstance(found, dict) or found.get("_id") != item.id:
            raise AnswerError("the answer is about other events than were sent: is there something between Torwart and Elasticsearch?")
        _sort(item, found, fate)
    return fate


def _sort(item: Item, found: dict[str, Any], fate: Fate) -> None:
    status, error = found.get("status"), found.get("error")
    kind = str(error.get("type")) if isinstance(error, dict) else ""
    if status in (_CREATED, _THERE_ALREADY):
        fate.stored[item.id] = str(found.get("_index"))
    elif status == _NOT_UNDERSTOOD:
        fate.misfits.append(Misfit(item, kind, str(error.get("reason")) if isinstance(error, dict) else ""))
    else:
        fate.again.append(item)
        fate.why = fate.why or _why(status, kind)


def _why(status: object, kind: str) -> ElasticError:
    if status in _BUSY:
        return BusyError(f"Elasticsearch took only a part (status {status}): look at its load and disk")
    if kind == "cluster_block_exception":
        return BusyError("the index is closed for writing: look at the disk of Elasticsearch and remove the block")
    if status in (401, 403) or kind == _SECURITY:
        return RefusedError("the writer may not add events: see deploy/elasticsearch/roles.yml")
    return AnswerError("the events have no data stream to go to: run `torwart events elastic-install`")
