"""What a CRM can deliver, kept for the command line."""

import stat
from pathlib import Path

import pytest

from policies.vocabulary import VOCABULARY, Vocabulary, read_vocabulary, write_vocabulary

SEEN = Vocabulary(profile="x", fields=frozenset({"name", "phone"}), contact_fields=frozenset({"phone"}), record=frozenset({"own"}))


def test_what_is_written_is_read_and_is_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / VOCABULARY
    assert read_vocabulary(path) is None
    write_vocabulary(path, SEEN)
    write_vocabulary(path, SEEN)
    assert read_vocabulary(path) == SEEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"profile": 1}'])
def test_a_spoilt_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="delete it, the gateway writes it anew"):
        read_vocabulary(path)
