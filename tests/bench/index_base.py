"""A client base by the million, texts with and without its clients, and goal 5 (`index_bytes`)."""

from __future__ import annotations

import math
import random
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from detectors.client_index.base_file import NAME, BaseFile
from detectors.client_index.build import Build, Built
from detectors.client_index.identifier import Identifier, Kind
from tests.bench.report import Row, row

BATCH = 2_000
_WORDS = str.split(
    "der die das und Angebot Vertrag Lieferung bitte prüfen Termin Montag Besprechung Projekt Rechnung im Anhang finden Sie wir danken für "
    "Ihre Anfrage vom the meeting report quarter team plan review please"
)
_MEASURED_BITS = 14
"""Beyond log2 of the number of keys: at so many bits false hits are frequent enough to be counted."""
_LOOKUPS = 4_000_000


def values(client: int) -> list[Identifier]:
    """Name, phone number (three keys) and e-mail address of one made-up client."""
    digits = f"{client * 7_368_787 % 10**8:08d}"  # a prime: every client has another number
    name = "".join(random.Random(client).choices(string.ascii_lowercase, k=7)).title()  # noqa: S311 -- made up, and the same each time
    return [
        Identifier(str(client), Kind.NAME, f"{name} Handel"),
        Identifier(str(client), Kind.PHONE, f"0151 {digits}"),
        Identifier(str(client), Kind.EMAIL, f"kontakt{client}@firma{client % 977}.example"),
    ]


def build(state: Path, clients: int) -> Built:
    """An index of so many clients with four keys each. A million takes a minute."""
    under_way = Build(state, ("DE",))
    for start in range(0, clients, BATCH):
        under_way.add(one for client in range(start, min(start + BATCH, clients)) for one in values(client))
    return under_way.finish()


def office_text(size: int, seed: int = 1) -> str:
    """Ordinary prose with dates, amounts, and now and then a foreign phone number or address; about `size` characters."""
    draws = random.Random(seed)  # noqa: S311 -- the same text each time
    return "".join(_until(size, lambda: _sentence(draws)))


def crm_text(size: int, *, clients: int, known: bool, seed: int = 1) -> str:
    """Rows of a client list, each with a name, a phone number and an address; `known`: they are in the index of so many clients."""
    draws = random.Random(seed)  # noqa: S311 -- the same text each time
    return "".join(_until(size, lambda: _list_row(draws.randrange(clients) + (0 if known else clients), draws)))


def index_bytes(state: Path) -> Row:
    """Goal 5: bytes of the file per key / what keys of this false-positive rate and rows of this number need at least.

    The rate is measured with random keys at `log2(keys) + 14` bits, where it is large enough to be counted, and carried on to all 64 bits.
    """
    with (state / "index" / NAME).open("rb") as file:
        base = BaseFile.map(file.fileno(), check=True)
    bits = math.ceil(math.log2(len(base.keys))) + _MEASURED_BITS
    cut = np.uint64(64 - bits)
    known = base.keys >> cut
    asked = np.random.default_rng(1).integers(0, 1 << 64, _LOOKUPS, np.uint64) >> cut
    hits = int((known[np.minimum(np.searchsorted(known, asked), len(known) - 1)] == asked).sum())
    rate = hits / _LOOKUPS / 2 ** (64 - bits)
    least = (-math.log2(rate) + math.log2(base.head.clients)) / 8
    per_key = base.size / base.head.keys
    whose = sum(array.nbytes for array in (base.number_places, base.text_places)) / base.head.keys
    return row(
        [per_key / least],
        floor=2.0,
        target=1.25,
        bytes_per_key=round(per_key, 2),
        without_desk_filter=round((per_key - whose) / least, 3),
        false_positive_bits=round(-math.log2(rate), 2),
        keys=base.head.keys,
        clients=base.head.clients,
    )


def _until(size: int, draw: Callable[[], str]) -> Iterator[str]:
    done = 0
    while done < size:
        text = draw()
        done += len(text)
        yield text


def _sentence(draws: random.Random) -> str:
    text = " ".join(draws.choices(_WORDS, k=draws.randint(6, 16)))
    if draws.random() < 0.15:
        text += f" am {draws.randint(1, 28):02d}.{draws.randint(1, 12):02d}.2026"
    if draws.random() < 0.08:
        text += f" {draws.randint(1, 99)}.{draws.randint(0, 999):03d},{draws.randint(0, 99):02d} EUR"
    if draws.random() < 0.02:
        text += f" Tel. 0{draws.randint(20, 99)} {draws.randint(10**5, 10**7)}"
    if draws.random() < 0.02:
        text += f" x{draws.randint(0, 10**5)}@mail{draws.randint(0, 99)}.example"
    return text + ".\n"


def _list_row(client: int, draws: random.Random) -> str:
    name, phone, email = (one.value for one in values(client))
    place = f"Lange Str. {draws.randint(1, 200)};{draws.randint(10_000, 99_999)};Köln"
    return f"{client};{name};{place};{phone};{email};{draws.randint(100, 99_999)}\n"
