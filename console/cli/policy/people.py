"""Whom the record names: the directory of today, read once, for commands that judge recorded acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audit_store.request_record import Seat
from console.cli.house import open_house


@dataclass(frozen=True, slots=True)
class People:
    """Everybody, by pseudonym."""

    seats: Mapping[str, Seat]
    names: Mapping[str, str]
    """Empty where names are not shown (law 11)."""

    def called(self, pseudonym: str) -> str:
        """How the command names somebody."""
        name = self.names.get(pseudonym)
        return f"{pseudonym} ({name})" if name else pseudonym


def people_of(config: Path) -> People:
    """The people of an installation. What cannot be used ends the command."""
    with open_house(config) as house:
        everybody = house.people.all()
        shown = house.installation.names == "shown"
    seats = {person.pseudonym: Seat(person.team, person.territory, person.language) for person in everybody}
    return People(seats, {person.pseudonym: person.name for person in everybody} if shown else {})
