"""What Torwart may order an agent to do, and how the agent knows that it was ordered (decision 0011, attacks X29).

Signed bytes, one line each, every line ended by LF, ASCII, in exactly this order:

    torwart-order-1
    AGENT       id of the agent: an order is good for one machine
    COUNTER     decimal; higher than that of every order before to this agent
    EXPIRES     seconds since 1970, decimal
    VERB        `quarantine` (put the file aside) or `release` (put it back)
    EVENT       id of the agent's own event that told of the file
    DIGEST      SHA-256 of the file as that event told it, hexadecimal; `-` where it told none, of a very small file
    HANDLE      eight hexadecimal digits by which people speak of the file

There is no room for a path, a command, or a number without a bound. One regular expression reads all of it, after the signature held.

This module knows no database: the agent uses it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

ORDER_BYTES_MAX = 512
"""No order is longer: what is longer is not looked at."""
NO_DIGEST = "-"
_ORDER = re.compile(
    rb"torwart-order-1\n([0-9a-f]{16})\n([1-9][0-9]{0,17})\n([1-9][0-9]{0,11})\n(quarantine|release)\n([0-9a-f]{32})\n"
    rb"([0-9a-f]{64}|-)\n([0-9A-F]{8})\n"
)


class Verb(StrEnum):
    """Everything that can be ordered."""

    QUARANTINE = "quarantine"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Order:
    """One order about one file that the agent told of itself."""

    agent: str
    counter: int
    expires: datetime
    """UTC, whole seconds."""
    verb: Verb
    event: str
    digest: str | None
    """None: the event told none (`audit_store.event.DIGEST_FROM_BYTES`)."""
    handle: str

    def signed_bytes(self) -> bytes:
        """What is signed, and sent as it is."""
        expires = str(int(self.expires.timestamp()))
        lines = (self.agent, str(self.counter), expires, self.verb.value, self.event, self.digest or NO_DIGEST, self.handle)
        return "".join(f"{line}\n" for line in ("torwart-order-1", *lines)).encode("ascii")


def order_of(signed: bytes) -> Order:
    """Reads what was signed. Raises ValueError for anything but an order, byte for byte."""
    found = _ORDER.fullmatch(signed) if len(signed) <= ORDER_BYTES_MAX else None
    if found is None:
        raise ValueError("no order")
    agent, counter, expires, verb, event, digest, handle = (part.decode("ascii") for part in found.groups())
    return Order(
        agent, int(counter), datetime.fromtimestamp(int(expires), UTC), Verb(verb), event, None if digest == NO_DIGEST else digest, handle
    )
