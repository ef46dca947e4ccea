"""Values that a create or update writes: every field is known, nested records too, and a mask that comes back is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.crm.profile import UnreadableError
from gateway.crm.profiles.tryton_fields import ADDRESS, CONTACT, MODELS, PARTY, Model
from policies.masks import is_mask
from policies.request import Action

_READ_ONLY = frozenset(
    [
        "id",
        "rec_name",
        "xml_id",
        "create_date",
        "write_date",
        "last_modified_at",
        "create_uid",
        "write_uid",
        "_timestamp",
        "_write",
        "_delete",
    ]
)
_LINK_IS_FIXED = frozenset({CONTACT, ADDRESS})
"""Tryton refuses to move a record of these models to another client. So with the client's id among the values, an update of a record
that belongs to somebody else fails there; without it, a nested update would reach any client's records."""


@dataclass(slots=True)
class Values:
    """The values of one call, read."""

    owner_field: str | None
    written: set[str] = field(default_factory=set)
    """Dotted names."""
    contact: set[str] = field(default_factory=set)
    """Those of `written` that carry a contact value."""
    clear: set[str] = field(default_factory=set)
    """Those of `contact` that are written with anything but a mask."""
    clients: set[int] = field(default_factory=set)
    """Clients that the values name as the ones they belong to."""
    reassigns: bool = False
    archives: bool = False
    """A client is taken out of sight: to everybody who works with the CRM it is deleted."""

    @property
    def update(self) -> Action:
        """What an update with these values is by its effect."""
        return Action.REASSIGN if self.reassigns else Action.DELETE if self.archives else Action.UPDATE

    def read(self, model: Model, values: Any, *, client: int | None, prefix: str = "") -> dict[str, Any]:
        """The values as they are sent. `client` is the one client that they are written to, None while there is none or several.

        Raises UnreadableError.
        """
        if not isinstance(values, dict):
            raise UnreadableError("values")
        out: dict[str, Any] = {}
        for name, value in values.items():
            if model.name == PARTY and self.owner_field is not None and name == self.owner_field.partition(".")[0]:
                self.reassigns = True
                self.written.add(prefix + name)
                out[name] = _scalar(value)
                continue
            known = model.fields.get(name)
            if known is None or name in _READ_ONLY:
                raise UnreadableError(f"written field of {model.name} that is not known", unknown=True)
            self.written.add(prefix + name)
            if known.contact:
                self.contact.add(prefix + name)
                if not is_mask(value):
                    self.clear.add(prefix + name)
            if model.name == PARTY and name == "active" and not value:
                self.archives = True
            if name == model.link:
                out[name] = self._link(value, client)
            elif known.target is None:
                out[name] = _scalar(value)
            elif isinstance(value, list):
                target = MODELS.get(known.target)
                if target is None:
                    out[name] = _references(value)
                elif known.own:
                    out[name] = [self._command(target, command, client, f"{prefix}{name}.") for command in value]
                else:
                    raise UnreadableError(f"written field of {model.name} that is not known", unknown=True)
            elif known.target == PARTY:
                raise UnreadableError(f"written field of {model.name} that is not known", unknown=True)
            else:
                out[name] = _number(value, optional=True)
        return out

    def _command(self, target: Model, command: Any, client: int | None, prefix: str) -> list[Any]:
        """One command on related records. Others than these name records whose client nobody can tell."""
        if not isinstance(command, list) or not command:
            raise UnreadableError("command on related records")
        if command[0] == "create" and len(command) == 2 and isinstance(command[1], list):
            return ["create", [self.read(target, values, client=client, prefix=prefix) for values in command[1]]]
        if command[0] == "write" and len(command) >= 3 and len(command) % 2 and client is not None and target.name in _LINK_IS_FIXED:
            out: list[Any] = ["write"]
            for ids, values in zip(command[1::2], command[2::2], strict=True):
                read = self.read(target, values, client=client, prefix=prefix)
                out += [[_number(one) for one in _list(ids)], read | {target.link: client}]
            return out
        if command[0] == "add" and len(command) == 2 and target.name in _LINK_IS_FIXED:
            return ["add", [_number(one) for one in _list(command[1])]]
        raise UnreadableError(f"command on {target.name} inside its client", unknown=True)

    def _link(self, value: Any, client: int | None) -> Any:
        number = _number(value)
        if client is not None and number != client:
            raise UnreadableError("record of one client written to another", unknown=True)
        if number is not None:
            self.clients.add(number)
        return number


def without_masks(model: Model, values: dict[str, Any], drop: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """The values without masks that came back: in contact fields always, in other fields where `drop` names them."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        known = model.fields.get(name)
        if is_mask(value) and (prefix + name in drop or (known is not None and known.contact)):
            continue
        target = MODELS.get(known.target) if known is not None and known.target is not None else None
        if target is not None and isinstance(value, list):
            value = [_unmasked_command(target, command, drop, f"{prefix}{name}.") for command in value]
        out[name] = value
    return out


def _unmasked_command(target: Model, command: list[Any], drop: frozenset[str], prefix: str) -> list[Any]:
    if command[0] == "create":
        return ["create", [without_masks(target, values, drop, prefix) for values in command[1]]]
    if command[0] == "write":
        pairs = zip(command[1::2], command[2::2], strict=True)
        return ["write", *(part for ids, values in pairs for part in (ids, without_masks(target, values, drop, prefix)))]
    return command


def _references(value: list[Any]) -> list[Any]:
    """Links to records that are no client's: they may be set and unset, not written through."""
    for command in value:
        if not isinstance(command, list) or len(command) != 2 or command[0] not in ("add", "remove"):
            raise UnreadableError("command on related records", unknown=True)
        for one in _list(command[1]):
            _number(one)
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, list) or (isinstance(value, dict) and "__class__" not in value):
        raise UnreadableError("value of a field")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableError("ids")
    return value


def _number(value: Any, *, optional: bool = False) -> int | None:
    if value is None and optional:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError("id")
    return value
