"""Merkle trees as RFC 9162 (section 2.1) defines them, with SHA-256: one root for many entries, and short proofs about them.

An inclusion proof shows that one entry is at its place below a root; a consistency proof shows that a larger tree begins with all entries
of a smaller one, in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
"""Root of a tree without leaves (RFC 9162, section 2.1.1)."""
_LEAF, _NODE = b"\x00", b"\x01"
"""What is hashed before a leaf and before a node, so that none can pass as the other."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(_NODE + left + right).digest()


class Frontier:
    """A tree that grows at its end and remembers one hash for each full subtree, from the largest to the smallest."""

    def __init__(self) -> None:
        self.size = 0
        """Leaves."""
        self._full: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        full, merged = self._full, self.size
        while merged & 1:
            leaf = sha256(_NODE + full.pop() + leaf).digest()
            merged >>= 1
        full.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._full:
            return EMPTY_ROOT
        *larger, root = self._full
        for left in reversed(larger):
            root = node_hash(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from the leaf `index` up to the root (RFC 9162, section 2.1.3.1). Raises ValueError without such a leaf."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} in a tree of {len(leaves)}")
    path: list[bytes] = []
    while len(leaves) > 1:
        split = _split(len(leaves))
        if index < split:
            path.append(root_of(leaves[split:]))
            leaves = leaves[:split]
        else:
            path.append(root_of(leaves[:split]))
            leaves, index = leaves[split:], index - split
    return path[::-1]


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """True if the leaf's hash is at the place `index` of the tree with this root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(beside, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistency_path(leaves: Sequence[bytes], smaller: int) -> list[bytes]:
    """The hashes that show how the first `smaller` leaves became all of them (RFC 9162, section 2.1.4.1).

    Raises ValueError unless 0 < smaller <= number of leaves.
    """
    if not 0 < smaller <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves does not continue one of {smaller}")
    path: list[bytes] = []
    whole = True  # the part that is left is a full tree of the smaller one: its root is known to who verifies
    while smaller < len(leaves):
        split = _split(len(leaves))
        if smaller <= split:
            path.append(root_of(leaves[split:]))
            leaves = leaves[:split]
        else:
            path.append(root_of(leaves[:split]))
            leaves, smaller, whole = leaves[split:], smaller - split, False
    if not whole:
        path.append(root_of(leaves))
    return path[::-1]


def continues(smaller: int, smaller_root: bytes, larger: int, larger_root: bytes, path: Sequence[bytes]) -> bool:
    """True if the larger tree begins with all leaves of the smaller one (RFC 9162, section 2.1.4.2)."""
    if not 0 < smaller <= larger:
        return False
    if smaller == larger:
        return not path and smaller_root == larger_root
    hashes = list(path)
    if smaller & (smaller - 1) == 0:  # a power of two: the smaller root is a node of the larger tree
        hashes.insert(0, smaller_root)
    if not hashes:
        return False
    place, last = smaller - 1, larger - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and old == smaller_root and new == larger_root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
