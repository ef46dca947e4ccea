"""An installation with an index and two exports, for the commands that look into files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

import auth.tables  # noqa: F401 # makes the tables known to `open_database`
from audit_store.manifests import Export, Manifests
from audit_store.spool import Spool
from auth.installation import template
from auth.sealed_database import open_sealed
from detectors.client_index.index import ClientIndex
from detectors.mark import Mark, marker
from tests.detectors.client_index.clients import build, email, name, phone

COUNT = 60
MAILS = tuple(f"einkauf{n}@abnehmer{n}.example" for n in range(COUNT))
PHONES = tuple(f"+4930{9_010_000 + n * 17}" for n in range(COUNT))
THIS_YEAR = datetime.now(UTC).year


@dataclass(frozen=True)
class FirmFiles:
    """The commands on one installation."""

    folder: Path
    first: str = ""
    """Name of the export of clients 0 to 39."""
    second: str = ""
    """Name of the export of clients 30 to 49, a year older."""
    marked: str = ""
    """Name of the export of clients 57 to 59, by somebody else, which carries a mark."""
    mark: Mark = field(default_factory=lambda: Mark("", "", "", ""))

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, app: typer.Typer, *words: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--config", str(self.folder / "torwart.yaml")])

    def looks(self) -> list[dict[str, Any]]:
        spool = Spool.open(self.state / "spool" / "cli", "cli")
        try:
            return [json.loads(stored.canonical) for stored in spool.read(0, 1000)]
        finally:
            spool.close()


def rows(clients: range) -> str:
    return "\n".join(f"Kaufhaus {n};{PHONES[n]};{MAILS[n]}" for n in clients)


def installation(folder: Path) -> FirmFiles:
    """Clients 0 to 59; one export holds 0 to 39, an older one 30 to 49, a marked one 57 to 59."""
    (folder / "torwart.yaml").write_text(template(), encoding="utf-8")
    firm = FirmFiles(folder)
    firm.state.mkdir(mode=0o700)
    values = [one for n in range(COUNT) for one in (phone(str(n), PHONES[n]), email(str(n), MAILS[n]), name(str(n), f"Kaufhaus Nummer{n}"))]
    build(firm.state, *values)
    index = ClientIndex(firm.state)
    engine = open_sealed(firm.state / "torwart.db", firm.state)
    try:
        manifests = Manifests(engine)
        text = rows(range(40))
        first = Export(
            act_id="a" * 32,
            pseudonym="P-00000001",
            at=datetime(THIS_YEAR, 5, 12, 9, tzinfo=UTC),
            clients=frozenset(map(str, range(40))),
            keys=frozenset(index.find(text).keys),
            fields=("name", "phone", "email"),
            digest=sha256(text.encode()).hexdigest(),
            rows=40,
        )
        newer = manifests.put(first)
        second = rows(range(30, 50))
        older = manifests.put(
            replace(
                first,
                act_id="b" * 32,
                at=datetime(THIS_YEAR - 1, 5, 13, 9, tzinfo=UTC),
                clients=frozenset(map(str, range(30, 50))),
                keys=frozenset(index.find(second).keys),
                digest=sha256(second.encode()).hexdigest(),
                rows=20,
            )
        )
        third = replace(
            first,
            act_id="c" * 32,
            pseudonym="P-00000002",
            at=datetime(THIS_YEAR, 5, 14, 9, tzinfo=UTC),
            clients=frozenset({"57", "58", "59"}),
            keys=frozenset(index.find(rows(range(57, 60))).keys),
            rows=3,
        )
        marks: list[Mark] = []

        def marking(export: str) -> tuple[str, str]:
            marks.append(marker(firm.state).make(export, "Boris Hartwig", third.at))
            return marks[-1].code, "c" * 64

        marked = manifests.put(third, marking)
    finally:
        engine.dispose()
        index.close()
    return replace(firm, first=newer, second=older, marked=marked, mark=marks[-1])
