"""Acts for the tests of the rules: a company of 3,000 clients, of whom the manager has 480."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import policies
from policies.document import PolicyText
from policies.load import load, read_document, rule_files
from policies.request import AccessRequest, Action, Context, Counts, KeyClass, KeyProof, Principal, Resource, Status, Usage
from policies.rule import Policy

SHIPPED = Path(policies.__file__).parent / "shipped"
NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
CONTACT = frozenset({"phone", "email"})
FIELDS = frozenset({"name", "phone", "email"})


def starter() -> Policy:
    """The policy that ships."""
    return load(SHIPPED, "1")


def texts() -> list[PolicyText]:
    """The files of that policy as they are written."""
    return [PolicyText.model_validate(read_document(path).value) for path in rule_files(SHIPPED)]


def clients(own: int, others: int = 0) -> tuple[tuple[str, ...], frozenset[str]]:
    """Ids with the person's own first, and which of them are own."""
    mine = tuple(f"own{i}" for i in range(own))
    return mine + tuple(f"other{i}" for i in range(others)), frozenset(mine)


def act(
    action: Action,
    *,
    role: str = "manager",
    status: Status = Status.ACTIVE,
    own: int | None = 0,
    others: int = 0,
    fields: frozenset[str] = FIELDS,
    before: Counts | None = None,
    after: Counts | None = None,
    proof: KeyProof | None = None,
    principal: dict[str, Any] | None = None,
    **resource: Any,
) -> AccessRequest:
    """An act of a manager. `own=None`: the answer is not there yet, so no client is known."""
    ids, mine = clients(own, others) if own is not None else (None, frozenset[str]())
    what = Resource(type="client", model="party.party", ids=ids, own=mine, fields=fields, contact_fields=fields & CONTACT)
    before = before or Counts()
    return AccessRequest(
        act_id="act-1",
        principal=replace(Principal("person-1", "P-00000001", frozenset({role}), status), **principal or {}),
        action=action,
        resource=replace(what, **resource),
        context=Context(at=NOON),
        usage=Usage(before=before, after=after or before, base=3000, book=480),
        proof=proof,
    )


def on_records(
    request: AccessRequest, ids: tuple[str, ...], own: frozenset[str] = frozenset(), records: dict[str, Any] | None = None
) -> AccessRequest:
    """The act with these clients in its answer, and their attributes column by column."""
    return replace(request, resource=replace(request.resource, ids=ids, own=own, records=records or {}))


def touched(
    own: int,
    others: int = 0,
    *,
    fields: frozenset[str] = FIELDS,
    verified: bool = True,
    key_class: KeyClass = KeyClass.HARDWARE,
) -> KeyProof:
    """A touch that covers these clients and fields."""
    return KeyProof("grant-1", "digest", NOON, verified, frozenset(clients(own, others)[0]), fields, key_class=key_class)
