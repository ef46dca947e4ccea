"""Who has seen this client."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit_store.event import Phase
from audit_store.search_answer import Searcher
from audit_store.search_index import IndexWriter
from audit_store.search_marks import milliseconds
from audit_store.search_timeline import Sighting, sightings
from policies.request import Action
from tests.audit_store.acts import NOW, access
from tests.audit_store.test_search_index import log_of

ANNA, BERTA = "P-00000001", "P-00000002"


@pytest.mark.parametrize("upto", [0, 3, 7])
def test_who_has_seen_taken_and_exported_a_client_first_last_and_how_often(tmp_path: Path, upto: int) -> None:
    client, other = "4711", "8"
    both, one, none = frozenset({client, other}), frozenset({client}), frozenset[str]()
    seconds = [NOW + timedelta(seconds=number) for number in range(7)]
    log = log_of(
        tmp_path / "log",
        [
            event.canonical()
            for event in (
                access((client,), action=Action.READ, at=seconds[0], pseudonym=ANNA, taken=one),
                access((client, other), at=seconds[1], pseudonym=ANNA),
                access((client,), action=Action.READ, at=seconds[2], pseudonym=ANNA),
                access((other,), action=Action.READ, at=seconds[3], pseudonym=BERTA),
                access((client, other), action=Action.EXPORT, phase=Phase.HELD, at=seconds[4], pseudonym=BERTA, shown=none),
                access((client, other), action=Action.EXPORT, phase=Phase.RELEASED, at=seconds[5], pseudonym=BERTA, taken=both),
                access((client,), action=Action.FILE_COPY, phase=Phase.OBSERVED, at=seconds[6], pseudonym=BERTA, shown=none),
            )
        ],
    )
    if upto:
        writer = IndexWriter(tmp_path / "index")
        writer.step(log, upto)
        writer.close()
    searcher = Searcher(log, tmp_path / "index")
    at = [milliseconds(one) for one in seconds]
    whole = (
        Sighting(BERTA, "file_copy", 1, 0, 0, at[6], at[6]),
        Sighting(BERTA, "export", 2, 1, 1, at[4], at[5]),
        Sighting(ANNA, "read", 2, 2, 1, at[0], at[2]),
        Sighting(ANNA, "list", 1, 1, 0, at[1], at[1]),
    )
    assert sightings(searcher, client).found == whole
    assert sightings(searcher, client, since=seconds[2], until=seconds[5]).found == (
        Sighting(BERTA, "export", 1, 0, 0, at[4], at[4]),
        Sighting(ANNA, "read", 1, 1, 0, at[2], at[2]),
    )
    assert sightings(searcher, "471").found == ()
    log.close()
