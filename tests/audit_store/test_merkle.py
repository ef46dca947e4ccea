"""Merkle trees: against the definition of RFC 9162 written down word by word, and against published vectors."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_store.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    continues,
    includes,
    inclusion_path,
    leaf_hash,
    root_of,
)

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The leaves, in hexadecimal, of the reference tree that implementations of Certificate Transparency test with."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Its roots with 1 to 8 leaves."""
PATHS = {
    (8, 0): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (3, 2): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
"""(size, index) -> the published path."""
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]
sizes = st.integers(1, 70)


def naive_root(data: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as it stands there."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    split = 1
    while split * 2 < len(data):
        split *= 2
    return sha256(b"\x01" + naive_root(data[:split]) + naive_root(data[split:])).digest()


def data_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def hashes_of(size: int) -> list[bytes]:
    return [leaf_hash(data) for data in data_of(size)]


def test_the_published_roots_and_paths() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == EMPTY_ROOT
    assert [root_of(LEAVES[: size + 1]).hex() for size in range(8)] == ROOTS
    for (size, index), path in PATHS.items():
        assert [node.hex() for node in inclusion_path(LEAVES[:size], index)] == path


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_tree_that_grows_has_the_root_of_the_definition_at_every_size(data: list[bytes]) -> None:
    frontier = Frontier()
    for size, one in enumerate(data):
        assert (frontier.size, frontier.root()) == (size, naive_root(data[:size]))
        frontier.append(leaf_hash(one))
    assert frontier.root() == naive_root(data)


@given(sizes, st.data())
def test_every_leaf_is_included_and_nothing_else(size: int, draw: st.DataObject) -> None:
    leaves, root = hashes_of(size), naive_root(data_of(size))
    index = draw.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    assert includes(root, size, index, leaves[index], path)
    assert not includes(root, size, index, leaf_hash(b"forged"), path)
    assert not includes(leaf_hash(b"other"), size, index, leaves[index], path)
    other = draw.draw(st.integers(-1, size))
    assert includes(root, size, other, leaves[index], path) is (other == index)
    assert not includes(root, size, index, leaves[index], [*path, leaf_hash(b"more")])
    if path:
        assert not includes(root, size, index, leaves[index], path[:-1])
        bent = draw.draw(st.integers(0, len(path) - 1))
        assert not includes(root, size, index, leaves[index], [*path[:bent], leaf_hash(b"bent"), *path[bent + 1 :]])


@given(sizes, st.data())
def test_a_tree_continues_those_it_grew_from_and_no_others(size: int, draw: st.DataObject) -> None:
    leaves = hashes_of(size)
    smaller = draw.draw(st.integers(1, size))
    old, new = root_of(leaves[:smaller]), root_of(leaves)
    path = consistency_path(leaves, smaller)
    assert continues(smaller, old, size, new, path)
    assert not continues(smaller, leaf_hash(b"other"), size, new, path)
    assert not continues(smaller, old, size, leaf_hash(b"other"), path)
    assert not continues(smaller, old, size, new, [*path, leaf_hash(b"more")])
    changed = draw.draw(st.integers(0, smaller - 1))
    forged = [*leaves[:changed], leaf_hash(b"forged"), *leaves[changed + 1 :]]
    assert not continues(smaller, old, size, root_of(forged), consistency_path(forged, smaller))
    if path:
        assert not continues(smaller, old, size, new, path[:-1])


@pytest.mark.parametrize("index", [-1, 4])
def test_there_is_no_proof_for_what_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(LEAVES[:4], index)
    with pytest.raises(ValueError, match="does not continue"):
        consistency_path(LEAVES[:4], 5 if index > 0 else 0)
    assert not continues(0, EMPTY_ROOT, 4, root_of(LEAVES[:4]), [])
    assert not continues(5, root_of(LEAVES[:5]), 4, root_of(LEAVES[:4]), [])
    assert not continues(3, root_of(LEAVES[:3]), 4, root_of(LEAVES[:4]), [])
