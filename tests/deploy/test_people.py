"""The made-up people and their books of clients."""

import csv
from collections import Counter
from pathlib import Path

from deploy.demo.clients import CLIENT_COUNT
from deploy.demo.people import ANNA, PEOPLE, Role, assignment, book_of, write_assignment


def test_six_managers_share_all_clients_in_books_of_three_to_seven_hundred() -> None:
    books = [person.book for person in PEOPLE if person.role is Role.MANAGER]
    assert len(books) == 6
    assert all(300 <= book <= 700 for book in books)
    assert sum(books) == CLIENT_COUNT


def test_nobody_but_managers_has_a_book() -> None:
    assert {person.role for person in PEOPLE if not person.book} == {Role.OWNER, Role.HEAD_OF_SALES, Role.ACCOUNTANT}


def test_logins_are_unlike_each_other_and_not_the_admin_of_the_crm() -> None:
    logins = [person.login for person in PEOPLE]
    assert len(set(logins)) == len(logins)
    assert "admin" not in logins


def test_every_client_belongs_to_one_manager_and_the_books_are_as_large_as_said() -> None:
    assert Counter(assignment().values()) == {person.login: person.book for person in PEOPLE if person.book}
    assert set(assignment()) == set(range(1, CLIENT_COUNT + 1))


def test_books_are_mixed_over_the_client_numbers() -> None:
    first = [owner for number, owner in assignment().items() if number <= 300]
    assert len(set(first)) == 6


def test_the_table_for_torwart_names_the_ids_of_the_crm(tmp_path: Path) -> None:
    party_ids = {number: number + 10_000 for number in range(1, CLIENT_COUNT + 1)}
    path = tmp_path / "clients.csv"
    write_assignment(path, party_ids)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == CLIENT_COUNT
    hers = [int(row["client_id"]) for row in rows if row["person"] == ANNA.login]
    assert hers == book_of(ANNA.login, party_ids)
    assert len(hers) == ANNA.book
    assert min(hers) > 10_000
