"""Two gateways in two processes over one PostgreSQL: what is once stays once, what is counted is counted together."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from audit_store.database import Server
from audit_store.event import EventAction
from audit_store.history import History
from audit_store.leader import Leader
from audit_store.log import Log
from audit_store.manifests import Manifest
from audit_store.spool import SpoolReader
from auth.people import PEOPLE
from auth.stepup import clock_id
from auth.storage import reading
from auth.tables import Act, Person, Revision
from tests.audit_store.acts import NOW
from tests.services.house import Ceremonies, House, digest_of
from tests.services.postgres import Cluster

ROOT = Path(__file__).parents[2]
ACTS, EXPORTS, READS = 3, 25, 40
GATEWAY = """
import json, sys
from datetime import timedelta
from pathlib import Path
import auth.tables
from audit_store.database import Server, open_database
from audit_store.log import Log
from audit_store.manifests import Export, Manifests
from audit_store.pseudonyms import Pseudonyms
from audit_store.spool import Spool, SpoolReader
from auth.keys import Keys
from auth.row_seal import RowSeal
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.storage import grow, writing
from auth.used_acts import UsedActs
from auth.stepup import StepUp, clock_id
from tests.audit_store.acts import NOW, access

name, url, folder, digest, acts, exports, reads = sys.argv[1:]
engine = open_database(Server(url))
spool = Spool.open(Path(folder) / name, f"gateway-{name}")
log = Log.open(Server(url))
pseudonyms = Pseudonyms(bytes(reversed(range(32))))
seal, used = RowSeal(bytes(range(1, 33))), UsedActs(Path(folder) / "used-acts")
attach(engine, seal, RowVersions(Path(folder) / "row-versions"))
keys = Keys(engine, spool.append, "torwart.localhost", "http://torwart.localhost:8401", seal)
stepup = StepUp(engine, spool.append, keys, pseudonyms, clock_id(engine), seal=seal, used=used, holder=spool.producer)
manifests = Manifests(engine)
print("ready", flush=True)
sys.stdin.readline()
taken = [act for act in json.loads(acts) if stepup.take(act, digest) is not None]
names = []
for number in range(int(exports)):
    export = Export(f"{name}-{number}", "P-1", NOW, frozenset({"1"}), frozenset(), ("name",), "d" * 64)
    names.append(manifests.put(export))
    for _ in range(2):
        with writing(engine) as session:
            grow(session, "people")
for number in range(int(reads)):
    spool.append(access((f"{name}{number}",), at=NOW + timedelta(seconds=number)))
    if number % 7 == 0:
        log.take(SpoolReader.open(Path(folder) / name))
log.take(SpoolReader.open(Path(folder) / name))
print(json.dumps({"taken": taken, "names": names}), flush=True)
"""


@pytest.fixture
def place(postgres: Cluster) -> Server:
    return postgres.migrated()


def test_two_gateways_at_once(place: Server, house: House, ceremonies: Ceremonies, anna: Person, tmp_path: Path) -> None:
    shared = ceremonies.gateway(clock_id(house.engine), holder="gateway-north")
    ceremonies.stepup = shared
    key = ceremonies.enrol(anna)
    acts = [ceremonies.hold(anna).id for _ in range(ACTS)]
    for act in acts:
        shared.complete(act, key.get(shared.begin(act), "http://torwart.localhost:8401"))
    before = revision(house)
    words = (place.url, str(tmp_path), digest_of(anna, ("1", "2")), json.dumps(acts), str(EXPORTS), str(READS))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    gateways = [subprocess.Popen([sys.executable, "-c", GATEWAY, name, *words], cwd=ROOT, **pipes) for name in ("north", "south")]  # type: ignore[call-overload]
    for gateway in gateways:
        assert gateway.stdout.readline() == "ready\n"
    for gateway in gateways:
        gateway.stdin.write("\n")
        gateway.stdin.flush()
    answers = [json.loads(gateway.communicate(timeout=120)[0]) for gateway in gateways]
    assert [gateway.returncode for gateway in gateways] == [0, 0]

    assert sorted(act for answer in answers for act in answer["taken"]) == sorted(acts), "each touch was used once"
    names = [name for answer in answers for name in answer["names"]]
    assert len(set(names)) == 2 * EXPORTS
    with reading(house.engine) as session:
        assert sorted(session.scalars(select(Manifest.name))) == sorted(names)
        assert {session.get_one(Act, act).state for act in acts} == {"used"}
    assert revision(house) == before + 4 * EXPORTS, "no change was counted away by another one"
    log = Log.open(place)
    spools = [SpoolReader.open(tmp_path / name) for name in ("north", "south")]
    rows = log.read(0, 10_000)
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert log.verify(*spools) == []
    history = History()
    history.rebuild(log, now=NOW)
    assert history.usage("P-00000001", at(rows[-1].document), own=frozenset(), base=1_000, book=0).before.shown_day == 2 * READS
    log.close()


def at(document: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(document["@timestamp"]))


def revision(house: House) -> int:
    with reading(house.engine) as session:
        return session.get_one(Revision, PEOPLE).number


def test_a_gateway_that_starts_ends_its_own_acts_and_not_another_ones(
    place: Server, house: House, ceremonies: Ceremonies, anna: Person
) -> None:
    clock = clock_id(house.engine)
    assert clock == clock_id(house.engine)
    gateways = {name: ceremonies.gateway(clock, holder=f"gateway-{name}") for name in ("north", "south")}
    held = {}
    for name, stepup in gateways.items():
        ceremonies.stepup = stepup
        held[name] = ceremonies.hold(anna).id
    assert gateways["north"].end_all() == 1
    states = {name: act.state for name, act_id in held.items() if (act := gateways["south"].get(act_id)) is not None}
    assert states == {"north": "expired", "south": "open"}
    assert [event.action for event in house.events.seen if event.action is EventAction.STEP_UP_ENDED] == [EventAction.STEP_UP_ENDED]


def test_one_console_watches_and_the_next_one_when_it_is_gone(place: Server, house: House) -> None:
    first, second = Leader(house.engine), Leader(house.engine)
    assert [first.leads(), second.leads(), first.leads(), second.leads()] == [True, False, True, False]
    first.close()
    assert [second.leads(), first.leads()] == [True, False]
    second.close()
