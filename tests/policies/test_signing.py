"""What is signed of a version, and that nothing else passes for it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.policy_signature import PolicyKey
from policies.signing import Before, Confirmation, Statement, signed, verified

STATEMENT = Statement(
    number=7,
    at=datetime(2026, 5, 12, 9, 30, 1, 123456, tzinfo=UTC),
    by="P-7F3A91C2",
    rules=12,
    cases=340,
    files={"b.yaml": "b" * 64, "a.yaml": "a" * 64},
    before=Before(number=6, digest="c" * 64),
    confirmed=Confirmation(digest="0123456789ab", by="P-00000001", widenings=3),
    rollback_to=4,
)


@pytest.fixture
def key(tmp_path: Path) -> PolicyKey:
    return PolicyKey(tmp_path)


def test_what_is_kept_is_read_again_as_it_was(key: PolicyKey) -> None:
    assert verified(signed(STATEMENT, key), key) == STATEMENT


def test_the_signed_bytes_are_the_same_whatever_the_order_of_files() -> None:
    other = STATEMENT.model_copy(update={"files": dict(reversed(STATEMENT.files.items()))})
    assert STATEMENT.signed() == other.signed()
    assert STATEMENT.signed().startswith(b'torwart-policy-1\n{"at":"2026-05-12T09:30:01.123456Z",')
    assert STATEMENT.digest == other.digest
    assert STATEMENT.content == other.content


CHANGES: dict[str, object] = {
    "number": 8,
    "at": "2026-05-12T09:30:02Z",
    "by": "P-00000000",
    "rules": 13,
    "cases": 341,
    "files": {"a.yaml": "a" * 64},
    "before": None,
    "confirmed": None,
    "rollback_to": None,
}


@pytest.mark.parametrize("member", Statement.model_fields)
def test_every_member_is_signed(key: PolicyKey, member: str) -> None:
    kept = json.loads(signed(STATEMENT, key))
    kept["statement"][member] = CHANGES[member]
    with pytest.raises(ValueError, match="its signature is wrong"):
        verified(json.dumps(kept).encode(), key)


def test_another_key_unknown_members_and_junk_are_refused_each_in_words(key: PolicyKey, tmp_path: Path) -> None:
    kept = signed(STATEMENT, key)
    with pytest.raises(ValueError, match="signed with another key"):
        verified(kept, PolicyKey(tmp_path / "other"))
    renamed = json.loads(kept) | {"key": PolicyKey(tmp_path / "other").name}
    with pytest.raises(ValueError, match="its signature is wrong"):
        verified(json.dumps(renamed).encode(), PolicyKey(tmp_path / "other"))
    more = json.loads(kept)
    more["statement"]["more"] = 1
    for junk in (b"", b"{}", b"\xff", kept[:-20], json.dumps(more).encode(), json.dumps(json.loads(kept) | {"format": 2}).encode()):
        with pytest.raises(ValueError, match="cannot be read"):
            verified(junk, key)


@pytest.mark.parametrize("signature", ["", "=", "A" * 86 + "==", "é"])
def test_what_is_no_signature_is_refused(key: PolicyKey, signature: str) -> None:
    kept = json.loads(signed(STATEMENT, key)) | {"signature": signature}
    with pytest.raises(ValueError, match="its signature is wrong"):
        verified(json.dumps(kept).encode(), key)
