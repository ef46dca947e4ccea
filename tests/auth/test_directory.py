"""The gateway's view: in memory, and never older than the last commit."""

import threading
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from audit_store.engines import is_sqlite
from auth.standing import PEOPLE, local_day
from auth.storage import grow, writing
from auth.tables import Person
from policies.request import KeyClass, Status
from tests.services.house import House


def test_a_sign_in_is_seen_at_the_next_request(house: House, anna: Person) -> None:
    directory = house.directory()
    assert directory.session("secret") is None
    bound = house.sessions.bind("secret", "session", anna.id, "anna")
    directory.refresh()
    view = directory.session("secret")
    assert view is not None
    principal = directory.principal(view)
    assert (principal.id, principal.pseudonym, principal.session_id) == (anna.id, anna.pseudonym, bound.id)
    assert principal.roles == {"manager"}
    assert directory.person_of_account("anna") == anna.id
    assert directory.person_of_account("Anna") is None


def test_a_freeze_is_seen_at_the_next_request_and_so_is_its_end(house: House, anna: Person) -> None:
    house.sessions.bind("secret", "session", anna.id, "anna")
    directory = house.directory()
    house.people.freeze(anna.id, None)
    directory.refresh()
    view = directory.session("secret")
    assert view is not None, "the person is told that the access is frozen, not to sign in again"
    assert directory.principal(view).frozen
    house.people.unfreeze(anna.id, None)
    directory.refresh()
    view = directory.session("secret")
    assert view is not None
    assert not directory.principal(view).frozen


def test_a_status_is_seen_at_the_next_request_and_who_is_gone_has_no_session(house: House, anna: Person) -> None:
    house.sessions.bind("secret", "session", anna.id, "anna")
    directory = house.directory()
    house.people.set_status(anna.id, Status.NOTICE_GIVEN, None)
    directory.refresh()
    view = directory.session("secret")
    assert view is not None
    assert directory.principal(view).status is Status.NOTICE_GIVEN
    house.people.set_status(anna.id, Status.GONE, None)
    directory.refresh()
    assert directory.session("secret") is None


def test_a_leave_begins_and_ends_with_its_days_though_nobody_says_so_again(house: House, anna: Person) -> None:
    directory = house.directory()
    for days, away in (((-2, -1), False), ((0, 0), True), ((1, 2), False)):
        first, last = (local_day(datetime.now(UTC)) + timedelta(days=one) for one in days)
        house.people.set_leave(anna.id, first, last, None)
        directory.refresh()
        assert directory.person(anna.id).on_leave is away
    with writing(house.engine) as session:  # as if the day had come, without anything that tells the directory
        person = session.get_one(Person, anna.id)
        person.leave_from = datetime.now(UTC) + timedelta(seconds=0.2)
        grow(session, PEOPLE)
    directory.refresh()
    assert not directory.person(anna.id).on_leave
    time.sleep(0.3)
    directory.refresh()
    assert directory.person(anna.id).on_leave


def test_an_ended_session_is_gone_at_the_next_request(house: House, anna: Person) -> None:
    bound = house.sessions.bind("secret", "session", anna.id, "anna")
    directory = house.directory()
    assert directory.session("secret") is not None
    house.sessions.end(bound.id, "logout")
    directory.refresh()
    assert directory.session("secret") is None


def test_books_follow_creations_changes_and_deletions(house: House, anna: Person, boris: Person) -> None:
    now = datetime.now(UTC)
    directory = house.directory()
    house.assignments.seen_owner({"1": anna.id, "2": anna.id, "3": boris.id, "4": None})
    directory.refresh()
    assert directory.book(anna.id) == {"1", "2"}
    assert directory.owner("3") == boris.id
    assert directory.owner("4") is None
    assert directory.knows("4")
    assert not directory.knows("5")
    assert directory.base_size(now) == 4
    house.assignments.created(["5"], anna.id, now)
    house.assignments.seen_owner({"2": boris.id})
    house.assignments.removed(["1", "4"])
    directory.refresh()
    assert directory.book(anna.id) == {"5"}
    assert directory.book(boris.id) == {"2", "3"}
    assert directory.owner("1") is None
    fresh = house.directory()
    assert fresh.book(boris.id) == directory.book(boris.id)
    assert fresh.base_size(now) == directory.base_size(now) == 1, "two clients have settled, one of them changed hands just now"


def test_creations_and_gains_count_after_thirty_days(house: House, anna: Person, boris: Person) -> None:
    now = datetime.now(UTC)
    house.assignments.seen_owner({str(number): boris.id for number in range(100)})
    house.assignments.created([f"new{number}" for number in range(3000)], anna.id, now)
    house.assignments.seen_owner({"7": anna.id})
    directory = house.directory()
    assert len(directory.book(anna.id)) == 3001
    assert directory.book_size(anna.id, now) == 0
    assert directory.book_size(boris.id, now) == 99
    assert directory.base_size(now) == 99
    later = now + timedelta(days=31)
    assert directory.book_size(anna.id, later) == 3001
    assert directory.base_size(later) == 3100


def test_an_empty_firm_has_a_base_of_one(house: House) -> None:
    assert house.directory().base_size(datetime.now(UTC)) == 1


def test_nothing_is_read_from_the_tables_when_nothing_has_changed(house: House, anna: Person) -> None:
    directory = house.directory()
    statements: list[str] = []
    event.listen(house.engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
    for _ in range(100):
        directory.refresh()
    asked = {statement.partition("FROM ")[2] for statement in statements}
    assert asked == (set() if is_sqlite(house.engine) else {"revisions"}), "SQLite tells without a question"
    house.people.freeze(anna.id, None)
    statements.clear()
    directory.refresh()
    assert any("FROM people" in statement for statement in statements)
    assert not any("FROM assignments" in statement for statement in statements)


def test_the_view_of_one_thread_sees_the_commits_of_another(house: House, anna: Person) -> None:
    directory = house.directory()
    threads = [threading.Thread(target=house.sessions.bind, args=(f"secret{n}", "session", anna.id, "anna")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    directory.refresh()
    assert all(directory.session(f"secret{n}") is not None for n in range(20))


def test_a_touch_is_remembered_for_its_session_until_people_change(house: House, anna: Person) -> None:
    bound = house.sessions.bind("secret", "session", anna.id, "anna")
    house.sessions.bind("other", "session", anna.id, "anna")
    directory = house.directory()
    touched = datetime.now(UTC)
    directory.touched(bound.id, touched, KeyClass.VERIFIED)
    view, other = directory.session("secret"), directory.session("other")
    assert view is not None
    assert other is not None
    assert (directory.principal(view).proven_at, directory.principal(view).proven_with) == (touched, KeyClass.VERIFIED)
    assert directory.principal(other).proven_at is None
    house.people.set_status(anna.id, Status.TALK_PLANNED, None)
    directory.refresh()
    assert directory.principal(view).proven_at is None
