"""How sure it is that a file came from an export: probabilities that hold when they are counted."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit_store.attribution import Source, sources
from tests.audit_store.acts import NOW

MANAGERS = 6
TRIALS = 900


@dataclass(frozen=True)
class Left:
    """An export of the made firm."""

    number: int
    pseudonym: str
    at: datetime
    clients: frozenset[str]
    keys: frozenset[int]


def left(number: int, clients: frozenset[str], *, pseudonym: str = "P-1", price: int = 0) -> Left:
    """Values of clients hash to numbers; `price` stands for what has changed in them since."""
    return Left(number, pseudonym, NOW + timedelta(hours=number), clients, frozenset(int(client) * 7 + price for client in clients))


def best(found: frozenset[str], exports: list[Left], keys: frozenset[int] = frozenset(), pseudonym: str | None = None) -> Source[Left]:
    return sources(found, keys, exports, pseudonym=pseudonym, most=5)[0]


def ids(first: int, count: int) -> frozenset[str]:
    return frozenset(map(str, range(first, first + count)))


def exports_of(chance: random.Random, base: int) -> list[Left]:
    """Whole books, samples of them, pages of them, and what others looked at: overlapping, as in a real firm."""
    found = []
    for number in range(chance.choice([3, 20, 100])):
        manager = chance.randrange(MANAGERS)
        book = [str(client) for client in range(base) if client % MANAGERS == manager]
        match chance.randrange(4):
            case 0:
                clients = book
            case 1:
                clients = chance.sample(book, max(1, len(book) // chance.choice([2, 5, 10])))
            case 2:
                start = chance.randrange(len(book))
                clients = book[start : start + chance.choice([5, 40, 100])]
            case _:
                clients = chance.sample([str(client) for client in range(base)], chance.choice([3, 40, min(base, 600)]))
        found.append(left(number, frozenset(clients), pseudonym=f"P-{manager}", price=number % 3))
    return found


def leaks(chance: random.Random) -> Iterator[tuple[bool, float]]:
    """Files from an export, cut, edited and added to, and files from none: whether the best guess was right, and how sure it was."""
    for _ in range(TRIALS):
        base = chance.choice([300, 3_000])
        exports = exports_of(chance, base)
        source = chance.choice(exports) if chance.random() < 0.7 else None
        if source is None:
            found = {str(chance.randrange(base)) for _ in range(1 + int(chance.expovariate(0.7)))}
        else:
            found = set(chance.sample(sorted(source.clients), max(1, int(len(source.clients) * chance.choice([0.05, 0.1, 0.3, 0.6, 1])))))
            found |= {str(chance.randrange(base)) for _ in range(chance.choice([0, 0, 1, 3]))}
        values = frozenset(int(client) * 7 + source.number % 3 for client in found if chance.random() < 0.9) if source else frozenset[int]()
        named = sources(found, values if chance.random() < 0.5 else (), exports, pseudonym=None, most=5)
        if named:
            yield named[0].export is source, named[0].confidence


def test_of_a_hundred_guesses_that_are_ninety_percent_sure_at_least_ninety_are_right_and_of_the_unsure_few() -> None:
    by_tenth = defaultdict[int, list[bool]](list)
    for right, confidence in leaks(random.Random(7)):  # noqa: S311 -- a made firm, no secret
        by_tenth[min(int(confidence * 10), 9)].append(right)
    sure, unsure = by_tenth[9], [right for tenth in range(4) for right in by_tenth[tenth]]
    assert len(sure) > TRIALS / 3
    assert sum(sure) / len(sure) > 0.97
    assert sum(unsure) / len(unsure) < 0.4


def test_a_single_client_of_a_large_export_is_hardly_evidence_and_ten_are() -> None:
    exports = [left(1, ids(0, 300)), left(2, ids(1_000, 2_000))]
    assert best(ids(0, 1), exports).confidence < 0.9
    assert best(ids(0, 10), exports).confidence > 0.99


def test_a_close_copy_of_an_export_is_named_as_a_rival_with_its_share() -> None:
    exports = [left(1, ids(0, 40)), left(2, ids(0, 41)), left(3, ids(0, 400))]
    found = best(ids(0, 20), exports)
    assert (found.export.number, [rival.number for rival in found.rivals]) == (1, [2])
    assert 0.4 < found.confidence < 0.7


def test_values_of_another_time_point_to_the_export_of_that_time() -> None:
    exports = [left(1, ids(0, 40), price=1), left(2, ids(0, 40), price=2)]
    then = frozenset(number * 7 + 1 for number in range(12))
    found = best(ids(0, 12), exports, then)
    assert (found.export.number, found.confidence > 0.9, found.rivals) == (1, True, ())


def test_whose_file_it_is_counts_where_nothing_else_tells_exports_apart() -> None:
    exports = [left(1, ids(0, 40), pseudonym="P-1"), left(2, ids(0, 40), pseudonym="P-2")]
    found = best(ids(0, 40), exports, pseudonym="P-1")
    assert (found.export.number, 0.7 < found.confidence < 0.8) == (1, True)


@given(st.lists(st.frozensets(st.integers(0, 30).map(str), min_size=1), max_size=6), st.frozensets(st.integers(0, 40).map(str)))
def test_a_confidence_is_a_probability_and_no_client_has_two_sources(exports: list[frozenset[str]], found: frozenset[str]) -> None:
    named = sources(found, (), [left(number, clients) for number, clients in enumerate(exports)], pseudonym=None, most=5)
    assert all(0 <= source.confidence <= 1 for source in named)
    explained = [client for source in named for client in source.clients]
    assert len(explained) == len(set(explained))
    assert bool(named) == any(found & clients for clients in exports)
