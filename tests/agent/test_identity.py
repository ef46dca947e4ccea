"""The key stays here and is its owner's; the counter only grows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent import identity
from agent.identity import Counter, Identity, IdentityError, load_identity, own_key, save_identity
from auth.agent_signature import public_bytes


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first, second = own_key(tmp_path), own_key(tmp_path)
    assert public_bytes(first) == public_bytes(second)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoil", ["open", "cut", "other"])
def test_a_key_that_others_could_read_or_that_is_damaged_is_not_used(tmp_path: Path, spoil: str) -> None:
    own_key(tmp_path)
    path = tmp_path / "key.pem"
    if spoil == "open":
        path.chmod(0o640)
    else:
        path.write_bytes(path.read_bytes()[:40] if spoil == "cut" else b"hello")
    with pytest.raises(IdentityError, match="enrol again"):
        own_key(tmp_path)


def test_the_identity_is_kept_whole(tmp_path: Path) -> None:
    assert load_identity(tmp_path) is None
    mine = Identity("00ff", "P-00000001", "https://torwart.firma.example")
    save_identity(tmp_path, mine)
    assert load_identity(tmp_path) == mine
    (tmp_path / "agent.json").write_text("{", encoding="utf-8")
    with pytest.raises(IdentityError):
        load_identity(tmp_path)


def test_the_counter_grows_over_restarts_also_when_the_clock_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [Counter(tmp_path).next() for _ in range(3)]
    counter = Counter(tmp_path)
    numbers += [counter.next() for _ in range(2_500)]
    monkeypatch.setattr(identity.time, "time_ns", lambda: 0)
    numbers += [Counter(tmp_path).next() for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_a_counter_that_was_lost_begins_at_the_clock_and_catches_up_with_what_the_server_has(tmp_path: Path) -> None:
    before = time.time_ns() // 1_000
    counter = Counter(tmp_path)
    assert counter.next() > before
    counter.at_least(1 << 60)
    assert counter.next() == (1 << 60) + 1
    assert Counter(tmp_path).next() > (1 << 60) + 1


def test_without_room_for_its_file_the_counter_goes_on(tmp_path: Path) -> None:
    counter = Counter(tmp_path / "missing")
    assert counter.next() < counter.next()
