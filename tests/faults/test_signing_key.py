"""Promises, part 2, fault 23: the key that signs statements about the record is missing, damaged, or changed while everything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit_store.statement import End, Head, NewKey
from audit_store.statements import Statements
from gateway.supervise import REFUSED
from tests.faults.played_crm import PlayedCrm
from tests.faults.stand import Stand, stand


@pytest.fixture
def crm() -> Iterator[PlayedCrm]:
    played = PlayedCrm()
    yield played
    played.close()


@pytest.fixture
def gateway(tmp_path: Path, crm: PlayedCrm) -> Iterator[Stand]:
    with stand(tmp_path / "firm", crm.port) as one:
        one.start()
        assert one.page(1).status == 200
        one.stop()
        yield one


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda key: key.unlink(), "checkpoint.key is missing, with which the record was signed so far"),
        (lambda key: key.write_bytes(bytes(32)), "is not the key that signed before"),
        (lambda key: key.write_bytes(b"half"), "checkpoint.key is damaged"),
    ],
    ids=["missing", "another", "damaged"],
)
def test_without_its_key_the_gateway_does_not_start(gateway: Stand, harm: Callable[[Path], object], words: str) -> None:
    harm(gateway.state / "keys" / "checkpoint.key")
    gateway.launch()
    assert gateway.ended() == REFUSED
    assert words in gateway.said.read_text(encoding="utf-8")


def test_a_key_that_is_changed_meanwhile_signs_from_the_next_statement_on(gateway: Stand) -> None:
    statements = Statements.open(gateway.state)
    before = statements.sign("gateway", Head(End("gateway", 1, 1, bytes(32))))
    other = Statements.open(gateway.state)
    changed = other.change_key()
    after = statements.sign("gateway", Head(End("gateway", 1, 1, bytes(32))))
    assert isinstance(changed.body, NewKey)
    assert after.signed_by(changed.body.public)
    assert not before.signed_by(changed.body.public)
    assert after.before == before.digest
    statements.close()
    other.close()
    gateway.start()
    assert gateway.page(2).status == 200
