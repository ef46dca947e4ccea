"""Which gateways run and what they know."""

from datetime import UTC, datetime, timedelta

from auth.attendance import LOST, Attendance, attending, people_revision
from auth.people_tables import GatewayView
from auth.storage import reading, writing
from auth.tables import Person
from tests.services.house import House


def revision(house: House) -> int:
    with reading(house.engine) as session:
        return people_revision(session)


def test_a_gateway_knows_what_was_changed_once_it_has_said_so(house: House, anna: Person) -> None:
    first, second = Attendance(house.engine, "gateway"), Attendance(house.engine, "proxy")
    for one in (first, second):
        one.tell(revision(house))
    house.people.freeze(anna.id, None)
    assert [one.knows for one in attending(house.engine, 0)] == [False, False]
    second.tell(revision(house))
    assert [(one.producer, one.knows) for one in attending(house.engine, 0)] == [("gateway", False), ("proxy", True)]
    first.leave()
    assert [(one.producer, one.knows) for one in attending(house.engine)] == [("proxy", True)]


def test_two_processes_of_one_name_are_two(house: House) -> None:
    Attendance(house.engine, "gateway").tell(1)
    Attendance(house.engine, "gateway").tell(1)
    assert len(attending(house.engine, 0)) == 2


def test_it_tells_when_something_is_new_and_not_at_every_look(house: House) -> None:
    one = Attendance(house.engine, "gateway")
    assert one.has_news(7)
    one.tell(7)
    assert not one.has_news(7)
    assert one.has_news(8)


def test_who_was_not_heard_for_minutes_is_not_there_and_is_swept_away(house: House) -> None:
    lost, living = Attendance(house.engine, "gateway"), Attendance(house.engine, "proxy")
    lost.tell(1)
    with writing(house.engine) as session:
        for row in session.query(GatewayView):
            row.seen_at = datetime.now(UTC) - LOST - timedelta(seconds=1)
    assert attending(house.engine, 0) == []
    living.tell(1)
    with reading(house.engine) as session:
        assert [row.producer for row in session.query(GatewayView)] == ["proxy"]
