"""A gateway under way takes a new version: at its next request, none is dropped, and the one before never speaks again."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.policy_signature import PolicyKey
from policies.masks import HIDDEN
from policies.store import PolicyStore
from policies.vocabulary import VOCABULARY, read_vocabulary
from tests.faults.played_crm import PlayedCrm
from tests.faults.stand import Heard, Stand, stand

CLIENTS = 4
CASES = """\
cases:
  - {name: a card, given: {roles: [manager], action: read, own: 1, others: 1}, expect: {decision: allow}}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Stand]:
    crm = PlayedCrm()
    with stand(tmp_path / "firm", crm.port) as one:
        one.start()
        yield one
    crm.close()


@pytest.fixture
def narrower(gateway: Stand, tmp_path: Path) -> Path:
    """The rules in force, but one's own clients are masked too."""
    folder = tmp_path / "narrower"
    folder.mkdir()
    text = (gateway.state / "policies" / "versions" / "0001" / "bench.yaml").read_text("utf-8")
    old = "masks: {contact: hide}\n    for: others\n"
    assert old in text
    (folder / "bench.yaml").write_text(text.replace(old, old.replace("others", "all")), "utf-8")
    (folder / "bench.cases.yaml").write_text(CASES, "utf-8")
    return folder


def own_is_clear(heard: Heard) -> bool:
    """Of the two clients of a page the first is the manager's own."""
    assert heard.status == 200, heard.body
    own, other = (row["email"] for row in json.loads(heard.body))
    assert other == HIDDEN
    return bool(own != HIDDEN)


def test_no_request_is_dropped_and_the_next_one_is_judged_by_the_new_version(gateway: Stand, narrower: Path) -> None:
    activated, enough = threading.Event(), threading.Event()
    before: list[bool] = []
    after: list[bool] = []
    errors: list[Exception] = []

    def ask(page: int) -> None:
        connection = gateway.connect()
        try:
            while not enough.is_set():
                new = activated.is_set()  # asked before the request is sent: what comes then is judged by the new version
                (after if new else before).append(own_is_clear(connection.page(page)))
        except (OSError, http.client.HTTPException, AssertionError) as error:
            errors.append(error)
        finally:
            connection.close()

    clients = [threading.Thread(target=ask, args=(page,)) for page in range(1, CLIENTS + 1)]
    for client in clients:
        client.start()
    store = PolicyStore(gateway.state / "policies", PolicyKey(gateway.state / "keys"))
    while len(before) < 4 * CLIENTS and not errors:  # everybody is at work
        enough.wait(0.01)
    assert store.activate(narrower, "admin") == 2
    activated.set()
    while len(after) < 40 and not errors:
        enough.wait(0.01)
    enough.set()
    for client in clients:
        client.join()
    assert errors == []
    assert before
    assert True in before
    assert set(after) == {False}
    released = [event["torwart"]["policy"]["version"] for event in gateway.acts() if event["torwart"]["act"]["phase"] == "released"]
    assert released == sorted(released)
    assert set(released) == {"1", "2"}
    assert len(released) == len(before) + len(after)


def test_a_gateway_says_which_fields_its_crm_knows(gateway: Stand) -> None:
    known = read_vocabulary(gateway.state / VOCABULARY)
    assert known is not None
    assert known.profile == "tryton"
    assert {"phone", "email"} <= known.contact_fields
