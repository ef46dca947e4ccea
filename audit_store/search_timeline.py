"""Who has seen this client, and what became of it: the events that name a client, by person and deed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from audit_store.search import How, Question
from audit_store.search_answer import Searcher
from policies.request import ClientId


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one person did with a client by one kind of deed. Counts are of events: a call that was held and then released is two."""

    person: str | None
    """Pseudonym; None if nobody was known."""
    deed: str
    """For example `read`, `export`, `file_copy`."""
    named: int
    """Events that name the client: it was asked for, recognised in a file, shown or taken."""
    shown: int
    """Those of them in which a field of it was delivered."""
    taken: int
    """Those of them in which a contact field of it was delivered clear."""
    first: int | None
    """Milliseconds since 1970, UTC."""
    last: int | None


@dataclass(frozen=True, slots=True)
class Sightings:
    """Who has seen a client, the last one first."""

    found: tuple[Sighting, ...]
    unsearched: tuple[int, int] | None
    """As in `audit_store.search_answer.Answer`."""


def sightings(searcher: Searcher, client: ClientId, *, since: datetime | None = None, until: datetime | None = None) -> Sightings:
    """Who has seen, taken or exported this client, and how often. Raises QuestionRefusedError, LogError."""
    asked = {how: searcher.count(Question(client=client, how=how, since=since, until=until)) for how in How}
    found = {
        (one.person, one.deed): Sighting(one.person, one.deed, one.count, 0, 0, one.first, one.last) for one in asked[How.NAMED].tallies
    }
    for one in asked[How.SHOWN].tallies:
        if (one.person, one.deed) in found:  # else: recorded between two of the questions
            found[one.person, one.deed] = replace(found[one.person, one.deed], shown=one.count)
    for one in asked[How.TAKEN].tallies:
        if (one.person, one.deed) in found:
            found[one.person, one.deed] = replace(found[one.person, one.deed], taken=one.count)
    ordered = sorted(found.values(), key=lambda one: (one.last or 0, one.named, one.deed), reverse=True)
    return Sightings(tuple(ordered), asked[How.NAMED].unsearched)
