"""Promises, part 2, faults 5 and 6: where the record cannot be written nothing goes out; with room again it works, without a restart."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies import reasons
from policies.reasons import Because
from tests.faults.played_crm import CANARY, PlayedCrm, clients_of
from tests.faults.stand import Stand, shown, stand

NOT_RECORDED = Because(reasons.NOT_RECORDED).for_employee("de")


@pytest.fixture
def crm() -> Iterator[PlayedCrm]:
    played = PlayedCrm(spoilt=frozenset({90}))
    yield played
    played.close()


def room(pid: int, *, left: bool) -> None:
    """With `left=False` no file of this process can be written, as on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if left else 0, hard))


def pages_out(gateway: Stand) -> list[frozenset[int]]:
    """The clients of each release that was recorded, in order."""
    return [clients for event in gateway.record() if (clients := shown(event))]


def test_nothing_is_released_while_the_disk_is_full_and_nothing_is_lost(tmp_path: Path, crm: PlayedCrm) -> None:
    with stand(tmp_path / "firm", crm.port) as gateway:
        gateway.start()
        assert gateway.page(1).status == 200
        room(gateway.pid, left=False)
        connections = [gateway.connect() for _ in range(3)]
        for page in range(2, 8):
            for connection in connections:  # everybody, also on connections that are open already
                heard = connection.page(page)
                assert (heard.status, CANARY.encode() in heard.body) == (503, False)
                assert heard.problem["detail"] == NOT_RECORDED
        denied = connections[0].page(90)  # a denial cannot be recorded either
        assert (denied.status, CANARY.encode() in denied.body) == (503, False)
        room(gateway.pid, left=True)
        pid = gateway.pid
        after = [gateway.page(page) for page in (8, 9)]
        assert [heard.status for heard in after] == [200, 200]
        assert gateway.pid == pid
        assert pages_out(gateway) == [frozenset(clients_of(page)) for page in (1, 8, 9)]
        gateway.stop()
        assert gateway.problems() == []


def test_a_kill_on_a_full_disk_leaves_a_record_that_goes_on(tmp_path: Path, crm: PlayedCrm) -> None:
    with stand(tmp_path / "firm", crm.port) as gateway:
        gateway.start()
        assert gateway.page(1).status == 200
        room(gateway.pid, left=False)
        assert gateway.page(2).status == 503
        gateway.kill()
        gateway.start()
        assert gateway.page(3).status == 200
        assert pages_out(gateway) == [frozenset(clients_of(page)) for page in (1, 3)]
        assert gateway.problems() == []


def test_the_web_client_is_told_in_its_own_shape(tmp_path: Path, crm: PlayedCrm) -> None:
    with stand(tmp_path / "firm", crm.port) as gateway:
        gateway.sign_in()
        gateway.start()
        assert gateway.page(1).status == 200  # it has recorded that it runs, without which it would end
        before = list(crm.seen)
        room(gateway.pid, left=False)
        heard = gateway.call("model.party.party.export_data", [1, 3], ["name", "email"])
        said = json.loads(heard.body)
        assert heard.status == 200
        assert said["error"][0] == "UserError"
        title, words, _ = said["error"][1]
        assert f"{title}: {words.splitlines()[0]}" == NOT_RECORDED
        assert crm.seen == before
