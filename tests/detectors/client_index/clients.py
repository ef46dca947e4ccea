"""An index of a few made-up clients, for the tests around it."""

from pathlib import Path

from detectors.client_index.build import Build, Built
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.index import ClientIndex
from detectors.client_index.matcher import load_matcher
from detectors.knowledge import Knowledge, Matches

HOME = ("DE",)


def email(client: str, value: str) -> Identifier:
    return Identifier(client, Kind.EMAIL, value)


def phone(client: str, value: str) -> Identifier:
    return Identifier(client, Kind.PHONE, value)


def tax(client: str, value: str) -> Identifier:
    return Identifier(client, Kind.TAX, value)


def name(client: str, value: str) -> Identifier:
    return Identifier(client, Kind.NAME, value)


def build(state: Path, *identifiers: Identifier, regions: tuple[str, ...] = HOME, keep_learned: bool = False) -> Built:
    """Build the index of these values."""
    builder = Build(state, regions)
    builder.add(identifiers)
    return builder.finish(keep_learned=keep_learned)


def index_of(state: Path, *identifiers: Identifier, regions: tuple[str, ...] = HOME) -> ClientIndex:
    """Build it and open it."""
    build(state, *identifiers, regions=regions)
    return ClientIndex(state)


def find(knowledge: Knowledge, *texts: str) -> Matches:
    """What a new worker recognises in these texts."""
    matcher = load_matcher(knowledge.image())
    found = Matches()
    for text in texts:
        matcher.find(text, found)
    return found


def clients(knowledge: Knowledge, *texts: str) -> dict[str, set[str]]:
    """Client -> kinds of value, in words."""
    return {client: {kind.value for kind in kinds} for client, kinds in find(knowledge, *texts).clients.items()}
