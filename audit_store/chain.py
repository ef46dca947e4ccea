"""The hash chain of a producer: a hash covers the one before it, so that what is changed, missing or swapped breaks every later one.

An epoch is an unbroken piece of the chain. A new one begins when the old one could not be continued honestly (cut, edited, replayed from a
backup); it starts from a value that depends on nothing but its own name, so that what follows can be verified without what was lost.
"""

from __future__ import annotations

from hashlib import sha256

FIRST_EPOCH = 1


def epoch_start(producer: str, epoch: int) -> bytes:
    """What the first event of an epoch follows."""
    return sha256(b"torwart-epoch-1\0%d\0" % epoch + producer.encode()).digest()


def link(previous: bytes, *, producer: str, epoch: int, sequence: int, canonical: bytes) -> bytes:
    """The hash of an event: SHA-256 over the hash before it, its place and its canonical bytes. 32 bytes."""
    head = b"torwart-event-1\0%s\0%d\0%d\0" % (producer.encode(), epoch, sequence)
    return sha256(b"".join((previous, head, canonical))).digest()
