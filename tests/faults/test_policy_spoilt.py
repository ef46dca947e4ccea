"""Promises, I110 and faults 13: spoilt rules never loosen anything. The last valid version stays; no start without a valid one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from auth.policy_signature import PolicyKey
from policies.masks import HIDDEN
from policies.signing import Before, signed, verified
from policies.versions import STATEMENT
from tests.faults.played_crm import PlayedCrm, clients_of, email
from tests.faults.stand import Stand, stand

REFUSED = 2


def version(policies: Path) -> Path:
    """The folder of the version in force."""
    return max((policies / "versions").iterdir())


def rules(policies: Path) -> Path:
    """The rules of the version in force."""
    return version(policies) / "bench.yaml"


def loosen(policies: Path) -> None:
    """Change the rules in place, so that nothing would be masked."""
    path = rules(policies)
    path.write_text(path.read_text("utf-8").replace("masks: {contact: hide}\n    for: others\n", ""), "utf-8")


def put_errors(policies: Path) -> None:
    """The next version, signed and with three errors in its rules: as if activated by a release that speaks another language."""
    before = verified((version(policies) / STATEMENT).read_bytes(), key := PolicyKey(policies.parent / "keys"))
    new = policies / "versions" / "0002"
    shutil.copytree(version(policies), new)
    text = (new / "bench.yaml").read_text("utf-8").replace("reason: cross_site", "reason: no_such_reason")
    text = text.replace('when: "!context.origin_trusted"', 'when: "context.no_such_name"').replace("require: key\n", "requires: key\n", 1)
    (new / "bench.yaml").write_text(text, "utf-8")
    files = {name: sha256((new / name).read_bytes()).hexdigest() for name in before.files}
    link = Before(number=1, digest=before.digest)
    (new / STATEMENT).write_bytes(signed(before.model_copy(update={"number": 2, "files": files, "before": link}), key))


def put_another(policies: Path, content: bytes) -> None:
    """A newer version that nobody signed."""
    shutil.copytree(version(policies), policies / "versions" / "0009")
    (policies / "versions" / "0009" / STATEMENT).write_bytes(content)


SPOILT: dict[str, Callable[[Path], object]] = {
    "an empty signature": lambda policies: (version(policies) / STATEMENT).write_text(""),
    "junk for a signature": lambda policies: (version(policies) / STATEMENT).write_bytes(b"\xff\x00 1 2 3"),
    "no signature": lambda policies: (version(policies) / STATEMENT).unlink(),
    "a newer version that is not signed": lambda policies: put_another(policies, b"{}"),
    "an old version as a newer one": lambda policies: put_another(policies, (version(policies) / STATEMENT).read_bytes()),
    "rules loosened in place": loosen,
    "rules with errors": put_errors,
    "no rules": lambda policies: rules(policies).unlink(),
    "no version": lambda policies: shutil.rmtree(version(policies)),
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
    os.utime(policies / "versions")  # whoever changes a file inside a version is found out when the next one comes, or at the next start
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
