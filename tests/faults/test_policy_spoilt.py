"""Promises, I110 and faults 13: spoilt rules never loosen anything. The last valid version stays; no start without a valid one."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policies.masks import HIDDEN
from tests.faults.played_crm import PlayedCrm, clients_of, email
from tests.faults.stand import Stand, stand

REFUSED = 2


def version(policies: Path) -> Path:
    """The folder of the version in force."""
    return policies / "versions" / f"{int((policies / 'active').read_text('ascii').split()[0]):04}"


def rules(policies: Path) -> Path:
    """The rules of the version in force."""
    return version(policies) / "bench.yaml"


def loosen(policies: Path) -> None:
    """Change the rules in place, so that nothing would be masked."""
    path = rules(policies)
    path.write_text(path.read_text("utf-8").replace("masks: {contact: hide}\n    for: others\n", ""), "utf-8")
    (policies / "active").touch()


def put_errors(policies: Path) -> None:
    """Three errors in rules whose digest fits: as after an upgrade or a restored copy."""
    path = rules(policies)
    text = path.read_text("utf-8").replace("reason: cross_site", "reason: no_such_reason")
    text = text.replace('when: "!context.origin_trusted"', 'when: "context.no_such_name"').replace("require: key\n", "requires: key\n", 1)
    path.write_text(text, "utf-8")
    total = hashlib.sha256()
    for file in sorted(version(policies).glob("*.yaml")):
        content = file.read_bytes()
        total.update(f"{file.name}\0{len(content)}\0".encode() + content)
    (policies / "active").write_text(f"{int(version(policies).name)} {total.hexdigest()}\n", "ascii")


def lose_rules(policies: Path) -> None:
    """The folder of the version is gone."""
    shutil.rmtree(version(policies))
    (policies / "active").touch()


SPOILT: dict[str, Callable[[Path], object]] = {
    "an empty pointer": lambda policies: (policies / "active").write_text(""),
    "junk in the pointer": lambda policies: (policies / "active").write_bytes(b"\xff\x00 1 2 3"),
    "a version that is not there": lambda policies: (policies / "active").write_text(f"9 {'0' * 64}\n"),
    "no pointer": lambda policies: (policies / "active").unlink(),
    "rules loosened in place": loosen,
    "rules with errors": put_errors,
    "no rules": lose_rules,
}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Stand]:
    crm = PlayedCrm()
    with stand(tmp_path / "firm", crm.port) as one:
        yield one
    crm.close()


def emails(gateway: Stand, page: int) -> list[str]:
    """The contact values of a page, as they arrive."""
    heard = gateway.page(page)
    assert heard.status == 200, heard.body
    return [row["email"] for row in json.loads(heard.body)]


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_the_last_valid_version_stays_and_the_next_start_is_refused(gateway: Stand, spoil: Callable[[Path], object]) -> None:
    policies = gateway.state / "policies"
    gateway.start()
    assert emails(gateway, 1) == [email(clients_of(1)[0]), HIDDEN]
    spoil(policies)
    for page in (2, 3, 4):
        assert emails(gateway, page) == [email(clients_of(page)[0]), HIDDEN]
    told = [event["event"]["outcome"] for event in gateway.record() if event["event"]["action"] == "policy-refused"]
    assert told == ["failure"]
    gateway.kill()

    gateway.launch()
    assert gateway.ended() == REFUSED
    lines = gateway.said.read_text("utf-8").splitlines()
    assert lines
    assert all(line.startswith("torwart: ") for line in lines), lines


def test_a_refused_start_names_every_error_with_its_place(gateway: Stand) -> None:
    put_errors(gateway.state / "policies")
    gateway.launch()
    assert gateway.ended() == REFUSED
    lines = gateway.said.read_text("utf-8").splitlines()
    assert len(lines) == 3, lines
    assert all(line.startswith("torwart: bench.yaml:") for line in lines), lines
    for word in ("no_such_reason", "no_such_name", "requires"):
        assert sum(word in line for line in lines) == 1, lines


def test_a_configuration_with_errors_is_refused_with_all_of_them_at_once(gateway: Stand) -> None:
    text = gateway.config.read_text("utf-8").replace("language: de", "language: fr").replace("profile: tryton", "profil: tryton")
    gateway.config.write_text(f"{text}  answer_limit_bytes: none\n", "utf-8")
    gateway.launch()
    assert gateway.ended() == REFUSED
    lines = gateway.said.read_text("utf-8").splitlines()
    for word in ("language", "profil", "answer_limit_bytes"):
        assert any(word in line for line in lines), lines
    assert all(line.startswith(f"torwart: {gateway.config}:") for line in lines), lines
