"""A firm of 500 clients whose index is built once: what the tests of the content scan recognise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from detectors.budget import Limits
from detectors.client_index.build import Build
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.index import ClientIndex
from detectors.client_index.matcher import load_matcher
from detectors.knowledge import Matcher
from detectors.scan import scan
from detectors.scanner import Scanner
from detectors.verdict import Verdict

CLIENTS = 500
NUMBERS = tuple(str(1000 + n) for n in range(CLIENTS))
MAILS = tuple(f"kontakt{n}@kunde{n}.example" for n in range(CLIENTS))
PHONES = tuple(f"+4915{10_000_000 + n * 7919}" for n in range(CLIENTS))
NAMES = tuple(f"Firma{chr(97 + n % 26)}{chr(97 + n // 26 % 26)} Handelshaus" for n in range(CLIENTS))


@dataclass(frozen=True)
class Firm:
    """The clients, and how a scan sees them."""

    state: Path
    index: ClientIndex
    matcher: Matcher

    def scan(self, content: bytes, limits: Limits | None = None, **said: str | None) -> Verdict:
        """The pure pipeline in this process."""
        return scan(content, self.matcher, limits or Limits(), **said)

    def found(self, content: bytes, **said: str | None) -> int:
        """Distinct clients."""
        return len(self.scan(content, **said).clients)


@pytest.fixture(scope="session")
def client_base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    state = tmp_path_factory.mktemp("client-base")
    build = Build(state, ("DE",))
    for kind, values in ((Kind.EMAIL, MAILS), (Kind.PHONE, PHONES), (Kind.NAME, NAMES)):
        build.add(Identifier(client, kind, value) for client, value in zip(NUMBERS, values, strict=True))
    build.finish()
    index = ClientIndex(state)
    yield Firm(state, index, load_matcher(index.image()))
    index.close()


@pytest.fixture(scope="module")
def scanner(client_base: Firm) -> Iterator[Scanner]:
    """Two real workers."""
    running = Scanner(client_base.index, Limits(seconds=10.0))
    yield running
    running.close()
