"""What an act is: what its person is shown, what the key signs of it, and what it asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from auth.tables import Act
from policies.needs import RequirementKind
from policies.request import ClientId, KeyClass

ONLY_THE_KEY = frozenset({RequirementKind.KEY})
BY_APP = "app"
"""Offered by an act that a code of the person's authenticator app may confirm in the place of the key (`policies.needs.BY_CODE`)."""
OF_OTHERS = "approval"
"""Asked for by an act that others have to approve first: the touch then only asks them, and lets nothing go (`auth.approvals`)."""
ASKS = {
    RequirementKind.KEY: "key",
    RequirementKind.CODE: BY_APP,
    RequirementKind.JUSTIFY: "why",
    RequirementKind.ACKNOWLEDGE: "read",
    RequirementKind.APPROVAL: OF_OTHERS,
}
"""How a row says what is asked for."""


class StepUpRefused(Exception):  # noqa: N818 -- the contract's name: a refusal, no fault of ours
    """The act was not confirmed. The text is the same for every cause; `cause` is a code for record and tests."""

    def __init__(self, cause: str) -> None:
        super().__init__("The act was not confirmed. Please repeat it, or ask your administrator.")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Summary:
    """What the person is shown and signs. Counts and field names, never a client's value."""

    action: str
    asked: int
    """Distinct clients asked for."""
    allowed: int
    """Distinct clients that go out after the touch."""
    fields: tuple[str, ...]
    destination: str
    reason_code: str
    reason_values: Mapping[str, int | str]
    limit_per_day: int | None = None
    said: str | None = None
    """What the person wrote as a reason; the key signs it with the rest."""
    read: bool = False
    """The person said that the warning was read; the key signs that too."""
    warnings: tuple[str, ...] = ()
    """Codes of the reasons that the person has to have read."""
    filter: tuple[str, ...] = ()
    """Fields by which the clients were chosen or sorted; never what was searched for."""
    key_class: str = KeyClass.HARDWARE.value
    """The weakest key that may confirm it: a value of `policies.request.KeyClass`."""

    @classmethod
    def of(cls, act: Act) -> Summary:
        """The summary that stands in an act."""
        given = act.summary
        lists = {name: tuple(given.get(name, ())) for name in ("fields", "warnings", "filter")}
        return cls(**{**given, **lists})


def act_digest(*, person_id: str, action: str, ids: Iterable[ClientId], fields: Iterable[str], destination: str) -> str:
    """SHA-256, hexadecimal, of who does what to which clients and fields and where it goes. Order and repetition do not matter."""
    parts = [person_id, action, destination, *sorted(set(fields)), "", *sorted(set(ids))]
    hashed = hashlib.sha256(b"torwart act 1")
    for part in parts:  # each with its length: no two acts can give the same bytes
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()


def signed_challenge(act: Act) -> bytes:
    """What the key signs: random bytes, bound to the act's digest and to the very text that was shown."""
    if act.challenge is None:
        raise StepUpRefused("no_challenge")
    shown = orjson.dumps(act.summary, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(act.challenge + bytes.fromhex(act.digest) + hashlib.sha256(shown).digest()).digest()


def key_demanded(act: Act) -> KeyClass:
    """The weakest key that may confirm an act; what was opened by an earlier release asked for hardware."""
    return KeyClass(act.summary.get("key_class", KeyClass.HARDWARE))
