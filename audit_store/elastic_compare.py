"""Compares what Elasticsearch has with the record: what is missing, changed or foreign is named (promises G96)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audit_store.elastic import Elastic
from audit_store.elastic_search import everything
from audit_store.log import Log, Logged
from audit_store.log_file import logged

MISSING, CHANGED, FOREIGN = "missing", "changed", "foreign"
_WINDOW = 1_000
_END = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One event that is not the same in both."""

    sequence: int
    """Its number in the record; of a foreign one the number that it claims, 0 if it claims none."""
    kind: str
    """`missing` in Elasticsearch, `changed` there, or `foreign`: the record has no such event."""


def compare(log: Log, elastic: Elastic, until: int, *, kept_since: int = 0) -> list[Difference]:
    """All differences up to the record's sequence `until`, and what is foreign beyond its end; [] if both are the same to the last member.

    The same event twice is no difference: it was sent again. What the record has no content of any more is not compared, and
    what it received before `kept_since` (milliseconds since 1970) may be missing: Elasticsearch was told to delete it.

    Raises LogError, ElasticError.
    """
    differences: list[Difference] = []
    for after in range(0, until, _WINDOW):
        end = min(after + _WINDOW, until)
        entries = log.entries(after, _WINDOW)
        written = {entry.sequence: logged(entry) for entry in entries}
        gone = log.without_content(entries)
        over = {entry.sequence for entry in entries if entry.received < kept_since}
        there: defaultdict[int, list[Logged]] = defaultdict(list)
        for row in everything(elastic, after, end):
            there[row.sequence].append(row)
        for number in range(after + 1, end + 1):
            kind = _kind(written.get(number), there[number]) if number not in gone else None
            if kind is not None and not (kind == MISSING and number in over):
                differences.append(Difference(number, kind))
    newest = log.tail(1)
    beyond = everything(elastic, newest[0].sequence if newest else 0, _END)
    nameless = everything(elastic, None, None)
    return differences + [Difference(row.sequence, FOREIGN) for row in (*beyond, *nameless)]


def _kind(written: Logged | None, there: Sequence[Logged]) -> str | None:
    if not there:
        return MISSING if written is not None else None
    if written is None:
        return FOREIGN
    return None if all(row == written for row in there) else CHANGED


def spans(differences: Sequence[Difference]) -> list[tuple[Difference, int]]:
    """Each difference with the last number of those that follow it without a gap and are of its kind: a lost index is one harm."""
    found: list[tuple[Difference, int]] = []
    for one in differences:
        if found and found[-1][0].kind == one.kind and one.sequence == found[-1][1] + 1:
            found[-1] = (found[-1][0], one.sequence)
        else:
            found.append((one, one.sequence))
    return found
