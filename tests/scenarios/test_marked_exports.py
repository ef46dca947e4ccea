"""Exports of sales carry their mark, on both roads of a real Tryton, and whoever finds such a row knows the export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from audit_store.database import open_database
from audit_store.manifests import Manifests
from deploy.demo.ceremony import act_of
from detectors.mark import Mark, find_marks, marker
from detectors.marked import Trust, judged
from tests.services.gateway import FIELDS, RunningFirm, phase, result

pytestmark = pytest.mark.needs("tryton")


@pytest.fixture
def manifests(firm: RunningFirm) -> Iterator[Manifests]:
    engine = open_database(firm.state / "torwart.db")
    yield Manifests(engine)
    engine.dispose()


def last_export(firm: RunningFirm) -> tuple[str, int]:
    """Name and rows of the export that went out last."""
    (*_, event) = (event for event in firm.record() if phase(event) == "released" and "manifest" in event["torwart"])
    return event["torwart"]["manifest"], event["torwart"]["rows"]


def is_the_mark(firm: RunningFirm, manifests: Manifests, cell: str, person: str, clients: int) -> None:
    """The cell is the genuine mark of the last export, of so many clients, in this person's name."""
    name, rows = last_export(firm)
    found: set[Mark] = set()
    find_marks(cell.encode(), found)
    (one,) = judged(found, (), marker(firm.state), manifests)
    assert (str(one.mark), one.trust, one.mark.export, one.mark.person) == (cell, Trust.GENUINE, name, person)
    assert one.manifest is not None
    assert (one.manifest.name, one.manifest.rows, rows) == (name, clients, clients)


def test_the_rows_from_which_the_web_client_writes_its_file(firm: RunningFirm, manifests: Manifests) -> None:
    browser, own = firm.browser("boris"), firm.book("boris")[:5]
    browser.listen()
    for call in (("export_data", own, FIELDS, True), ("export_data_domain", [["id", "in", own]], FIELDS, 0, None, None, True)):
        asked = firm.soon(lambda call=call: browser.post(f"model.party.party.{call[0]}", *call[1:], {}))  # type: ignore[misc]
        assert firm.touch(browser.held())
        head, *rows, last = result(asked.result(30))
        assert (len(head), len(rows)) == (3, 5)
        assert last[1:] == ["", ""]
        is_the_mark(firm, manifests, last[0], firm.person("boris").name, 5)


@pytest.mark.parametrize(("separator", "head"), [(",", 1), (";", 0)])
def test_the_file_by_its_address(firm: RunningFirm, manifests: Manifests, separator: str, head: int) -> None:
    own = firm.book("boris")[5:9]
    browser = firm.browser("boris")
    query = {"d": str(own), "f": FIELDS, "dl": separator, "h": str(head)}
    held = browser.http.get("/crm/data/party.party", params=query, headers={"sec-fetch-mode": "cors"})
    assert firm.touch(act_of(held))
    answer = browser.http.get("/crm/data/party.party", params=query)
    assert answer.status_code == 200
    *rows, last = csv.reader(io.StringIO(answer.content.decode("utf-8")), delimiter=separator)
    assert (len(rows), last[1:]) == (4 + head, ["", ""])
    is_the_mark(firm, manifests, last[0], firm.person("boris").name, 4)


def test_the_accounting_program_of_the_owner_reads_a_table_without_it(firm: RunningFirm) -> None:
    some = firm.others("boris")[:3]
    with firm.log_in("oskar") as owner:
        rows = result(firm.confirmed(lambda: owner.post("model.party.party.export_data", some, FIELDS, False, {})))
    assert len(rows) == 3
    assert last_export(firm)[1] == 3
