"""Law 6 over machines that share a PostgreSQL: a person who asks gateways of both at the same moment has one limit, not one at each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.demo.tryton_process import free_port
from tests.bench.firm import is_own
from tests.faults.played_crm import PlayedCrm, clients_of
from tests.faults.stand import Stand, shown, stand
from tests.faults.test_two_gateways import CONNECTIONS, LIMIT, PAGES, ask, narrow
from tests.services.postgres import Cluster

pytestmark = pytest.mark.needs("postgresql")
FIRST = 3
"""Pages that each machine is asked for before both are asked at once: so both take part, however quick one of them is."""


@contextmanager
def other_machine(first: Stand, folder: Path) -> Iterator[Stand]:
    """A second machine: a state folder of its own with the same keys and rules, the same database."""
    shutil.copytree(first.config.parent, folder)
    shutil.rmtree(folder / "state" / "spool")
    second = object.__new__(Stand)
    second.__dict__.update(first.__dict__)
    second.port, second.said, second._process = free_port(), folder / "gateway.log", None
    second.config, second.state = folder / first.config.name, folder / "state"
    text = second.config.read_text(encoding="utf-8").replace("machine: nord", "machine: sued")
    for host in ("crm.localhost", "127.0.0.1"):
        text = text.replace(f"{host}:{first.port}", f"{host}:{second.port}")
    second.config.write_text(text, encoding="utf-8")
    second.start()
    try:
        yield second
    finally:
        second.stop()


@contextmanager
def two_machines(tmp_path: Path, postgres: Cluster, crm: PlayedCrm) -> Iterator[tuple[Stand, Stand]]:
    """Both are running, with limits that are soon reached."""
    top = f"machine: nord\ndatabase:\n  url: {postgres.migrated().url}\n"
    with stand(tmp_path / "nord", crm.port, top=top) as first:
        narrow(tmp_path / "nord")
        first.start()
        with other_machine(first, tmp_path / "sued") as second:
            yield first, second


def others_of(stands: tuple[Stand, Stand]) -> list[set[int]]:
    """The others' clients that each machine's record says went out."""
    return [{client for event in one.record() for client in shown(event) if not is_own(client)} for one in stands]


def test_both_together_show_no_more_than_one_would(tmp_path: Path, postgres: Cluster) -> None:
    crm = PlayedCrm()
    with two_machines(tmp_path, postgres, crm) as both, ThreadPoolExecutor(2 * CONNECTIONS) as threads:
        start = 2 * CONNECTIONS * PAGES + 1
        first = [answer for place, one in enumerate(both) for answer in ask(one, range(start + FIRST * place, start + FIRST * (place + 1)))]
        lots = [threads.submit(ask, both[place % 2], range(place * PAGES, (place + 1) * PAGES)) for place in range(2 * CONNECTIONS)]
        heard = first + [answer for lot in lots for answer in lot.result()]
        released = [page for page, answer in heard if answer.status == 200]
        others = {client for page in released for client in clients_of(page) if not is_own(client)}
        assert len(others) == LIMIT
        assert {answer.status for page, answer in heard if page not in set(released)} <= {401, 403}
        nord, sued = others_of(both)
        assert nord | sued == others
        assert nord, "both took part"
        assert sued
        for one in both:
            assert one.page(2 * CONNECTIONS * PAGES).status in (401, 403)
            assert one.page(released[0]).status == one.page(released[-1]).status == 200, "what was seen is seen again"
        for one in both:
            one.stop()
            assert one.problems() == []


def test_a_machine_that_dies_in_the_midst_of_a_turn_holds_up_nobody_and_counts(tmp_path: Path, postgres: Cluster) -> None:
    crm = PlayedCrm()
    with two_machines(tmp_path, postgres, crm) as both, ThreadPoolExecutor(2) as threads:
        dying, living = both
        before = threads.submit(ask, dying, range(LIMIT // 2))
        assert {answer.status for _, answer in before.result()} == {200}
        lost = threads.submit(ask, dying, range(100, 400))
        dying.kill()
        lost.exception()
        heard = [living.page(page) for page in range(1_000, 1_000 + LIMIT)]
        went_out = sum(answer.status == 200 for answer in heard)
        nord, sued = others_of(both)
        assert went_out == len(sued)
        assert len(nord) >= LIMIT // 2
        assert len(nord | sued) == LIMIT, "what the dead one had released is counted"


def test_while_the_database_is_away_nothing_new_goes_out_and_then_all_goes_on(tmp_path: Path, postgres: Cluster) -> None:
    crm = PlayedCrm()
    with two_machines(tmp_path, postgres, crm) as both:
        assert [one.page(number).status for number, one in enumerate(both)] == [200, 200]
        postgres.stop("immediate")
        try:
            assert all(one.page(10 + number).status >= 400 for number, one in enumerate(both))
        finally:
            postgres.start()
        for number, one in enumerate(both):
            answers = [one.page(20 + number).status for _ in range(5)]
            assert answers[-1] == 200, answers
