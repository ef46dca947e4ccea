"""Promise 6: an answer of the CRM that is half sent when its person is frozen is never completed; a gateway process, real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.played_crm import PlayedCrm, clients_of
from tests.faults.stand import FIELDS, Stand, stand
from tests.services.half_read import HalfRead

NAME_BYTES = 5 * 1024 * 1024
"""Of one client: an answer with it is more than all buffers between two ends hold."""


class LargeCrm(PlayedCrm):
    """Its clients have very long names."""

    def answer(self, page: int) -> tuple[str, bytes]:
        rows = [{"__name__": "party.party", "id": n, "name": "n" * NAME_BYTES, "email": f"{n}@firma.example"} for n in clients_of(page)]
        return "application/json", json.dumps(rows).encode()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Stand]:
    crm = LargeCrm()
    with stand(tmp_path / "firm", crm.port) as one:
        one.start()
        yield one
    crm.close()


def asked(gateway: Stand, more: str = "") -> HalfRead:
    """The beginning of a page of two clients."""
    fields = "&".join(f"f={name}" for name in FIELDS)
    head = f"GET /crm/rest/model/party.party?{fields}&p=0&s=2 HTTP/1.1\r\nHost: crm.localhost:{gateway.port}\r\n{more}"
    return HalfRead.of(gateway.port, f"{head}Authorization: Bearer {gateway.key}\r\n\r\n".encode())


def freeze(gateway: Stand) -> None:
    with gateway.people() as people:
        people.freeze(gateway.asking, None)


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
def test_an_answer_half_sent_stops_with_a_freeze(gateway: Stand, more: str) -> None:
    half = asked(gateway, more)
    assert half.begun.startswith(b"HTTP/1.1 200 ")
    assert half.announced > 2 * NAME_BYTES
    freeze(gateway)
    assert half.is_broken()
    assert half.rest() < half.announced
    assert gateway.page().status in (401, 403)


def test_an_answer_is_not_broken_off_by_the_freeze_of_somebody_else(gateway: Stand) -> None:
    half = asked(gateway)
    with gateway.people() as people:
        other = people.find("boris@firma.example")
        assert other is not None
        people.freeze(other.id, None)
    assert not half.is_broken(2)
    assert half.rest() == half.announced
