"""X12, X15: rows of the database are no authority by themselves: a grant that was written, changed, set back or restored gives nothing."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from audit_store.client_sets import encode_ids
from audit_store.database import open_database
from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.client_data import decode, encode
from auth.keys import Keys
from auth.people import People
from auth.row_repair import accept_person
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.stepup import StepUp
from auth.storage import writing
from auth.tables import Act, Key, Person
from deploy.demo.software_key import SoftwareKey
from tests.services.house import RP_ID, SEAL, TORWART, Ceremonies, digest_of


def confirmed(ceremonies: Ceremonies, person: Person, key: SoftwareKey, **about: Any) -> Act:
    act = ceremonies.hold(person, **about)
    ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART))
    found = ceremonies.stepup.get(act.id)
    assert found is not None
    return found


def sql(ceremonies: Ceremonies, statement: str, **values: object) -> None:
    """As somebody with a shell on the database would write it."""
    with ceremonies.house.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def alarms(ceremonies: Ceremonies) -> list[str]:
    return [str(event.document["torwart"]["words"]["cause"]) for event in ceremonies.house.events.of(EventAction.AUTHORITY_ALARM)]


CHANGES: dict[str, object] = {
    "ids": encode_ids(str(number) for number in range(3_000)),
    "fields": orjson.dumps(["email", "name", "phone"]).decode(),
    "summary": orjson.dumps({"action": "export", "asked": 3_000, "allowed": 3_000, "fields": []}).decode(),
    "session_id": "s2",
    "needs": "",
    "boot_id": "this boot",
    "held_by": "gateway-other",
    "expires_at": 32_503_680_000_000_000,
    "opened_at": 0,
    "confirmed_at": 32_503_680_000_000_000,
    "assertion": orjson.dumps({"credentialId": "AA"}).decode(),
    "challenge": b"x" * 32,
    "seal": "0" * 64,
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_grant_changed_by_hand_gives_nothing(ceremonies: Ceremonies, anna: Person, column: str) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    if column == "boot_id":
        sql(ceremonies, "UPDATE acts SET boot_id = 'another' WHERE id = :id", id=act.id)
        assert ceremonies.gateway("another").take(act.id, act.digest) is None
    else:
        sql(ceremonies, f"UPDATE acts SET {column} = :value WHERE id = :id", value=CHANGES[column], id=act.id)  # noqa: S608
        assert ceremonies.stepup.take(act.id, act.digest) is None
    assert alarms(ceremonies) == ["seal"]
    assert ceremonies.stepup.take(act.id, act.digest) is None
    assert alarms(ceremonies) == ["seal"], "it ended: one alarm"


def test_a_grant_of_another_digest_or_person_gives_nothing(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    other = digest_of(boris, ("1", "2"))
    sql(ceremonies, "UPDATE acts SET person_id = :person, digest = :digest WHERE id = :id", person=boris.id, digest=other, id=act.id)
    assert ceremonies.stepup.take_matching(boris.id, "s1", other) is None
    assert alarms(ceremonies) == ["seal"]


def test_an_open_act_confirmed_by_an_update_gives_nothing(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    model = confirmed(ceremonies, anna, key, ids=("9",))
    sql(
        ceremonies,
        "UPDATE acts SET state = 'confirmed', confirmed_at = opened_at, key_id = :key, "
        "challenge = (SELECT challenge FROM acts WHERE id = :model), assertion = (SELECT assertion FROM acts WHERE id = :model), "
        "seal = (SELECT seal FROM acts WHERE id = :model) WHERE id = :id",
        key=model.key_id,
        model=model.id,
        id=act.id,
    )
    assert ceremonies.stepup.take(act.id, act.digest) is None
    assert alarms(ceremonies) == ["seal"]


def test_an_inserted_row_gives_nothing_and_shows_no_ceremony(ceremonies: Ceremonies, anna: Person) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    columns = ", ".join(column.name for column in Act.__table__.columns if column.name != "id")
    for state in ("confirmed", "open"):
        sql(ceremonies, f"INSERT INTO acts (id, {columns}) SELECT 'forged-{state}', {columns} FROM acts WHERE id = :id", id=act.id)  # noqa: S608
        sql(ceremonies, "UPDATE acts SET state = :state WHERE id = :id", state=state, id=f"forged-{state}")
    assert ceremonies.stepup.take("forged-confirmed", act.digest) is None
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.begin("forged-open")
    assert alarms(ceremonies) == ["seal", "seal"]
    assert ceremonies.stepup.take(act.id, act.digest) is not None, "the true one is as good as before"


def test_what_was_changed_before_the_touch_cannot_be_confirmed(ceremonies: Ceremonies, anna: Person) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    options = ceremonies.stepup.begin(act.id)
    sql(ceremonies, "UPDATE acts SET ids = :ids WHERE id = :id", ids=CHANGES["ids"], id=act.id)
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, key.get(options, TORWART))
    assert alarms(ceremonies) == ["seal"]


def test_a_seal_alone_is_no_touch(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    """Whoever has the key of the seals too still needs the person's hardware key for exactly these words."""
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    theirs = confirmed(ceremonies, boris, ceremonies.enrol(boris))
    for number, change in enumerate(({"summary": {**act.summary, "asked": 3}}, {"assertion": theirs.assertion}, {"assertion": {}})):
        again = ceremonies.hold(anna, ids=(str(number),))
        with writing(ceremonies.house.engine) as session:
            row = session.get_one(Act, again.id)
            row.state, row.confirmed_at, row.key_id = "confirmed", act.confirmed_at, act.key_id
            row.challenge, row.assertion = act.challenge, act.assertion
            for name, value in change.items():
                setattr(row, name, value)
            SEAL.put(row)
        assert ceremonies.stepup.take(again.id, again.digest) is None
    assert len(alarms(ceremonies)) == 3
    assert "seal" not in alarms(ceremonies)


def test_a_used_grant_set_back_by_hand_is_not_used_again(ceremonies: Ceremonies, anna: Person) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    with ceremonies.house.engine.begin() as connection:
        before = connection.execute(text("SELECT * FROM acts WHERE id = :id"), {"id": act.id}).mappings().one()
    assert ceremonies.stepup.take(act.id, act.digest) is not None
    columns = ", ".join(f"{name} = :{name}" for name in before if name != "id")
    sql(ceremonies, f"UPDATE acts SET {columns} WHERE id = :id", **before)  # noqa: S608
    other_process = ceremonies.gateway()
    assert other_process.take(act.id, act.digest) is None
    assert alarms(ceremonies) == ["used_before"]


def test_a_cancelled_grant_set_back_by_hand_stays_ended(ceremonies: Ceremonies, anna: Person) -> None:
    key = ceremonies.enrol(anna)
    turned_down, cut = confirmed(ceremonies, anna, key), confirmed(ceremonies, anna, key, ids=("9",))
    ceremonies.stepup.cancel(turned_down.id)
    ceremonies.house.people.freeze(anna.id, None)
    ceremonies.house.people.unfreeze(anna.id, None)
    for act in (turned_down, cut):
        sql(ceremonies, "UPDATE acts SET state = 'confirmed', ended_at = NULL, ended_why = NULL WHERE id = :id", id=act.id)
        assert ceremonies.stepup.take(act.id, act.digest) is None


def test_a_key_that_was_locked_or_given_away_meanwhile_proves_nothing(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    ceremonies.enrol(boris)
    first, second = confirmed(ceremonies, anna, ceremonies.enrol(anna)), ceremonies.key_of(boris)
    ceremonies.keys.lock(ceremonies.key_of(anna).id, None)
    assert ceremonies.stepup.take(first.id, first.digest) is None
    mine = ceremonies.enrol(anna)
    other = confirmed(ceremonies, anna, mine, ids=("9",))
    sql(ceremonies, "UPDATE keys SET person_id = :person WHERE id = :id", person=boris.id, id=other.key_id)
    assert ceremonies.stepup.take(other.id, other.digest) is None
    assert second.person_id == boris.id
    assert len(alarms(ceremonies)) >= 1


def test_a_key_that_nobody_registered_confirms_nothing(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    """A row of `keys` with the thief's own key in it, and one that was unlocked or given to another person by hand."""
    own, thief = ceremonies.enrol(anna), ceremonies.enrol(boris)
    others = ("id", "person_id", "credential_id")
    columns = ", ".join(column.name for column in Key.__table__.columns if column.name not in others)
    sql(
        ceremonies,
        f"INSERT INTO keys (id, person_id, credential_id, {columns}) "  # noqa: S608
        f"SELECT 'forged', :anna, CAST(credential_id || 'x' AS BLOB), {columns} FROM keys WHERE person_id = :boris",
        anna=anna.id,
        boris=boris.id,
    )
    act = ceremonies.hold(anna)
    answer = thief.get({**ceremonies.stepup.begin(act.id), "allowCredentials": []}, TORWART)
    raw = decode(answer["rawId"]) + b"x"
    answer["response"] = {**answer["response"], "userHandle": None}
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, {**answer, "id": encode(raw), "rawId": encode(raw)})
    assert "seal" in alarms(ceremonies)

    ceremonies.keys.lock(next(key.id for key in ceremonies.keys.of(anna.id) if key.id != "forged"), None)
    sql(ceremonies, "UPDATE keys SET locked_at = NULL, locked_why = NULL WHERE person_id = :id AND id != 'forged'", id=anna.id)
    before = len(alarms(ceremonies))
    waiting = ceremonies.hold(anna, ids=("9",))
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(waiting.id, own.get(ceremonies.stepup.begin(waiting.id), TORWART))
    assert len(alarms(ceremonies)) > before


# X15: an older database file


@pytest.fixture
def restored(ceremonies: Ceremonies, tmp_path: Path) -> Path:
    """Where a copy of the database may be put."""
    return tmp_path / "copy.db"


def copy(ceremonies: Ceremonies, to: Path) -> None:
    with ceremonies.house.engine.connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{to}'")


def after_restore(ceremonies: Ceremonies, file: Path) -> tuple[StepUp, People]:
    """The installation over the older file, with the same keys and the same state folder."""
    engine = open_database(file)
    attach(engine, SEAL, RowVersions(file.parent / "row-versions"))
    house = ceremonies.house
    keys = type(ceremonies.keys)(engine, house.events, *_about(ceremonies.keys))
    stepup = StepUp(engine, house.events, keys, house.pseudonyms, "this boot", seal=SEAL, used=ceremonies.used)
    return stepup, People(engine, house.events, house.pseudonyms)


def _about(keys: Keys) -> list[Any]:
    return [RP_ID, TORWART] + ([keys._seal] if hasattr(keys, "_seal") else [])


def test_a_grant_that_was_used_is_not_there_again_after_a_restore(ceremonies: Ceremonies, anna: Person, restored: Path) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    copy(ceremonies, restored)
    assert ceremonies.stepup.take(act.id, act.digest) is not None
    stepup, _ = after_restore(ceremonies, restored)
    assert stepup.take(act.id, act.digest) is None
    assert alarms(ceremonies) == ["older_database"]


def test_what_waits_in_an_older_database_is_dead_though_it_was_never_used(ceremonies: Ceremonies, anna: Person, restored: Path) -> None:
    key = ceremonies.enrol(anna)
    act, waiting = confirmed(ceremonies, anna, key), ceremonies.hold(anna, ids=("5",))
    options = ceremonies.stepup.begin(waiting.id)
    copy(ceremonies, restored)
    ceremonies.house.people.freeze(anna.id, None)
    ceremonies.stepup.open_of(anna.id, "s1")
    ceremonies.house.people.unfreeze(anna.id, None)
    ceremonies.hold(anna, ids=("6",))
    stepup, people = after_restore(ceremonies, restored)
    assert stepup.take(act.id, act.digest) is None
    with pytest.raises(StepUpRefused):
        stepup.complete(waiting.id, key.get(options, TORWART))
    assert alarms(ceremonies) == ["older_database"], "told once, then the tables count as they stand"
    ceremonies.stepup, ceremonies.house.people = stepup, people
    with pytest.raises(StepUpRefused):  # the person was changed since: somebody looks at it first
        confirmed(ceremonies, anna, key, ids=("8",))
    accept_person(people._engine, ceremonies.house.events, ceremonies.house.pseudonyms, anna.id, withheld=())
    fresh = confirmed(ceremonies, anna, key, ids=("7",))
    assert stepup.take(fresh.id, fresh.digest) is not None


def test_an_open_act_of_an_older_database_cannot_be_confirmed(ceremonies: Ceremonies, anna: Person, restored: Path) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    options = ceremonies.stepup.begin(act.id)
    copy(ceremonies, restored)
    ceremonies.hold(anna, ids=("9",))
    stepup, _ = after_restore(ceremonies, restored)
    with pytest.raises(StepUpRefused):
        stepup.complete(act.id, key.get(options, TORWART))
    assert alarms(ceremonies) == ["older_database"]


def test_a_copy_at_the_same_point_is_no_restore(ceremonies: Ceremonies, anna: Person, restored: Path) -> None:
    act = confirmed(ceremonies, anna, ceremonies.enrol(anna))
    copy(ceremonies, restored)
    stepup, _ = after_restore(ceremonies, restored)
    assert stepup.take(act.id, act.digest) is not None
    assert alarms(ceremonies) == []
