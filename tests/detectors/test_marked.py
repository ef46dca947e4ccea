"""Which export a mark names, and how far it is to be believed: forged, altered, copied into another file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import auth.tables  # noqa: F401 # makes the tables known to `open_database`
from audit_store.database import open_database
from audit_store.event import ExportLink
from audit_store.manifests import Export, Manifests
from detectors.mark import Mark, Marker
from detectors.marked import Trust, judged, named_by_marks

OURS = Marker(b"k" * 32)
AT = datetime(2026, 5, 12, 9, 14, tzinfo=UTC)


class Firm:
    """Two exports with marks: Anna's of clients 0 to 39, Boris's of 40 to 49."""

    def __init__(self, manifests: Manifests) -> None:
        self.manifests = manifests
        self.marks: list[Mark] = []
        self.anna = self._exported("a" * 32, "Anna Feldmann", range(40))
        self.boris = self._exported("b" * 32, "Boris Hartwig", range(40, 50))

    def _exported(self, act: str, name: str, clients: range) -> Mark:
        def marking(export: str) -> tuple[str, str]:
            self.marks.append(OURS.make(export, name, AT))
            return self.marks[-1].code, "ab" * 32

        export = Export(act, f"P-{name[0]}", AT, frozenset(map(str, clients)), frozenset(), ("name",), "not of the bytes that left")
        assert self.manifests.put(export, marking) == self.marks[-1].export
        return self.marks[-1]

    def trust(self, mark: Mark, *clients: str) -> tuple[Trust, str | None, int]:
        (one,) = judged([mark], clients, OURS, self.manifests)
        return one.trust, one.manifest.pseudonym if one.manifest is not None else None, one.clients


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    engine = open_database(tmp_path / "torwart.db")
    yield Firm(Manifests(engine))
    engine.dispose()


def test_a_mark_leads_to_its_export_without_a_single_client(firm: Firm) -> None:
    assert firm.trust(firm.anna) == (Trust.GENUINE, "P-A", 0)
    assert firm.trust(firm.anna, "3", "44") == (Trust.GENUINE, "P-A", 1)
    manifest = firm.manifests.get(firm.anna.export)
    assert manifest is not None
    assert manifest.digest == "ab" * 32, "of the bytes with the mark"


def test_a_mark_with_another_name_or_handle_still_tells_whose_code_it_is(firm: Firm) -> None:
    assert firm.trust(replace(firm.boris, person="Anna Feldmann")) == (Trust.ALTERED, "P-B", 0)
    assert firm.trust(replace(firm.boris, export=firm.anna.export)) == (Trust.ALTERED, "P-B", 0)
    assert firm.trust(replace(firm.anna, person="Anna Feldm?nn"), "3") == (Trust.ALTERED, "P-A", 1)


def test_a_code_that_was_made_up_is_nobodys(firm: Firm) -> None:
    assert firm.trust(replace(firm.anna, code="AAAA-BBBB-CCCC-DDDD")) == (Trust.FOREIGN, None, 0)
    assert firm.trust(Marker(b"o" * 32).make(firm.anna.export, "Anna Feldmann", AT)) == (Trust.FOREIGN, None, 0)
    assert firm.trust(OURS.make("FFFFFF", "Anna Feldmann", AT)) == (Trust.GENUINE, None, 0), "an export of before a restore"


def test_of_several_marks_those_come_first_that_are_to_be_believed(firm: Firm) -> None:
    made_up = replace(firm.anna, code="AAAA-BBBB-CCCC-DDDD")
    altered = replace(firm.anna, person="Boris Hartwig")
    found = judged([made_up, altered, firm.anna, firm.boris], ["44"], OURS, firm.manifests)
    assert [one.mark for one in found] == [firm.boris, firm.anna, altered, made_up]


def test_a_mark_copied_into_another_file_does_not_come_before_what_its_clients_say(firm: Firm) -> None:
    boris = ExportLink(firm.boris.export, "b" * 32, 10)
    copied = firm.manifests.of_marks([firm.anna.code]).values()
    assert named_by_marks(copied, ["44"], [boris]) == (boris, ExportLink(firm.anna.export, "a" * 32, 0, marked=True))
    own = firm.manifests.of_marks([firm.boris.code, "AAAA-BBBB-CCCC-DDDD"]).values()
    assert named_by_marks(own, ["44"], [boris]) == (replace(boris, marked=True),)
    assert named_by_marks([], ["44"], [boris]) == (boris,)
