"""3,000 made-up clients, the same on every machine.

Nobody real can be hit by them: e-mail domains end in `.example` (RFC 2606), German numbers come from the ranges that the
Bundesnetzagentur keeps free for films, British ones from Ofcom's list for drama use; Russia has no such list, so its numbers
go on with 0 behind the area code, which no line there does.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from deploy.demo.names import REGIONS, City, Language, Numbers, Region, latin

CLIENT_COUNT: Final = 3_000
SEED: Final = 8_400
_ENGLISH_FROM: Final = 0.77
_RUSSIAN_FROM: Final = 0.54
_COMPANIES: Final = 0.6
_MOBILES: Final = 0.3


@dataclass(frozen=True, slots=True)
class Client:
    """One made-up client. `number` counts from 1; name, phone and e-mail are unlike those of every other client."""

    number: int
    name: str
    language: Language
    street: str
    postal_code: str
    city: str
    country_code: str
    phone: str
    email: str

    @property
    def code(self) -> str:
        """The client's number as the CRM shows it."""
        return f"K{self.number:05d}"

    @property
    def phone_kind(self) -> Literal["mobile", "phone"]:
        """How Tryton's contact mechanisms call this kind of number."""
        starts = tuple(numbers.start for numbers in REGIONS[self.language].mobile)
        return "mobile" if self.phone.startswith(starts) else "phone"


class Draws:
    """Choices that come out the same on every Python: of `random`, only `random()` itself is promised to stay as it is."""

    def __init__(self, seed: int) -> None:
        self._next = random.Random(seed).random  # noqa: S311 -- made-up names, nothing secret

    def below(self, count: int) -> int:
        return int(self._next() * count)

    def chance(self, share: float) -> bool:
        return self._next() < share

    def one_of[T](self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def shuffled[T](self, values: Sequence[T]) -> list[T]:
        keys = [self._next() for _ in values]
        return [values[place] for place in sorted(range(len(values)), key=keys.__getitem__)]


class _Generator:
    def __init__(self) -> None:
        self._draws = Draws(SEED)
        self._ranges: dict[Numbers, list[str]] = {}
        self._used: set[str] = set()

    def clients(self) -> Iterator[Client]:
        for number in range(1, CLIENT_COUNT + 1):
            share = number / CLIENT_COUNT
            yield self._client(number, "en" if share > _ENGLISH_FROM else "ru" if share > _RUSSIAN_FROM else "de")

    def _client(self, number: int, language: Language) -> Client:
        region = REGIONS[language]
        city = self._draws.one_of(region.cities)
        if self._draws.chance(_COMPANIES):
            name = self._unused(lambda: self._company(region, city))
            email = self._email(f"{self._draws.one_of(('info', 'kontakt', 'office'))}@{latin(name)}.example")
        else:
            name = self._unused(lambda: " ".join(self._person(region)))
            email = self._email(f"{latin(name).replace('-', '.')}@{self._draws.one_of(('post', 'mail', 'brief'))}.example")
        return Client(
            number=number,
            name=name,
            language=language,
            street=region.street_pattern.format(street=self._draws.one_of(region.streets), house=1 + self._draws.below(140)),
            postal_code=self._postal_code(region, city),
            city=city.name,
            country_code=region.country_code,
            phone=self._phone(region, city),
            email=email,
        )

    def _person(self, region: Region) -> tuple[str, str]:
        first, family = self._draws.one_of(region.first_and_family)
        return self._draws.one_of(first), self._draws.one_of(family)

    def _company(self, region: Region, city: City) -> str:
        _, family = self._person(region)
        return self._draws.one_of(region.companies).format(word=self._draws.one_of(region.words), family=family, city=city.name)

    def _unused(self, draw: Callable[[], str]) -> str:
        while (text := draw()) in self._used:
            pass
        self._used.add(text)
        return text

    def _email(self, wanted: str) -> str:
        """The wanted address, with a digit before the @ where two names sound alike in Latin letters."""
        local, _, domain = wanted.partition("@")
        spellings = (f"{local}{count or ''}@{domain}" for count in range(CLIENT_COUNT))
        email = next(spelling for spelling in spellings if spelling not in self._used)
        self._used.add(email)
        return email

    def _postal_code(self, region: Region, city: City) -> str:
        drawn = str(self._draws.below(10**region.postal_digits)).zfill(region.postal_digits)
        return city.postal + drawn + self._draws.one_of(region.postal_ends)

    def _phone(self, region: Region, city: City) -> str:
        """A number nobody has yet: a mobile one now and then, as long as the small fictitious ranges last."""
        left = [numbers for numbers in region.mobile if self._range(numbers)]
        numbers = self._draws.one_of(left) if left and self._draws.chance(_MOBILES) else city.numbers
        return self._range(numbers).pop()

    def _range(self, numbers: Numbers) -> list[str]:
        """What is left of a range, in drawn order; of the large ranges only as much as could ever be needed."""
        if numbers not in self._ranges:
            size = 10**numbers.digits
            places = self._draws.shuffled(range(size)) if size <= CLIENT_COUNT else self._scattered(size)
            self._ranges[numbers] = [numbers.start + str(place).zfill(numbers.digits) for place in places]
        return self._ranges[numbers]

    def _scattered(self, size: int) -> list[int]:
        step = size // CLIENT_COUNT
        return self._draws.shuffled([place * step + self._draws.below(step) for place in range(CLIENT_COUNT)])


@cache
def all_clients() -> tuple[Client, ...]:
    """All made-up clients by number, always the same ones."""
    return tuple(_Generator().clients())
