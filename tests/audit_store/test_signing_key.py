"""The key that signs statements: made once, looked at each time, refused where it is not safe (promises, fault 23)."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.pseudonyms import SecretError
from audit_store.signing_key import FILE, SigningKey


def test_it_is_made_once_and_is_the_same_for_all(tmp_path: Path) -> None:
    first, second = SigningKey(tmp_path), SigningKey(tmp_path)
    assert not first.exists
    with pytest.raises(SecretError, match=r"checkpoint\.key is missing.*torwart events key --lost"):
        first.load(make=False)
    made = first.load(make=True)
    assert second.load(make=False).private_bytes_raw() == made.private_bytes_raw()
    assert first.load(make=False) is made
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("harm", "words"), [(lambda path: path.chmod(0o640), "chmod 600"), (lambda path: path.write_bytes(b"short"), "damaged")]
)
def test_a_key_that_others_may_read_or_that_is_damaged_is_refused_also_when_it_was_loaded(tmp_path: Path, harm: object, words: str) -> None:
    key = SigningKey(tmp_path)
    key.load(make=True)
    harm(tmp_path / FILE)  # type: ignore[operator]
    with pytest.raises(SecretError, match=words):
        key.load(make=False)


def test_the_next_key_takes_its_place_when_it_is_named_and_not_before(tmp_path: Path) -> None:
    key, next_key = SigningKey(tmp_path), Ed25519PrivateKey.generate()
    old = key.load(make=True)
    key.prepare(next_key)
    assert not key.adopt(old.public_key().public_bytes_raw())
    assert key.load(make=False) is old
    assert key.adopt(next_key.public_key().public_bytes_raw())
    assert key.load(make=False).private_bytes_raw() == next_key.private_bytes_raw()
    assert not key.adopt(next_key.public_key().public_bytes_raw())
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
