"""The table of owners and its import."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit_store.event import EventAction
from auth.assignments import TableError
from auth.tables import Person
from tests.services.house import House


def _table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "clients.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_person_is_named_by_account_address_or_id(house: House, anna: Person, boris: Person, tmp_path: Path) -> None:
    table = _table(tmp_path, f"client_id,person\n1,anna\n2,Boris@firma.example\n3,{anna.id}\n4,\n")
    done = house.assignments.import_csv(table)
    assert (done.rows, done.changed, done.people) == (4, 4, 2)
    directory = house.directory()
    assert directory.book(anna.id) == {"1", "3"}
    assert directory.book(boris.id) == {"2"}
    assert directory.knows("4")
    assert directory.base_size(datetime.now(UTC)) == directory.book_size(anna.id, datetime.now(UTC)) + 2 == 4


@pytest.mark.parametrize("text", ["client_id;person\r\n1;anna\r\n", "\ufeffclient_id,person\n1,anna\n", 'Person,"Client_ID"\nanna,"1"\n\n'])
def test_tables_of_office_programs_are_read(house: House, anna: Person, tmp_path: Path, text: str) -> None:
    house.assignments.import_csv(_table(tmp_path, text))
    assert house.directory().book(anna.id) == {"1"}


def test_all_faults_are_told_at_once_with_their_lines_and_nothing_is_taken_over(house: House, anna: Person, tmp_path: Path) -> None:
    table = _table(tmp_path, "client_id,person\n1,anna\n2,nobody\n1,anna\n,anna\n5,anna\n")
    with pytest.raises(TableError) as told:
        house.assignments.import_csv(table)
    places = [error.removeprefix(f"{table}:").split(":")[0] for error in told.value.errors]
    assert places == ["3", "4", "5"]
    assert house.directory().book(anna.id) == frozenset()
    assert house.events.of(EventAction.ASSIGNMENTS_IMPORTED) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "client,owner\n1,anna\n",
        "client_id,person\n1\n",
        "client_id,person,person\n1,anna,anna\n",
        b"client_id,person\n\xff,anna\n",
        'client_id,person\n"1,anna\n',
    ],
)
def test_a_table_of_another_shape_is_refused(house: House, anna: Person, tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(TableError):
        house.assignments.import_csv(_table(tmp_path, text))
    assert house.assignments.count() == 0


def test_a_missing_table_is_one_clear_line(house: House, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        house.assignments.import_csv(tmp_path / "nothing.csv")


def test_an_import_changes_only_what_it_names(house: House, anna: Person, boris: Person, tmp_path: Path) -> None:
    house.assignments.import_csv(_table(tmp_path, "client_id,person\n1,anna\n2,anna\n"))
    done = house.assignments.import_csv(_table(tmp_path, "client_id,person\n2,boris\n3,boris\n"))
    assert done.changed == 2
    directory = house.directory()
    assert directory.book(anna.id) == {"1"}
    assert directory.book(boris.id) == {"2", "3"}
    assert house.assignments.import_csv(_table(tmp_path, "client_id,person\n2,boris\n")).changed == 0


def test_a_table_of_thousands_is_taken_over_whole(house: House, anna: Person, tmp_path: Path) -> None:
    rows = "".join(f"{number},anna\n" for number in range(3000))
    assert house.assignments.import_csv(_table(tmp_path, "client_id,person\n" + rows)).changed == 3000
    assert len(house.directory().book(anna.id)) == house.assignments.count() == 3000
    (event,) = house.events.of(EventAction.ASSIGNMENTS_IMPORTED)
    assert event.document["torwart"]["numbers"] == {"clients": 3000, "changed": 3000, "people": 1}


def test_creating_a_client_again_takes_nothing_from_its_owner(house: House, anna: Person, boris: Person) -> None:
    house.assignments.seen_owner({"1": anna.id})
    house.assignments.created(["1"], boris.id, datetime.now(UTC))
    assert house.directory().owner("1") == anna.id


def test_a_client_that_its_creators_field_named_first_still_counts_later(house: House, anna: Person) -> None:
    now = datetime.now(UTC)
    house.assignments.seen_owner({"1": anna.id})
    house.assignments.created(["1"], anna.id, now)
    assert house.directory().book_size(anna.id, now) == 0
