"""What belongs to a person is named in the person's own row, under its seal: a row that somebody deletes is missed (attacks X12).

Accounts, levels and planned statuses limit a person, or say whose an act is. The flush that adds, changes or ends one changes the list in
the row of its person too. A row counts only if the list names it as it stands: so an older copy, put back, does not. The lists and what is
there come in one statement, which sees one state of the database: another process that changes both at that moment raises no alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Text, column, func, inspect, literal_column, select, table
from sqlalchemy.orm import Mapped, Mapper, Session, column_property, declared_attr, mapped_column
from sqlalchemy.sql.elements import KeyedColumnElement

from auth.sealed_rows import MISSING, UNLISTED, SealedRow, accept, before_each_flush, changed_seal, put_seal

_TABLES = (("crm_accounts", "account"), ("risk_levels", "person_id"), ("status_plans", "id"))
"""Tables of what belongs to people, each with its primary key."""
_MARK_LENGTH = 32
"""Of a seal's 64 hexadecimal digits: 128 bits that nobody can choose."""


class Belonging(SealedRow):
    """A row that belongs to a person, by its column `person_id`."""

    @declared_attr
    def listed(cls) -> Mapped[str | None]:  # noqa: N805 -- of the class
        """The list in its person's row."""
        people = table("people", column("id"), column("belongings", Text))
        theirs: KeyedColumnElement[Any] = cls.person_id  # type: ignore[attr-defined] # every such table has it
        return column_property(select(people.c.belongings).where(people.c.id == theirs).scalar_subquery(), expire_on_flush=False)

    @property
    def counts(self) -> bool:
        """Whether it limits its person still. What is over is named in no list, and may be deleted."""
        return True

    @classmethod
    def misfit(cls, row: Any) -> str | None:
        """Its person's list must name it as it stands."""
        return UNLISTED if row.counts and _line(row) not in (row.listed or "").split("\n") else None


class Owner(SealedRow):
    """The row of a person."""

    SEALED_IF_SET: ClassVar[tuple[str, ...]] = ("belongings",)

    belongings: Mapped[str | None] = mapped_column(Text, default="")
    """A line for each row that belongs to the person: what its seal begins with, and its name. None: from before there were lists."""

    @declared_attr
    def there(cls) -> Mapped[str]:  # noqa: N805 -- of the class
        """The names of the rows that say they belong to the person, a line each."""
        mine: KeyedColumnElement[Any] = cls.id  # type: ignore[attr-defined] # the table of people has it
        return column_property(_names_of(mine), expire_on_flush=False)

    @classmethod
    def misfit(cls, row: Any) -> str | None:
        """Everything that its list names must be there."""
        if row.belongings is None:
            return UNLISTED
        return MISSING if missing(row) else None


def missing(person: Any) -> list[str]:
    """The rows that belong to a person and are not there any more, as `table:key`."""
    if not person.belongings:
        return []
    there = set(person.there.split("\n"))
    return [name for line in person.belongings.split("\n") if (name := line.partition(" ")[2]) not in there]


def is_of(name: str, model: type[Belonging]) -> bool:
    """Whether a name of `missing` is of a row of this table."""
    table: str = model.__tablename__  # type: ignore[attr-defined] # every table of ours has a name
    return name.partition(":")[0] == table


def forget(person: Any, model: type[Belonging]) -> int:
    """Miss no longer what is not there of one table; how many rows that were. The flush seals it, if nothing else is doubtful.

    Only after this was recorded, in the same transaction.
    """
    gone = {name for name in missing(person) if is_of(name, model)}
    if gone:
        person.belongings = "\n".join(line for line in person.belongings.split("\n") if line.partition(" ")[2] not in gone)
    return len(gone)


def adopt(session: Session, person: Owner, more: Iterable[Belonging] = ()) -> None:
    """Miss no longer what is not there, let these rows be the person's too, and seal the person's row as it stands.

    Only after this was recorded, in the same transaction. What is doubtful stays so.
    """
    new, gone = {_name(row): _line(row) for row in more if row.counts}, set(missing(person))
    kept = (line for line in (person.belongings or "").split("\n") if line and line.partition(" ")[2] not in {*new, *gone})
    person.belongings = "\n".join(sorted([*kept, *new.values()]))
    accept(person)
    session.flush()


def _text(constant: str) -> ColumnElement[str]:
    """Written into the statement: a touch would give a dozen parameters to the driver otherwise."""
    return literal_column(f"'{constant}'", Text)


_LINE = _text("\n")


def _names_of(person_id: ColumnElement[Any]) -> ColumnElement[str]:
    found: ColumnElement[str] = _text("")
    for name, key in _TABLES:
        theirs = table(name, column(key, Text), column("person_id"))
        # A key with a line break is none of ours, and must not read as two.
        names = func.aggregate_strings(_text(f"{name}:") + func.replace(theirs.c[key], _LINE, _text(" ")), _LINE)  # type: ignore[arg-type] # as `_text`
        rows = select(names).where(theirs.c.person_id == person_id).correlate_except(theirs).scalar_subquery()
        found = found + func.coalesce(rows, _text("")) + _LINE
    return found


def _name(row: Belonging) -> str:
    (key,) = inspect(row).identity or inspect(row).mapper.primary_key_from_instance(row)
    return f"{row.__tablename__}:{key}"  # type: ignore[attr-defined] # every table of ours has a name


def _line(row: Belonging) -> str:
    return f"{(row.seal or '')[:_MARK_LENGTH]} {_name(row)}"


@cache
def _owners(mapper: Mapper[Any]) -> type[Owner]:
    owners: Iterator[type[Owner]] = (one.class_ for one in mapper.registry.mappers if issubclass(one.class_, Owner))
    return next(owners)


def _list_changes(session: Session) -> None:
    """Change the lists with what they name: in one flush, so that there is never one without the other."""
    for row in session.deleted:
        if isinstance(row, Belonging):
            _put(session, row, None)
    sealed = [row for row in session.dirty if isinstance(row, Belonging) and changed_seal(row)]
    for row in (*sealed, *session.new):
        if isinstance(row, Belonging):
            put_seal(row, session)
            _put(session, row, _line(row) if row.counts else None)


def _put(session: Session, row: Belonging, line: str | None) -> None:
    person_id, model, name = row.person_id, _owners(inspect(row).mapper), _name(row)  # type: ignore[attr-defined]
    new = (one for one in session.new if isinstance(one, model) and one.id == person_id)  # type: ignore[attr-defined]
    person = next(new, None) or session.get(model, person_id)
    if person is None:
        return  # the foreign key refuses it
    others = [one for one in (person.belongings or "").split("\n") if one and one.partition(" ")[2] != name]
    person.belongings = "\n".join(sorted([*others, line] if line is not None else others))


before_each_flush(_list_changes)
