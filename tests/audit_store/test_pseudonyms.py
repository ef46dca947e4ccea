"""Names that say nothing, and secrets that nobody else can read."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit_store.pseudonyms import SECRET_BYTES, Pseudonyms, SecretError, secret


def test_a_person_has_one_pseudonym_and_another_key_gives_another() -> None:
    first, second = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    assert first.of("anna") == Pseudonyms(b"a" * 32).of("anna") == first.of("anna")
    assert re.fullmatch("P-[0-9A-F]{8}", first.of("anna"))
    assert len({first.of("anna"), second.of("anna"), first.of("berta")}) == 3


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SecretError, match="8 bytes"):
        Pseudonyms(b"too weak")


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = secret(tmp_path / "keys", "pseudonym.key")
    assert len(made) == SECRET_BYTES
    assert secret(tmp_path / "keys", "pseudonym.key") == made != secret(tmp_path / "keys", "credential.key")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "pseudonym.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["credential.key", "pseudonym.key"]


def test_many_who_ask_first_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: secret(tmp_path, "webhook.key"), range(64)))) == 1


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret(tmp_path, "webhook.key")
    (tmp_path / "webhook.key").chmod(0o640)
    with pytest.raises(SecretError, match="rights 640"):
        secret(tmp_path, "webhook.key")


def test_a_cut_secret_is_refused(tmp_path: Path) -> None:
    secret(tmp_path, "webhook.key")
    (tmp_path / "webhook.key").write_bytes(b"short")
    with pytest.raises(SecretError, match="damaged"):
        secret(tmp_path, "webhook.key")


def test_a_link_in_place_of_a_secret_is_not_followed(tmp_path: Path) -> None:
    secret(tmp_path, "real.key")
    (tmp_path / "webhook.key").symlink_to(tmp_path / "real.key")
    with pytest.raises(OSError, match="symbolic links"):
        secret(tmp_path, "webhook.key")
