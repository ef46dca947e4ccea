"""The text of a statement: stable, strict when it is read, signed."""

import base64
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.statement import (
    KEYS,
    TREES,
    Body,
    End,
    Head,
    NewKey,
    Statement,
    StatementError,
    Tree,
    day_of,
    entry_bytes,
    find,
    fingerprint,
    key_id,
    make,
    parse,
    verifier_line,
)

AT = datetime(2026, 5, 12, 9, 30, 0, 123456, UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
HASH, BEFORE = sha256(b"event").digest(), sha256(b"before").digest()
HEAD = Head(End("gateway", 1, 512, HASH))
TREE = Tree(date(2026, 5, 12), 40_001, 21, HASH, (End("console", 1, 3, HASH), End("gateway", 2, 512, HASH)), "the end was  cut\n")


def head(number: int = 17) -> Statement:
    return make("gateway", number, AT, BEFORE if number > 1 else None, HEAD, [KEY])


def test_the_text_is_the_documented_one_and_stays_it() -> None:
    assert head().text == (
        "torwart statement 1\nsigner gateway\nnumber 17\ntime 2026-05-12T09:30:00.123Z\n"
        f"before {BEFORE.hex()}\nkind head\nepoch 1\nsequence 512\nhash {HASH.hex()}\n"
    )
    assert make(TREES, 1, AT, None, TREE, [KEY]).text == (
        "torwart statement 1\nsigner log\nnumber 1\ntime 2026-05-12T09:30:00.123Z\nbefore none\nkind tree\n"
        f"day 2026-05-12\nfirst 40001\nsize 21\nroot {HASH.hex()}\n"
        f"end console 1 3 {HASH.hex()}\nend gateway 2 512 {HASH.hex()}\nbroken the end was cut\n"
    )
    assert TREE.last == 40_021


def test_a_signature_line_is_that_of_signed_notes() -> None:
    """C2SP signed-note: the key's name, then base64 of four bytes of SHA-256 over name, line feed, type and key, and of the signature."""
    text, _, line = head().note().rpartition("\n— torwart ")
    data = base64.b64decode(line)
    assert text == head().text
    assert data[:4] == sha256(b"torwart\n\x01" + PUBLIC).digest()[:4] == key_id(PUBLIC)
    KEY.public_key().verify(data[4:], text.encode())
    assert verifier_line(PUBLIC) == f"torwart+{key_id(PUBLIC).hex()}+{base64.b64encode(b'\x01' + PUBLIC).decode()}"
    assert fingerprint(PUBLIC).replace("-", "").lower() == sha256(PUBLIC).hexdigest()[:20]


@pytest.mark.parametrize(("signer", "body"), [("gateway", HEAD), (TREES, replace(TREE, broken="cut")), (KEYS, NewKey(PUBLIC))])
def test_what_is_made_is_read_again(signer: str, body: Body) -> None:
    made = make(signer, 2, AT, BEFORE, body, [KEY, OTHER])
    read = parse(made.note())
    assert read == made
    assert (read.body, read.time, read.before) == (body, AT.replace(microsecond=123_000), BEFORE)
    assert read.signed_by(PUBLIC)
    assert read.signed_by(OTHER.public_key().public_bytes_raw())
    assert read.digest == sha256(read.text.encode()).digest()


def test_every_changed_byte_ends_the_signature() -> None:
    note = head().note()
    for place in range(len(head().text)):
        letter = "1" if note[place] != "1" else "2"
        try:
            changed = parse(note[:place] + letter + note[place + 1 :])
        except StatementError:
            continue
        assert not changed.signed_by(PUBLIC)
    assert not parse(note).signed_by(OTHER.public_key().public_bytes_raw())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("number 17", "number 017"),
        ("number 17", "number 0"),
        ("number 17", "number 1"),
        ("signer gateway", "signer Gateway"),
        ("signer gateway", "signer log"),
        ("signer gateway", "signer keys"),
        ("kind head", "kind hat"),
        ("kind head", "kind head "),
        ("time 2026-05-12T09", "time 2026-15-12T09"),
        (f"before {BEFORE.hex()}", "before none"),
        (f"before {BEFORE.hex()}", "before 00"),
        ("epoch 1\nsequence 512", "sequence 512\nepoch 1"),
        ("sequence 512", "sequence -512"),
        (f"hash {HASH.hex()}", f"hash {HASH.hex().upper()}"),
        (f"hash {HASH.hex()}", f"hash {HASH.hex()}\nmore 1"),
        ("— torwart ", "— somebody "),
        ("torwart statement 1", "torwart statement 2"),
    ],
)
def test_what_is_not_exactly_a_statement_is_none(old: str, new: str) -> None:
    note = head().note()
    assert old in note
    with pytest.raises(StatementError):
        parse(note.replace(old, new))


@pytest.mark.parametrize("line", ["day 2026-02-30", "size 0", "first 0", "root 00", f"end gateway 1 {HASH.hex()}", "end x"])
def test_a_tree_says_everything_in_its_form(line: str) -> None:
    note = make(TREES, 1, AT, None, TREE, [KEY]).note()
    name = line.split(" ")[0]
    lines = [line if one.startswith(f"{name} ") else one for one in note.split("\n")]
    with pytest.raises(StatementError):
        parse("\n".join(lines))


def test_statements_are_found_among_other_text() -> None:
    one, two = head(), head(18)
    broken = one.note().replace("kind head", "kind hat")
    torn = "torwart statement 1\nsigner gateway\nnumb"
    text = f"Dear keeper,\n\n{one.note()}\n\n{torn}\n\n{broken}\n\n{two.note().replace('\n', '\r\n')}\nend"
    found = find(text)
    assert (found[0], found[2]) == (one, two)
    assert "kind hat" in str(found[1])
    assert len(found) == 3
    assert find("nothing") == []


def test_a_signature_that_is_torn_signs_nothing() -> None:
    whole = head().note()
    for torn in (whole[:-20] + "\n", whole.replace("— torwart ", "— torwart =")):
        found = parse(torn)
        assert found.text == head().text
        assert not found.signed_by(PUBLIC)


def test_a_day_is_that_of_receipt_and_never_one_before() -> None:
    noon = int(datetime(2026, 5, 12, 12, tzinfo=UTC).timestamp() * 1000)
    assert day_of(noon, None) == date(2026, 5, 12)
    assert day_of(noon, date(2026, 5, 11)) == date(2026, 5, 12)
    assert day_of(noon, date(2026, 5, 13)) == date(2026, 5, 13)


def test_the_bytes_of_an_entry_tell_all_of_its_place() -> None:
    base = entry_bytes(1, 2, "gateway", 3, 4, HASH)
    others = [
        entry_bytes(2, 2, "gateway", 3, 4, HASH),
        entry_bytes(1, 3, "gateway", 3, 4, HASH),
        entry_bytes(1, 2, "console", 3, 4, HASH),
        entry_bytes(1, 2, "gateway", 4, 4, HASH),
        entry_bytes(1, 2, "gateway", 3, 5, HASH),
        entry_bytes(1, 2, "gateway", 3, 4, BEFORE),
    ]
    assert len({base, *others}) == 7
