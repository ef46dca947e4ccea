"""Who this agent is: its private key, which never leaves the machine, and the name that Torwart gave it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from auth.agent_signature import decode

KEY_FILE = "key.pem"
IDENTITY_FILE = "agent.json"
COUNTER_FILE = "counter"
_RESERVED = 1_000
"""Counters that are set aside at once: the file is written once for so many requests."""


class IdentityError(Exception):
    """The agent cannot say who it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What Torwart calls this agent and the person whose machine it is."""

    agent: str
    pseudonym: str
    url: str
    order_key: str = ""
    """Public key of whoever signs orders for this machine, base64, as Torwart gave it at the enrolment and never again. Empty: there was
    none, and no order is obeyed.
    """

    @property
    def producer(self) -> str:
        """Name of the record, and of the machine in events (`auth.agents.producer_of`)."""
        return f"agent-{self.agent}"


def load_identity(state: Path) -> Identity | None:
    """None: not enrolled yet. Raises IdentityError for a file that is not ours."""
    try:
        found = json.loads((state / IDENTITY_FILE).read_text(encoding="utf-8"))
        order_key = str(found.get("order_key", ""))
        decode(order_key)
        return Identity(str(found["agent"]), str(found["pseudonym"]), str(found["url"]), order_key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IdentityError(f"{state / IDENTITY_FILE} cannot be read ({error}): enrol again") from error


def save_identity(state: Path, identity: Identity) -> None:
    """Keep it, whole or not at all. Raises OSError."""
    document = {"agent": identity.agent, "pseudonym": identity.pseudonym, "url": identity.url, "order_key": identity.order_key}
    write_private(state / IDENTITY_FILE, json.dumps(document).encode())


def own_key(state: Path) -> Ed25519PrivateKey:
    """The private key, made at the first call. Raises IdentityError when others may read it or it is damaged; OSError."""
    path = state / KEY_FILE
    if not path.exists():
        write_private(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise IdentityError(f"{path} may be read by others (rights {mode:o}): revoke this agent, remove the file and enrol again")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise IdentityError(f"{path} is damaged: remove it and enrol again") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{path} is no Ed25519 key: remove it and enrol again")
    return key


def write_private(path: Path, data: bytes) -> None:
    """Replace a file, for its owner only; after a power loss the old or the new one is there. Raises OSError."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


class Counter:
    """The counter of signed requests: only grows, also over restarts and when the clock is set back."""

    def __init__(self, state: Path) -> None:
        self._path = state / COUNTER_FILE
        self._lock = threading.Lock()
        try:
            self._reserved = int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            self._reserved = 0  # the server says which one it has, once (`auth.agents`)
        self._last = max(self._reserved, time.time_ns() // 1_000)

    def next(self) -> int:
        """A number higher than all before."""
        with self._lock:
            self._last += 1
            if self._last > self._reserved:
                self._reserved = self._last + _RESERVED
                with contextlib.suppress(OSError):  # a full disk: then the server says it after the next start
                    write_private(self._path, str(self._reserved).encode())
            return self._last

    def at_least(self, seen: int) -> None:
        """The server has accepted this one before."""
        with self._lock:
            self._last = max(self._last, seen)
