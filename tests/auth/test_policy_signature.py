"""The key of the rules: made once, for us alone, and the highest number that it knows only grows."""

import stat
from pathlib import Path

import pytest

from audit_store.pseudonyms import SecretError
from auth.policy_signature import HIGHEST, KEY, PolicyKey


def test_the_key_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    one, two = PolicyKey(tmp_path / "keys"), PolicyKey(tmp_path / "keys")
    assert one.name == two.name
    assert len(one.name) == 16
    assert two.holds(b"rules", one.sign(b"rules"))
    assert not two.holds(b"other rules", one.sign(b"rules"))
    assert not PolicyKey(tmp_path / "other").holds(b"rules", one.sign(b"rules"))
    assert stat.S_IMODE((tmp_path / "keys" / KEY).stat().st_mode) == 0o600


def test_a_key_that_others_may_read_or_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    PolicyKey(tmp_path)
    (tmp_path / KEY).chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        PolicyKey(tmp_path)
    (tmp_path / KEY).chmod(0o600)
    (tmp_path / KEY).write_bytes(b"short")
    with pytest.raises(SecretError, match="damaged"):
        PolicyKey(tmp_path)


def test_the_highest_number_only_grows_and_is_for_us_alone(tmp_path: Path) -> None:
    key = PolicyKey(tmp_path)
    assert key.highest() == 0
    for number, kept in ((3, 3), (2, 3), (7, 7)):
        key.reached(number)
        assert PolicyKey(tmp_path).highest() == kept
    assert stat.S_IMODE((tmp_path / HIGHEST).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [HIGHEST, KEY]


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"9" * 5000])
def test_a_spoilt_number_says_nothing_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    key = PolicyKey(tmp_path)
    (tmp_path / HIGHEST).write_bytes(content)
    known = key.highest()
    assert known in (0, int("9" * 20))
    key.reached(5)
    assert key.highest() == max(5, known)
