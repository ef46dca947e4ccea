"""Erasure deletes who it was; counts, exports and the record stay right under the pseudonym."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

import console.notify  # noqa: F401 # its table is of the database too
from audit_store.alerts import Alerts, Signal
from audit_store.database import Base
from audit_store.engines import is_sqlite
from audit_store.event import EventAction
from audit_store.history import History
from audit_store.log import Log
from audit_store.manifests import Export, Manifests
from audit_store.sealing import unseal
from audit_store.spool import Spool
from audit_store.tables import Manifest
from auth.agent_alarms import AgentAlarms
from auth.agent_order import Verb
from auth.agents import Agents
from auth.approval_tables import Approval, ApprovalRequest
from auth.erasure import erase
from auth.levels import Levels
from auth.orders import Answer, Orders
from auth.people import PeopleError
from auth.people_tables import PeopleImport, PeopleImportChange, StatusPlan
from auth.personal_data import HOLDINGS, Holding, is_erased, rows_of
from auth.recovery_tables import Notice, Recovery, RecoveryCode
from auth.storage import reading, writing
from auth.tables import Act, Agent, AgentOrder, Person
from auth.totp_tables import CodeTry, SecondRoad, TotpSeed
from policies.request import Level, Status
from tests.services.house import Ceremonies, House

NAME, MAIL, ACCOUNT = "Anna Feldmann", "anna@firma.example", "anna.feldmann"
TRACES = (NAME, "Feldmann", MAIL, ACCOUNT, "schreibt nachts ab", "packt ihre Sachen", "Laptop Feldmann")
"""Everything that says who it was, or that somebody wrote about her."""


@pytest.fixture
def leaver(house: House, ceremonies: Ceremonies, tmp_path: Path) -> Person:
    """Somebody with rows in every table, who has left."""
    person = house.people.add(NAME, MAIL, ["manager"], "de", [ACCOUNT])
    levels = Levels(house.engine, house.events, house.pseudonyms)
    levels.set(person.id, Level.WATCHED, datetime.now(UTC) + timedelta(days=3), "schreibt nachts ab", None)
    house.sessions.bind("secret of a session", "session", person.id, ACCOUNT)
    key = ceremonies.enrol(person)
    act = ceremonies.hold(person)
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), "http://torwart.localhost:8401"))
    house.console.open(person.id, ceremonies.key_of(person).id)
    agents = Agents(house.engine, house.events, AgentAlarms(house.events), "http://torwart.localhost:8401")
    agents.issue(person.id, None)
    with Session(house.engine) as session:
        plan = StatusPlan(id="p1", person_id=person.id, status="last_day", day="2099-12-31", due_at=_now(), made_at=_now(), state="planned")
        plan.reason = "schreibt nachts ab"
        session.add_all([plan, PeopleImport(id="i1", at=_now())])
        session.flush()
        session.add(PeopleImportChange(import_id="i1", person_id=person.id, before=None, after={"name": NAME}))
        session.add(Agent(id="a1", person_id=person.id, public_key=b"k" * 32, label="Laptop Feldmann", enrolled_at=_now(), counter=0))
        session.add_all(_codes(person.id, act.id))
        session.commit()
    export = Export("e" * 32, person.pseudonym, _now(), frozenset({"7", "8"}), frozenset({1, 2}), ("name",), "0" * 64, 2)
    Manifests(house.engine).put(export)
    alerts = Alerts(house.engine, house.events)
    raised = alerts.raise_or_grow(Signal("export_try", person.pseudonym, _now(), "high", "tried", {"asked": 7}))
    alerts.close(raised.id, "explained", "P-00000009", "Feldmann packt ihre Sachen")
    house.people.set_status(person.id, Status.GONE, None, f"{NAME} packt ihre Sachen")
    return person


def _codes(person_id: str, act_id: str) -> list[Base]:
    """One row of each kind about codes and lost keys."""
    then = _now()
    made: dict[str, Any] = {"person_id": person_id, "created_at": then}
    return [
        TotpSeed(**made, sealed=b"s" * 60),
        CodeTry(purpose="totp", person_id=person_id, source="0" * 64, at=then),
        SecondRoad(**made, code_hash="1" * 64, act_id=act_id, expires_at=then),
        RecoveryCode(**made, hash="2" * 64),
        Recovery(id="r1", person_id=person_id, token_hash="3" * 64, lost=[], opened_at=then, ready_at=then, expires_at=then),
        Notice(id="n1", person_id=person_id, kind="opened", facts={}, to_person=True, outside=False, made_at=then, next_at=then),
    ]


def _theirs(holding: Holding, person: Person) -> Select[Any]:
    return select(Base.metadata.tables[holding.table]).where(rows_of(holding, person))


def _now() -> datetime:
    return datetime.now(UTC)


def _bytes(house: House) -> bytes:
    """All bytes of the file; of a server, which keeps old rows for a while, all rows that can be read."""
    if not is_sqlite(house.engine):
        with house.engine.connect() as connection:
            rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
        return repr(rows).encode()
    file = Path(house.engine.url.database or "")
    return b"".join(path.read_bytes() for path in file.parent.iterdir() if path.name.startswith(file.name))


def test_nothing_says_any_more_who_it_was_in_no_row_and_no_free_page(house: House, leaver: Person) -> None:
    before = _bytes(house)
    assert all(trace.encode() in before for trace in TRACES)
    done = erase(house.engine, house.events, leaver.id)
    assert done.overwritten == is_sqlite(house.engine)
    after = _bytes(house)
    assert [trace for trace in TRACES if trace.encode() in after] == []
    assert leaver.pseudonym.encode() in after


def test_every_table_with_something_about_her_is_emptied_as_the_list_says(house: House, leaver: Person) -> None:
    with Session(house.engine) as session:
        held = {one.table for one in HOLDINGS if session.execute(_theirs(one, leaver)).first()}
    assert {one.table for one in HOLDINGS if one.deleted} <= held
    done = erase(house.engine, house.events, leaver.id)
    assert set(done.deleted) == {one.table for one in HOLDINGS if one.deleted}
    with Session(house.engine) as session:
        for one in HOLDINGS:
            found = session.execute(_theirs(one, leaver)).first()
            assert (found is not None) == (one.table in held and not one.deleted), one.table
        act = session.scalars(select(Act).where(Act.person_id == leaver.id)).one()
        assert (act.state, act.summary["asked"], act.assertion, act.key_id) == ("cancelled", 2, None, None)
        person = session.get_one(Person, leaver.id)
        assert is_erased(person)
        assert (person.name, person.status) == (leaver.pseudonym, "gone")


def test_a_word_in_the_record_is_readable_before_and_for_nobody_afterwards(house: House, leaver: Person) -> None:
    (changed,) = house.events.of(EventAction.STATUS_CHANGED)
    sealed = changed.document["torwart"]["sealed"]
    assert b"Feldmann" not in changed.canonical()
    with Session(house.engine) as session:
        assert unseal(session, sealed) == f"{NAME} packt ihre Sachen"
    erase(house.engine, house.events, leaver.id)
    with Session(house.engine) as session:
        assert unseal(session, sealed) is None


def test_the_record_verifies_afterwards_and_has_the_erasure(house: House, leaver: Person, tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "spool", "console")
    log = Log.open(tmp_path / "log")
    for event in house.events.seen:
        spool.append(event)
    log.take(spool)
    erase(house.engine, spool.append, leaver.id)
    log.take(spool)
    assert log.verify(spool) == []
    (last,) = log.tail(1)
    assert (last.document["event"]["action"], last.document["torwart"]["subject"]) == ("person-erased", leaver.pseudonym)
    log.close()
    spool.close()


def test_counts_limits_and_exports_stay_as_they_were(house: House, leaver: Person, boris: Person, tmp_path: Path) -> None:
    table = tmp_path / "clients.csv"
    table.write_text(f"client_id,person\n7,{leaver.id}\n8,{leaver.id}\n9,{boris.id}\n")
    house.assignments.import_csv(table)
    history = History()
    history.note(leaver.pseudonym, _now(), shown=frozenset({"7", "8"}), exported=frozenset({"7"}))

    def counted() -> object:
        directory = house.directory()
        now = _now() + timedelta(days=31)
        sizes = (directory.base_size(now), directory.book_size(leaver.id, now), directory.person(leaver.id).pseudonym)
        directory.close()
        usage = history.usage(leaver.pseudonym, _now(), own=frozenset(), base=3, book=2)
        return sizes, usage.before

    before = counted()
    erase(house.engine, house.events, leaver.id)
    assert counted() == before
    with Session(house.engine) as session:
        assert session.scalars(select(Manifest.pseudonym)).all() == [leaver.pseudonym]
    (link,) = Manifests(house.engine).explain({"7", "8"}, {1, 2})
    assert link.pseudonym == leaver.pseudonym


def test_the_account_opens_nothing_and_may_be_somebody_elses(house: House, leaver: Person, boris: Person) -> None:
    directory = house.directory()
    erase(house.engine, house.events, leaver.id)
    directory.refresh()
    assert directory.session("secret of a session") is None
    assert directory.person_of_account(ACCOUNT) is None
    house.people.bind(boris.id, ACCOUNT)
    assert house.people.find(MAIL) is None


def test_only_somebody_who_is_gone_and_has_no_open_alert(house: House, anna: Person) -> None:
    with pytest.raises(PeopleError, match="only somebody who is gone"):
        erase(house.engine, house.events, anna.id)
    house.people.set_status(anna.id, Status.GONE, None)
    Alerts(house.engine, house.events).raise_or_grow(Signal("export_try", anna.pseudonym, _now(), "high", "tried"))
    with pytest.raises(PeopleError, match="an alert about this person is open"):
        erase(house.engine, house.events, anna.id)
    found = house.people.by_id(anna.id)
    assert found is not None
    assert found.name == "Anna Feldmann"
    with pytest.raises(PeopleError, match="no such person"):
        erase(house.engine, house.events, "nobody")


def test_what_cannot_be_recorded_is_not_erased(house: House, leaver: Person) -> None:
    def full(_event: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        erase(house.engine, full, leaver.id)
    found = house.people.by_id(leaver.id)
    assert found is not None
    assert found.name == NAME


def test_a_second_time_only_the_file_is_cleared(house: House, leaver: Person) -> None:
    erase(house.engine, house.events, leaver.id)
    again = erase(house.engine, house.events, leaver.id)
    assert (again.deleted, again.emptied, again.overwritten) == ({}, {}, is_sqlite(house.engine))
    assert len(house.events.of(EventAction.PERSON_ERASED)) == 1


def test_while_somebody_reads_the_file_it_is_said_that_old_copies_may_stay(house: House, leaver: Person) -> None:
    if not is_sqlite(house.engine):
        assert not erase(house.engine, house.events, leaver.id).overwritten, "a server always keeps them for a while"
        return
    with house.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM people").all()
        assert not erase(house.engine, house.events, leaver.id).overwritten
    assert erase(house.engine, house.events, leaver.id).overwritten


def test_an_order_that_waits_for_the_machine_comes_first_and_a_reason_goes_with_whom_it_is_about(house: House, leaver: Person) -> None:
    orders = Orders(house.engine, house.events)
    vera = house.people.add("Vera Prüfer", "vera@firma.example", ["security"], "de", ["vera"])
    assert orders.put_aside("a1", "file-" + "1" * 27, "0" * 32, None, leaver.pseudonym)
    with pytest.raises(PeopleError, match="waits for the machine"):
        erase(house.engine, house.events, leaver.id)
    orders.sign(lambda order: b"signature")
    (row,) = orders.waiting("a1", 0)
    assert orders.answered("a1", row.counter or 0, Answer(Verb.QUARANTINE, "done", None), lambda _row: None)
    orders.release("1" * 8, vera.id, "Feldmann packt ihre Sachen")
    with pytest.raises(PeopleError, match="waits for the machine"):
        erase(house.engine, house.events, leaver.id)
    orders.sign(lambda order: b"signature")
    (row,) = orders.waiting("a1", row.counter or 0)
    assert orders.answered("a1", row.counter or 0, Answer(Verb.RELEASE, "done", None), lambda _row: None)
    (event,) = house.events.of(EventAction.RELEASE_ORDERED)
    sealed = event.document["torwart"]["sealed"]
    with Session(house.engine) as session:
        assert unseal(session, sealed) == "Feldmann packt ihre Sachen"
    erase(house.engine, house.events, leaver.id)
    with Session(house.engine) as session:
        assert unseal(session, sealed) is None
        kept = [(order.verb, order.by, order.reason) for order in session.scalars(select(AgentOrder).order_by(AgentOrder.id))]
    assert kept == [("quarantine", None, None), ("release", vera.id, None)], "that it was released, and by whom, stays"
    assert event.pseudonym == vera.pseudonym


def test_what_she_approved_stays_as_torwart_wrote_it(house: House, leaver: Person) -> None:
    """Erasure empties her words; that is no forgery."""
    asked = {"requester_id": leaver.id, "digest": "0" * 64, "shown": {}, "need": {}, "opened_at": _now(), "expires_at": _now()}
    request = ApprovalRequest(id="q1", kind="act", state="refused", reason="schreibt nachts ab", clock_id="boot", **asked)
    answer = Approval(
        id="y1", request_id="q1", approver_id=leaver.id, roles=["owner"], yes=False, why="Feldmann", challenge=b"c", begun_at=_now()
    )
    with writing(house.engine) as session:
        session.add(request)
        session.flush()
        session.add(answer)
    erase(house.engine, house.events, leaver.id)
    with reading(house.engine) as session:
        rows: tuple[ApprovalRequest, Approval] = (session.get_one(ApprovalRequest, "q1"), session.get_one(Approval, "y1"))
        assert all(row.genuine for row in rows)
        assert (rows[0].reason, rows[1].why) == (None, None)
