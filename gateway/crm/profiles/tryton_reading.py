"""What reading a Tryton call gives: the class of the act, what it asks for, and how its answer will look."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.crm.formats.strict_json import JsonError, parse
from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles.tryton_domain import Questions
from gateway.crm.profiles.tryton_fields import PARTY, Model
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_plan import Node
from gateway.crm.profiles.tryton_rows import Sheet
from gateway.crm.profiles.tryton_write import Values
from gateway.crm.protocols.jsonrpc import RpcCall
from policies.request import Action, ClientId, Resource

CLIENT = "client"
IDS_MAX = 50_000
"""In one call: some ten times what the web client names at once, and each of them stands in the event of the act."""
ID_MAX = (1 << 31) - 1
"""Tryton's ids are 4-byte integers in the database (PostgreSQL `serial`)."""
_SAFE_TO_NAME = re.compile(r"[a-z][a-z0-9_.-]{2,80}")

type Reader = Callable[[Model, list[Any], str | None], Reading]
"""Reads the arguments of one method of a model, given the owner field."""


class Shape(StrEnum):
    """How an answer is read."""

    RECORDS = "records"
    ROWS = "rows"
    BARE = "bare"
    """Ids, a number, or nothing."""
    SEALED = "sealed"
    """A document that goes as a whole or not at all."""
    FURNITURE = "furniture"
    """No client in it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Everything that reading the answer needs."""

    shape: Shape = Shape.FURNITURE
    node: Node | None = None
    sheet: Sheet | None = None
    header: bool = False
    separator: str | None = None
    """Rows as CSV with this separator; None: as JSON."""
    single: bool = False
    rest: bool = False
    creates: bool = False
    """The result names clients that were created."""
    makes_key: bool = False
    """The result is a new credential, a text of its own."""
    deletes: tuple[ClientId, ...] = ()
    ids: tuple[ClientId, ...] = ()
    say: Say = Say.AS_IS
    model: Model | None = None
    rpc: RpcCall | None = None
    """The call as it is sent; None on other roads."""

    @property
    def language(self) -> str:
        """The language that the caller works in."""
        about = self.rpc.params[-1] if self.rpc is not None and self.rpc.params else None
        language = about.get("language") if isinstance(about, dict) else about
        return language if isinstance(language, str) else "en"


@dataclass(frozen=True, slots=True)
class Reading:
    """A call, read."""

    kind: CallKind
    action: Action = Action.SYSTEM
    resource: Resource = field(default_factory=lambda: Resource(type="system"))
    expected: Expected = field(default_factory=Expected)
    args: list[Any] | None = None
    """Arguments as they are sent, without the context."""
    account: str | None = None


def resource(
    model: Model,
    questions: Questions | None = None,
    *,
    ids: tuple[ClientId, ...] | None = None,
    node: Node | Sheet | None = None,
    written: Values | None = None,
    limit: int | None = None,
) -> Resource:
    """What a call on records of clients asks for."""
    contact = frozenset(node.contact()) if node is not None else frozenset()
    return Resource(
        type=CLIENT,
        model=model.name,
        ids=ids,
        fields=frozenset(node.asked()) if node is not None else frozenset(),
        contact_fields=contact if written is None else contact | written.contact,
        questioned_fields=frozenset(questions.asked) if questions is not None else frozenset(),
        questioned_contact_fields=frozenset(questions.contact) if questions is not None else frozenset(),
        written_fields=frozenset(written.written) if written is not None else frozenset(),
        mask_written_fields=frozenset(written.contact - written.clear) if written is not None else frozenset(),
        limit=limit,
    )


def id_list(value: Any) -> list[int]:
    """A list of ids. Raises UnreadableError, also for more than any screen or export of the web client names at once."""
    if not isinstance(value, list) or not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one <= ID_MAX for one in value):
        raise UnreadableError("ids")
    if len(value) > IDS_MAX:
        raise UnreadableError("ids: too many in one call")
    return value


def clients(ids: list[int]) -> tuple[ClientId, ...]:
    """Distinct clients, in order."""
    return tuple(str(one) for one in dict.fromkeys(ids))


def count(value: Any, *, optional: bool) -> int | None:
    """An offset or a limit. Raises UnreadableError."""
    if value is None and optional:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnreadableError("limit")
    return value


def arguments(args: list[Any], least: int, *defaults: Any) -> list[Any]:
    """The positional arguments, completed. Raises UnreadableError for too few or too many."""
    if not least <= len(args) <= least + len(defaults):
        raise UnreadableError("number of arguments")
    return [*args, *defaults[len(args) - least :]]


def context(value: Any) -> dict[str, Any]:
    """The context as it is sent: without the past (`_datetime`), and without what makes Tryton fill a form from another client.

    Raises UnreadableError.
    """
    if not isinstance(value, dict):
        raise UnreadableError("context of a call")
    return {key: item for key, item in value.items() if key == "_timestamp" or (not key.startswith("_") and key != "related_party")}


def text_as_json(text: str) -> Any:
    """The JSON value of a parameter. Raises UnreadableError."""
    try:
        return parse(text)
    except JsonError as error:
        raise UnreadableError(error.what) from error


def own_ids(model: Model, ids: list[int]) -> tuple[ClientId, ...] | None:
    """The clients that these ids name; None where they name records of clients."""
    return clients(ids) if model.name == PARTY else None


def names_of(value: Any) -> list[str]:
    """A list of field names. Raises UnreadableError."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UnreadableError("field names")
    return value


def flag(value: Any) -> bool:
    """A yes or no. Raises UnreadableError."""
    if not isinstance(value, bool):
        raise UnreadableError("header flag")
    return value


def unknown_method(method: str) -> str:
    """Names the method for the reviewer, unless a caller wrote something else into its place."""
    return f"method {method}" if _SAFE_TO_NAME.fullmatch(method) else "method"
