"""What is signed of a version of the rules, and who signs: the key is given in by the caller, this package knows no cryptography.

Signed bytes, UTF-8: `torwart-policy-1`, LF, then the statement as JSON with sorted members and no blanks.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

type Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, hexadecimal."""
MAX_NUMBER = 999_999
type Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, strict=True)]

_FIRST_LINE = b"torwart-policy-1\n"


class Verifier(Protocol):
    """Says whether the installation signed something, and how far its versions had come."""

    @property
    def name(self) -> str:
        """Which key this is: a short digest of its public part."""

    def holds(self, signed: bytes, signature: str) -> bool:
        """True if the owner of the key signed exactly these bytes."""

    def highest(self) -> int:
        """The highest number that was ever put in force, kept apart from the versions: who restores old ones is noticed. 0: none yet."""


class Signer(Verifier, Protocol):
    """Signs new versions."""

    def sign(self, signed: bytes) -> str:
        """A signature over these bytes."""

    def reached(self, number: int) -> None:
        """Keep that this number is in force, durably. Raises OSError."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Before(_Part):
    """The version that was in force."""

    number: Number
    digest: Digest
    """Of its statement: versions are a chain."""


class Confirmation(_Part):
    """Somebody has read what widens, and wants it."""

    digest: str
    """Names the change from one set of rules to another: `policies.widening.Widenings.digest`."""
    by: str
    """A pseudonym or our own word, never a name."""
    widenings: Annotated[int, Field(ge=0)] = 0
    """How many lines were named."""


class Statement(_Part):
    """What is signed of one version."""

    number: Number
    at: AwareDatetime
    by: str
    """A pseudonym or our own word, never a name."""
    rules: int
    cases: int
    """Decisions that came out as expected."""
    files: dict[str, Digest]
    """Name -> digest of the bytes, of rules and cases: no other file belongs to the version."""
    before: Before | None = None
    """None: the first one, or nothing valid was in force."""
    confirmed: Confirmation | None = None
    rollback_to: Number | None = None
    """The earlier version whose files these are."""

    def signed(self) -> bytes:
        """The bytes that are signed."""
        return _FIRST_LINE + json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """Of the signed bytes: names this version for the next one."""
        return sha256(self.signed()).hexdigest()

    @property
    def content(self) -> str:
        """Of names and bytes of the files: the same for the same rules and cases."""
        return self.content_of(self.files)

    @staticmethod
    def content_of(files: dict[str, str]) -> str:
        """`content` of files that are not signed yet."""
        return sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


class Signed(_Part):
    """A statement with its signature, as it is kept beside the files."""

    format: Literal[1] = 1
    statement: Statement
    key: str
    """`Verifier.name` of the key that signed."""
    signature: str


def signed(statement: Statement, signer: Signer) -> bytes:
    """The file that is kept."""
    kept = Signed(statement=statement, key=signer.name, signature=signer.sign(statement.signed()))
    return kept.model_dump_json(indent=2).encode() + b"\n"


def verified(content: bytes, verifier: Verifier) -> Statement:
    """The statement in a kept file. Raises ValueError that says what is wrong with it."""
    try:
        kept = Signed.model_validate_json(content)
    except ValidationError:
        raise ValueError("its signature cannot be read") from None
    if kept.key != verifier.name:
        raise ValueError(f"it was signed with another key ({kept.key}, not {verifier.name})")
    if not verifier.holds(kept.statement.signed(), kept.signature):
        raise ValueError("its signature is wrong")
    return kept.statement
