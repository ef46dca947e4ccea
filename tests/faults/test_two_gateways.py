"""Law 6 over processes: a person who asks two gateways at the same moment has one limit, not one at each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from auth.policy_signature import PolicyKey
from deploy.demo.tryton_process import free_port
from policies.store import PolicyStore
from tests.bench.firm import CLIENTS, is_own
from tests.faults.played_crm import PlayedCrm, clients_of, email
from tests.faults.stand import Connection, Heard, Stand, shown, stand

LIMIT = CLIENTS // 100 - 1
"""The next one reaches 1 % of the base, and needs a key."""
PAGES, CONNECTIONS = 40, 3
"""Pages that each gateway is asked for, each with one client of others; connections to each."""
_LIMITS = (
    ("{counter: foreign_shown_day, percent: 90, of: base}", "{counter: foreign_shown_day, percent: 1, of: base}"),
    ("{counter: foreign_shown_day, percent: 100, of: base}", "{counter: foreign_shown_day, percent: 2, of: base}"),
)
_CASES = """\
cases:
  - name: a manager sees some of the others' clients
    given: {roles: [manager], action: list, own: 1, others: 1}
    expect: allow
"""


def narrow(folder: Path) -> None:
    """The rules of the stand with limits that are soon reached."""
    text = (folder / "policy" / "bench.yaml").read_text(encoding="utf-8")
    for old, new in _LIMITS:
        assert text.count(old) == 1
        text = text.replace(old, new)
    rules = folder / "rules"
    rules.mkdir()
    (rules / "bench.yaml").write_text(text, encoding="utf-8")
    (rules / "bench.cases.yaml").write_text(_CASES, encoding="utf-8")
    PolicyStore(folder / "state" / "policies", PolicyKey(folder / "state" / "keys")).activate(rules, "torwart")


@contextmanager
def beside(first: Stand) -> Iterator[Stand]:
    """A second gateway process over the same installation, at a port of its own."""
    second = object.__new__(Stand)
    second.__dict__.update(first.__dict__)
    second.port, second.said, second._process = free_port(), first.said.with_name("second.log"), None
    second.config = first.config.with_name("second.yaml")
    text = first.config.read_text(encoding="utf-8")
    for host in ("crm.localhost", "127.0.0.1"):
        text = text.replace(f"{host}:{first.port}", f"{host}:{second.port}")
    second.config.write_text(text, encoding="utf-8")
    second.start()
    try:
        yield second
    finally:
        second.stop()


def ask(gateway: Stand, pages: range) -> list[tuple[int, Heard]]:
    """One client's pages, one after the other."""
    connection: Connection = gateway.connect()
    try:
        return [(page, connection.page(page)) for page in pages]
    finally:
        connection.close()


def test_both_together_show_no_more_than_one_would(tmp_path: Path) -> None:
    crm = PlayedCrm()
    with stand(tmp_path / "firm", crm.port) as first:
        narrow(tmp_path / "firm")
        first.start()
        with beside(first) as second, ThreadPoolExecutor(2 * CONNECTIONS) as threads:
            lots = []
            for place in range(2 * CONNECTIONS):  # distinct pages for each connection
                start = place * PAGES
                lots.append(threads.submit(ask, (first, second)[place % 2], range(start, start + PAGES)))
            heard = [answer for lot in lots for answer in lot.result()]
            released = [page for page, answer in heard if answer.status == 200]
            others = {client for page in released for client in clients_of(page) if not is_own(client)}
            assert len(others) == LIMIT
            assert {answer.status for page, answer in heard if page not in set(released)} <= {401, 403}
            for page in released:
                assert page in crm.seen
            by_record = frozenset().union(*(shown(event) for event in first.record()))
            assert {client for client in by_record if not is_own(client)} == others
            assert first.page(released[0]).status == second.page(released[-1]).status == 200, "what was seen is seen again"

        first.stop()
        first.start()  # a restart counts the same
        assert first.page(released[0]).status == 200
        assert first.page(2 * CONNECTIONS * PAGES).status in (401, 403)
        assert first.problems() == []


@pytest.mark.parametrize("killed", [0, 1])
def test_a_gateway_that_dies_in_the_midst_of_a_turn_holds_up_nobody(tmp_path: Path, killed: int) -> None:
    crm = PlayedCrm()
    with stand(tmp_path / "firm", crm.port) as first:
        first.start()
        with beside(first) as second, ThreadPoolExecutor(2) as threads:
            dying, living = (first, second) if killed == 0 else (second, first)
            asking = threads.submit(ask, living, range(60))
            threads.submit(ask, dying, range(100, 400))
            dying.kill()
            heard = asking.result()
            assert [answer.status for _, answer in heard] == [200] * 60
            assert email(1) in heard[0][1].body.decode()
