"""Keyed hashes of identifying values, by the hundred thousand at once.

Two keys, one after the other:

- the *desk* hash (64 bits) of a value, under `desk.key`, which every agent has;
- the *index* key (64 bits) of a desk hash, under `index.key`, which never leaves the server.

So an employee's machine computes desk hashes and learns nothing by them, and the server tells from a desk hash which client it is
without keeping a second table. A number of up to 18 digits is one block of AES (a pseudo-random function of it; FIPS 197), which
libraries compute for a whole array in one call; a text is hashed with keyed BLAKE2b (RFC 7693).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

type Numbers = NDArray[np.uint64]
type Words = NDArray[np.uint32]

MOST_DIGITS = 17
"""Digits of the longest number that is looked at: 15 of E.164 and the `00` before it."""
SUFFIX_DIGITS = 7
"""An employee's filter knows a number by its last digits: they are the same in all its spellings, so that nobody can sort out false hits by
trying several spellings of one number (attacks X27)."""
_DIGITS, _SUFFIX, _SEALED = 1, 2, 3


def number(digits: str) -> int:
    """Digits as an integer that keeps leading zeros: 1 is put in front. At most 18 digits."""
    return int("1" + digits)


class DeskHashes:
    """Hashes under the desk key. Without a state: any thread may call."""

    def __init__(self, key: bytes) -> None:
        self._text_key = key
        self._block_key = _derived(key, b"torwart-desk")
        self.check = _check(key)
        """Says under which key a file was made, and nothing about the key."""

    def digits(self, numbers: Numbers) -> Numbers:
        """Of numbers as `number` gives them."""
        return _blocks(self._block_key, _DIGITS, numbers)[:, 0]

    def texts(self, values: Sequence[str]) -> Numbers:
        """Of canonical e-mail addresses and official numbers with letters, which cannot be mixed up with each other."""
        plain = blake2b(key=self._text_key, person=b"torwart-text", digest_size=8)
        digests = bytearray()
        for value in values:
            state = plain.copy()
            state.update(value.encode("utf-8", "surrogatepass"))
            digests += state.digest()
        return np.frombuffer(bytes(digests), "<u8")

    def digits_places(self, numbers: Numbers) -> Words:
        """Places (32 bits) in an employee's filter, by the last digits only."""
        power = np.uint64(10**SUFFIX_DIGITS)
        suffixes = np.where(numbers < power, numbers, numbers % power + power)  # shorter ones are kept whole
        return texts_places(_blocks(self._block_key, _SUFFIX, suffixes)[:, 0])

    def name(self, words: Sequence[str]) -> int:
        """A client's name (32 bits, never 0), from the sorted words of `folding.name_words`; the lowest 3 bits say how many they are."""
        text = " ".join(words).encode("utf-8", "surrogatepass")
        digest = blake2b(text, key=self._text_key, person=b"torwart-name", digest_size=4).digest()
        return int.from_bytes(digest, "little") & ~7 | len(words)


def texts_places(hashes: Numbers) -> Words:
    """Places (32 bits) in an employee's filter of values with letters, from their desk hashes."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


class IndexKeys:
    """Index keys of desk hashes, under the index key. Without a state: any thread may call."""

    def __init__(self, key: bytes) -> None:
        self._block_key = _derived(key, b"torwart-index")
        self.check = _check(key)

    def of(self, desk_hashes: Numbers) -> Numbers:
        return _blocks(self._block_key, _SEALED, desk_hashes)[:, 0]


def _check(key: bytes) -> str:
    return blake2b(key=key, person=b"torwart-check", digest_size=8).hexdigest()


def _derived(key: bytes, person: bytes) -> bytes:
    return blake2b(key=key, person=person, digest_size=16).digest()


def _blocks(key: bytes, tag: int, values: Numbers) -> Numbers:
    """One block of AES per value: 8 bytes tag, 8 bytes value."""
    blocks = np.empty((len(values), 2), "<u8")
    blocks[:, 0] = tag
    blocks[:, 1] = values
    # Not encryption: each block is the argument of a pseudo-random function, and equal values shall have equal hashes.
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return np.frombuffer(cipher.update(blocks.reshape(-1).view(np.uint8).data), "<u8").reshape(-1, 2)
