"""The made-up people of the demo and which clients are whose."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from deploy.demo.clients import SEED, Draws, all_clients
from deploy.demo.names import Language


class Role(StrEnum):
    """What a person does in the firm."""

    MANAGER = "manager"
    OWNER = "owner"
    HEAD_OF_SALES = "head_of_sales"
    ACCOUNTANT = "accountant"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the made-up firm. `book` is the number of clients that are theirs."""

    login: str
    name: str
    role: Role
    language: Language
    book: int = 0

    @property
    def email(self) -> str:
        """The person's address at the firm, under a reserved domain."""
        return f"{self.login}@firma.example"


ANNA: Final = Person("anna", "Anna Feldmann", Role.MANAGER, "de", book=480)
"""Manager A: the story is told about her."""
BORIS: Final = Person("boris", "Boris Hartwig", Role.MANAGER, "de", book=560)
"""Manager B: fresh, for the visitor to work as."""
OWNER: Final = Person("oskar", "Oskar Brandt", Role.OWNER, "de")
HEAD_OF_SALES: Final = Person("sabine", "Sabine Vogt", Role.HEAD_OF_SALES, "de")
ACCOUNTANT: Final = Person("ahmet", "Ahmet Kaya", Role.ACCOUNTANT, "de")

PEOPLE: Final[tuple[Person, ...]] = (
    ANNA,
    BORIS,
    Person("carla", "Carla Lindner", Role.MANAGER, "de", book=690),
    Person("dmitri", "Дмитрий Сергеев", Role.MANAGER, "ru", book=610),
    Person("emily", "Emily Clarke", Role.MANAGER, "en", book=350),
    Person("felix", "Felix Thoma", Role.MANAGER, "de", book=310),
    OWNER,
    HEAD_OF_SALES,
    ACCOUNTANT,
)


def assignment() -> dict[int, str]:
    """Whose each client is: client number -> login of the manager; the same on every machine."""
    owners = [person.login for person in PEOPLE for _ in range(person.book)]
    shuffled = Draws(SEED + 1).shuffled(owners)
    return {client.number: login for client, login in zip(all_clients(), shuffled, strict=True)}


def book_of(login: str, party_ids: Mapping[int, int]) -> list[int]:
    """The ids in the CRM of this manager's own clients, in the order of the client numbers."""
    return [party_ids[number] for number, owner in assignment().items() if owner == login]


def write_assignment(path: Path, party_ids: Mapping[int, int]) -> None:
    """Write the table that Torwart imports: `client_id,person`, where the id is the CRM's own.

    `party_ids` leads from client number to that id.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("client_id", "person"))
        table.writerows((party_ids[number], login) for number, login in assignment().items())
