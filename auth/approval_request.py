"""What is asked for: kinds of requests, what approvers are shown, limits and refusals."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from auth.approval_needs import approvals_in
from auth.approval_signature import hashed
from auth.approval_tables import ApprovalRequest
from policies.document import written_need
from policies.needs import Need

MAX_OPEN = 3
"""Requests of one person that may wait at once (promises F93); of the command line, which is nobody, as many."""
REASON_LENGTH = 500
"""Characters."""


class ApprovalKind(StrEnum):
    """What is asked for."""

    ACT = "act"
    """An act on the CRM or on the way out that a rule asks approval for."""
    RULES = "rules"
    """Rules that let more through than those in force."""
    REVEAL = "reveal"
    """The name behind a pseudonym, for one case."""
    KEY_REMOVAL = "key_removal"
    """The last key of a person."""
    KEY_RECOVERY = "key_recovery"
    """A new key for a person who has lost all."""
    ROLE = "role"
    """A role that hands out keys, for a person."""
    DISCLOSURE = "disclosure"
    """That what is recorded about a person is told later."""


class TooManyOpenError(Exception):
    """Three requests of this person wait already."""

    def __init__(self) -> None:
        super().__init__("three of your requests wait for an answer already: withdraw one, or wait until it is answered")


class ReasonMissingError(Exception):
    """What one person may approve alone needs a reason in words: the address outside reads it."""

    def __init__(self) -> None:
        super().__init__("write why: nobody else in the firm can approve it, so the address outside is told, with the reason")


class ApprovalRefused(Exception):  # noqa: N818 -- a refusal, no fault of ours
    """The answer was not accepted. The text is the same for every cause; `cause` is a code for record and tests."""

    def __init__(self, cause: str) -> None:
        super().__init__("Your answer was not accepted. Please try again, or ask your administrator.")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Shown:
    """What approvers are shown and sign. Counts, names of fields and words of our own, never a client's value."""

    action: str
    """What is to be done: a value of `policies.request.Action`, or of the request's kind where it is no act."""
    lines: tuple[str, ...] = ()
    """What it means, line by line, where it is no act."""
    asked: int = 0
    """Distinct clients asked for."""
    allowed: int = 0
    """Distinct clients that go out."""
    ids: str = ""
    """Their ids, compact (`audit_store.client_sets`)."""
    fields: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    """Fields that the filter, the order or a group uses."""
    destination: str = ""
    policy: str = ""
    """Version of the rules that ask for it."""
    reason_code: str = ""
    reason_values: Mapping[str, int | str] = field(default_factory=dict)
    exports: Mapping[str, int] = field(default_factory=dict)
    """Of what goes out: short names of the exports that its clients came from, each with how many of them."""
    unread: tuple[str, ...] = ()
    """Of what goes out: why parts of it could not be read (`detectors.verdict.Unread`)."""

    @classmethod
    def of(cls, request: ApprovalRequest) -> Shown:
        """What stands in a request."""
        kept = request.shown
        lists: dict[str, Any] = {name: tuple(kept.get(name, ())) for name in ("lines", "fields", "filter", "unread")}
        return cls(**{**kept, **lists})


def new_request(
    request_id: str,
    kind: ApprovalKind,
    requester: str | None,
    digest: str,
    shown: Shown,
    need: Need,
    samples: Sequence[Sequence[str]],
) -> ApprovalRequest:
    """A request that is neither open nor kept yet. Raises ValueError if the need holds anything but approvals."""
    approvals_in(need)
    rows = {"salt": secrets.token_hex(16), "rows": [list(row) for row in samples]} if samples else None
    return ApprovalRequest(
        id=request_id,
        kind=kind.value,
        requester_id=requester,
        digest=digest,
        shown=orjson.loads(orjson.dumps(asdict(shown))),
        samples=rows,
        samples_hash=hashed(rows) if rows else None,
        need=written_need(need),
        alone=False,
    )
