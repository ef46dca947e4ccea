"""Confirmation: what a desk suspected becomes an act with the real clients and their exports, once; false suspicions become nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit_store.event import Content, EventAction, Phase, decode_ids, file_event
from audit_store.manifests import Export, Manifests
from audit_store.search import search
from audit_store.spool import Spool, SpoolError
from auth.tables import Person
from console import confirm
from console.confirm import Confirmations
from console.file_rules import FileRules
from detectors.client_index.desk import DeskFilter
from detectors.knowledge import KnowledgeError
from detectors.scanner import Scanner
from policies.request import Channel
from tests.services.agents import build_index, table
from tests.services.console import Pages

NAME = "agent-00000000000000ff"
NOW = datetime.now(UTC)


class Watch:
    """The confirmation of an installation, and a desk that tells it of files."""

    def __init__(self, pages: Pages, folder: Path) -> None:
        self.services = pages.services
        self.anna: Person = pages.add("Anna Feldmann")
        self.spool = Spool.open(self.services.installation.state / "spool" / NAME, NAME)
        self.filter = folder / "filter"
        self.confirmations = self.fresh()

    def fresh(self) -> Confirmations:
        """As after a start of the console."""
        return Confirmations(
            engine=self.services.engine,
            log=self.services.log,
            own=self.services.spool,
            record=self.services.spool.append,
            index=self.services.index,
            manifests=Manifests(self.services.engine),
            people=self.services.people,
            directory=self.services.directory,
            rules=FileRules(self.services.installation.state, self.services.log, lambda: datetime.now(UTC)),
            orders=self.services.orders,
        )

    def suspects(self, content: bytes) -> frozenset[int]:
        """What a desk makes of a content."""
        self.filter.write_bytes(self.services.index.desk_filter())
        scanner = Scanner(DeskFilter(self.filter), workers=1)
        try:
            return scanner.scan_blocking(content).suspected
        finally:
            scanner.close()

    def tells(
        self,
        content: bytes,
        *,
        at: datetime = NOW,
        unread: tuple[str, ...] = (),
        suspected: frozenset[int] | None = None,
        marks: tuple[str, ...] = (),
    ) -> None:
        self.spool.append(
            file_event(
                at=at,
                pseudonym=self.anna.pseudonym,
                device=NAME,
                channel=Channel.REMOVABLE,
                content=Content(len(content), sha256(content).hexdigest(), "csv"),
                suspected=self.suspects(content) if suspected is None else suspected,
                unread=unread,
                marks=marks,
            )
        )
        self.services.log.take(self.spool)

    def acts(self) -> list[Mapping[str, Any]]:
        self.services.log.take(self.services.spool)
        return [event.document for event in search(self.services.log, action=EventAction.ACCESS)]


@pytest.fixture
def watch(pages: Pages, tmp_path: Path) -> Iterator[Watch]:
    build_index(pages.services.installation.state, range(500))
    made = Watch(pages, tmp_path)
    yield made
    made.confirmations.close()
    made.spool.close()


def test_the_act_names_the_clients_the_person_and_the_export_and_no_value(watch: Watch) -> None:
    content = table(range(40))
    ids = frozenset(map(str, range(40)))
    digest = sha256(content).hexdigest()
    name = Manifests(watch.services.engine).put(Export("mailing", watch.anna.pseudonym, NOW, ids, frozenset(), ("name", "email"), digest))
    watch.tells(content)
    assert watch.confirmations.step() == 1
    (act,) = watch.acts()
    ours = act["torwart"]
    assert decode_ids(ours["clients"]["asked"]) == ids
    assert (ours["act"]["action"], ours["act"]["phase"], ours["channel"], ours["device"]) == ("file_copy", "observed", "removable", NAME)
    assert ours["exports"] == [{"name": name, "act": "mailing", "clients": 40}]
    assert ours["findings"] == [{"kind": "clients", "detector": "client_index", "clients": 40, "where": "file"}]
    assert (act["user"]["id"], act["event"]["outcome"]) == (watch.anna.pseudonym, "success")
    assert (ours["clients"]["shown_count"], ours["clients"]["taken_count"]) == (0, 0)


def test_the_very_file_of_an_export_is_named_before_others_of_the_same_clients(watch: Watch) -> None:
    content = table(range(40))
    ids = frozenset(map(str, range(40)))
    manifests = Manifests(watch.services.engine)
    old = manifests.put(
        Export("old", watch.anna.pseudonym, NOW - timedelta(days=9), ids, frozenset(), ("email",), sha256(content).hexdigest())
    )
    manifests.put(Export("new", watch.anna.pseudonym, NOW, ids, frozenset(), ("email",), "0" * 64))
    watch.tells(content)
    watch.confirmations.step()
    assert watch.acts()[0]["torwart"]["exports"][0]["name"] == old


def test_a_mark_names_its_export_where_no_client_was_suspected(watch: Watch) -> None:
    ids, code = frozenset(map(str, range(40))), "AAAA-BBBB-CCCC-DDDD"
    export = Export("mailing", watch.anna.pseudonym, NOW, ids, frozenset(), ("name",), "0" * 64)
    name = Manifests(watch.services.engine).put(export, lambda _: (code, "0" * 64))
    watch.tells(b"x" * 20, suspected=frozenset(), marks=("ZZZZ-ZZZZ-ZZZZ-ZZZZ",))
    watch.confirmations.step()
    assert watch.acts() == [], "anybody can write what looks like a mark"
    watch.tells(b"x" * 21, suspected=frozenset(), marks=("ZZZZ-ZZZZ-ZZZZ-ZZZZ", code))
    watch.tells(table(range(39, 42)), marks=(code,))
    watch.confirmations.step()
    alone, beside = watch.acts()
    assert alone["torwart"]["exports"] == [{"name": name, "act": "mailing", "clients": 0, "marked": True}]
    assert alone["torwart"]["clients"]["asked_count"] == 0
    assert beside["torwart"]["exports"][0] == {"name": name, "act": "mailing", "clients": 1, "marked": True}


def test_a_false_suspicion_leaves_no_act(watch: Watch) -> None:
    watch.tells(b"", suspected=frozenset(range(1 << 60, (1 << 60) + 500)))
    assert watch.confirmations.step() == 1
    assert watch.acts() == []


def test_what_could_not_be_read_is_an_act_without_clients(watch: Watch) -> None:
    watch.tells(b"", suspected=frozenset(), unread=("encrypted", "invented"))
    watch.confirmations.step()
    (act,) = watch.acts()
    assert act["torwart"]["findings"] == [{"kind": "uninspectable", "detector": "encrypted", "clients": 0, "where": "file"}]
    assert act["torwart"]["clients"]["asked_count"] == 0


def test_each_file_becomes_one_act_also_when_the_cursor_was_lost_after_the_act(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in (10, 20):
        watch.tells(table(range(count)))

    def crash(_self: Confirmations, _position: int) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(Confirmations, "_store", crash)
        with pytest.raises(MemoryError):
            watch.confirmations.step()
    again = watch.fresh()
    assert again.step() == 2
    assert again.step() == 0
    again.close()
    assert [act["torwart"]["clients"]["asked_count"] for act in watch.acts()] == [10, 20]


def test_when_the_act_cannot_be_recorded_the_file_is_not_skipped(watch: Watch) -> None:
    watch.tells(table(range(10)))
    full = watch.fresh()
    full._record = _full
    with pytest.raises(SpoolError):
        full.step()
    full.close()
    watch.confirmations.step()
    assert len(watch.acts()) == 1


def test_without_an_index_the_file_waits_for_one(pages: Pages, tmp_path: Path) -> None:
    watch = Watch(pages, tmp_path)
    watch.tells(b"", suspected=frozenset({7}))
    with pytest.raises(KnowledgeError):
        watch.confirmations.step()
    build_index(pages.services.installation.state, range(10))
    assert watch.confirmations.step() == 1
    watch.spool.close()


@pytest.mark.parametrize(
    ("off", "believed"),
    [
        (timedelta(days=-29), True),
        (timedelta(minutes=4), True),
        (timedelta(days=-31), False),
        (timedelta(minutes=6), False),
        (timedelta(days=9_000), False),
    ],
)
def test_a_clock_that_can_be_right_is_believed(watch: Watch, off: timedelta, believed: bool) -> None:
    told = datetime.now(UTC) + off
    watch.tells(table(range(5)), at=told)
    watch.confirmations.step()
    at = datetime.fromisoformat(watch.acts()[0]["@timestamp"])
    assert abs(at - (told if believed else datetime.now(UTC))) < timedelta(seconds=30)


def test_the_act_id_follows_from_the_place_of_the_agents_event(watch: Watch) -> None:
    watch.tells(table(range(5)))
    (seen,) = search(watch.services.log, action=EventAction.FILE_SEEN)
    assert confirm.act_of(seen) == confirm.act_of(seen)
    watch.confirmations.step()
    assert [event.document["torwart"]["act"]["phase"] for event in search(watch.services.log, act=confirm.act_of(seen))] == []
    watch.services.log.take(watch.services.spool)
    assert [event.document["torwart"]["act"]["phase"] for event in search(watch.services.log, act=confirm.act_of(seen))] == [Phase.OBSERVED]


def _full(_event: object) -> None:
    raise SpoolError("the disk is full")
