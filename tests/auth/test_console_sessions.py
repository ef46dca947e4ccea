"""Sign-ins to Torwart's own pages."""

from datetime import timedelta

from sqlalchemy import select, update

from audit_store.event import EventAction
from auth.console_sessions import OWN, ConsoleSessions, Seat
from auth.session_settings import SessionSettings
from auth.storage import writing
from auth.tables import ConsoleSession, Person
from policies.request import Status
from tests.services.house import CREDENTIAL_KEY, Ceremonies, House

IDLE_SECONDS = int(SessionSettings().idle.total_seconds())
LIFETIME_SECONDS = int(SessionSettings().lifetime.total_seconds())


def _back(house: House, **seconds: int) -> None:
    """Set times of all sign-ins back."""
    with writing(house.engine) as session:
        for row in session.scalars(select(ConsoleSession)):
            for name, by in seconds.items():
                setattr(row, name, getattr(row, name) - timedelta(seconds=by))


def test_a_cookie_leads_to_its_person_with_a_csrf_token_of_its_own(house: House, anna: Person) -> None:
    first, second = house.console.open(anna.id, None), house.console.open(anna.id, None)
    found, other = house.console.find(first), house.console.find(second)
    assert found is not None
    assert other is not None
    assert found[1].id == anna.id
    assert found[0].csrf != other[0].csrf
    assert len(found[0].csrf) >= 43
    assert house.console.find(first + "x") is None


def test_a_sign_in_ends_after_a_working_day(house: House, anna: Person) -> None:
    token = house.console.open(anna.id, None)
    _back(house, expires_at=LIFETIME_SECONDS)
    assert house.console.find(token) is None


def test_an_unused_sign_in_ends_and_use_keeps_it(house: House, anna: Person) -> None:
    used, unused = house.console.open(anna.id, None), house.console.open(anna.id, None)
    _back(house, last_seen_at=IDLE_SECONDS - 10)
    assert house.console.find(used) is not None
    _back(house, last_seen_at=20)
    assert house.console.find(used) is not None
    assert house.console.find(unused) is None


def test_a_frozen_or_departed_person_is_signed_out_at_once(house: House, anna: Person, boris: Person) -> None:
    first, second = house.console.open(anna.id, None), house.console.open(boris.id, None)
    house.people.freeze(anna.id, None)
    house.people.set_status(boris.id, Status.GONE, None)
    assert house.console.find(first) is None
    assert house.console.find(second) is None


def test_a_sign_in_ends_with_the_lock_of_its_key(ceremonies: Ceremonies, anna: Person) -> None:
    """Whoever stole a key may have signed in with it before its owner had it locked."""
    ceremonies.enrol(anna)
    console, key = ceremonies.house.console, ceremonies.key_of(anna)
    stolen, other = console.open(anna.id, key.id), console.open(anna.id, None)
    assert console.find(stolen) is not None
    ceremonies.keys.lock(key.id, None)
    assert console.find(stolen) is None
    assert console.renew(stolen, None) is None
    assert len(console.of(anna.id)) == 1
    assert console.find(other) is not None


def test_the_current_status_is_read_at_every_page(house: House, anna: Person) -> None:
    token = house.console.open(anna.id, None)
    with writing(house.engine) as session:  # past `People`, which would have ended the sign-in
        session.execute(update(Person).values(frozen=True))
    assert house.console.find(token) is None


def test_signing_out_ends_it_and_is_recorded(house: House, anna: Person) -> None:
    token = house.console.open(anna.id, None)
    found = house.console.find(token)
    assert found is not None
    house.console.end(found[0].id)
    assert house.console.find(token) is None
    assert len(house.events.of(EventAction.CONSOLE_LOGIN)) == len(house.events.of(EventAction.CONSOLE_LOGOUT)) == 1
    assert found[0].expires_at - found[0].opened_at == timedelta(seconds=LIFETIME_SECONDS)


def test_the_limits_are_settings(house: House, anna: Person) -> None:
    short = ConsoleSessions(house.engine, house.events, CREDENTIAL_KEY, SessionSettings(idle_minutes=5, hours=1))
    token = short.open(anna.id, None)
    _back(house, last_seen_at=301)
    assert short.find(token) is None
    assert short.of(anna.id) == []
    assert house.console.find(token) is not None
    (row,) = house.console.of(anna.id)
    assert row.expires_at - row.opened_at == timedelta(hours=1)


def test_after_a_touch_there_is_a_new_token_and_the_old_one_is_nobody(house: House, anna: Person) -> None:
    """B29, second half."""
    token = house.console.open(anna.id, None)
    before = house.console.find(token)
    fresh = house.console.renew(token, None)
    assert before is not None
    assert fresh is not None
    after = house.console.find(fresh)
    assert after is not None
    assert house.console.find(token) is None
    assert house.console.renew(token, None) is None
    assert (after[0].id, after[0].expires_at) == (before[0].id, before[0].expires_at), "a touch does not make the day longer"
    assert after[0].csrf != before[0].csrf


def test_a_dead_sign_in_is_not_renewed(house: House, anna: Person) -> None:
    token = house.console.open(anna.id, None)
    _back(house, last_seen_at=IDLE_SECONDS)
    assert house.console.renew(token, None) is None


def test_one_s_own_sign_ins_are_listed_with_their_seats_and_all_but_one_can_be_ended(house: House, anna: Person, boris: Person) -> None:
    here = house.console.open(anna.id, None, Seat("Firefox · Linux", "10.0.0.7"))
    there = house.console.open(anna.id, None, Seat("Chrome · Windows", None))
    of_boris = house.console.open(boris.id, None)
    assert [(row.device, row.source) for row in house.console.of(anna.id)] == [("Chrome · Windows", None), ("Firefox · Linux", "10.0.0.7")]
    kept = house.console.find(here)
    assert kept is not None
    assert house.console.end_all(anna.id, OWN, but=kept[0].id) == 1
    assert house.console.find(there) is None
    assert house.console.find(here) is not None
    assert house.console.find(of_boris) is not None
    (event,) = house.events.of(EventAction.CONSOLE_LOGOUT)
    assert event.document["torwart"]["words"] == {"why": OWN}
    assert "10.0.0.7" not in str([seen.document for seen in house.events.seen])
