"""What the bench of the scan reads: office text without clients, a dense export of a CRM, and a firm of a million clients."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from detectors.client_index.build import Build
from detectors.client_index.identifier import Identifier, Kind

PATTERNS = (
    rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    rb"\+?\(?[0-9](?:[ ()./-]{0,3}[0-9]){6,16}",
    rb"\b[A-Z]{2}[ .-]?[0-9](?:[ .-]?[0-9]){7,10}",
    rb"[A-Za-z0-9+/_-]{12,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{2,})*={0,2}",
    rb"(?:[A-Z2-7]{16,}|[a-z2-7]{16,})={0,6}",
    rb"(?i)(?:[0-9a-f]{2}){9,}",
    rb"%[0-9A-Fa-f]{2}",
    rb"=[0-9A-F]{2}|[^\s=]=\r?\n\S",
    rb"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)",
    rb"<[A-Za-z/!?][^<>]*>",
    rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,24});?",
    rb"\+A[A-P][A-Za-z0-9/]{1,}-",
)
"""What the pipeline looks for: values that can identify a client, and ways of writing. The same for all that are compared."""
PLANTED = 8_400
"""Clients whose values are planted in every spelling: 12 x 8,400 = 100,800 values."""
_SYLLABLES = (
    "an",
    "be",
    "da",
    "el",
    "fi",
    "go",
    "ha",
    "in",
    "ka",
    "lo",
    "ma",
    "ne",
    "or",
    "pa",
    "ri",
    "sa",
    "te",
    "um",
    "vo",
    "wen",
    "zer",
    "schaft",
    "ung",
    "heit",
    "lich",
    "stein",
    "berg",
)


def words(dice: random.Random, count: int) -> list[str]:
    return ["".join(dice.choices(_SYLLABLES, k=dice.randint(1, 4))) for _ in range(count)]


def office_text(size: int) -> bytes:
    """Sentences, dates and amounts; nobody in it."""
    dice = random.Random(1)  # noqa: S311 # the same text in every run
    known = words(dice, 4_000)
    pieces: list[str] = []
    length = 0
    while length < size:
        piece = " ".join(dice.choices(known, k=dice.randint(5, 18))).capitalize()
        piece += dice.choice(
            (". ", ".\n", f" am {dice.randint(1, 28)}.{dice.randint(1, 12)}.2026. ", f" ({dice.randint(10, 9_999)},00 €).\n")
        )
        pieces.append(piece)
        length += len(piece.encode())
    return "".join(pieces).encode()[:size]


def dense_export(size: int, clients: int) -> bytes:
    """A table as a CRM exports it: one client a line, every third of them a client of the firm."""
    dice = random.Random(2)  # noqa: S311 # the same table in every run
    known = words(dice, 4_000)
    lines: list[str] = []
    length = 0
    while length < size:
        number = dice.randrange(clients)
        ours = len(lines) % 3 == 0
        mail = f"k{number}@kunde0.example" if ours else f"{dice.choice(known)}.{dice.choice(known)}@{dice.choice(known)}.example"
        phone = f"+49 {dice.randint(30, 999)} {dice.randint(100_000, 99_999_999)}"
        place = f"{dice.choice(known).title()}straße {dice.randint(1, 200)};{dice.randint(10_000, 99_999)} {dice.choice(known).title()}"
        lines.append(f"{number};{dice.choice(known).title()} {dice.choice(known).title()};{phone};{mail};{place}")
        length += len(lines[-1].encode()) + 1
    return "\n".join(lines).encode()[:size]


def planted_phone(client: int) -> str:
    """National digits without the leading zero, of a valid German mobile number."""
    return f"15{client % 2}{10_000_000 + client * 7_919 % 89_999_999}"


def planted_mail(client: int) -> str:
    return f"vertrieb.{client}@gepflanzt-{client}.example"


def spellings() -> dict[str, Callable[[int], str]]:
    """Twelve ways to write a value of a planted client: eight of the number, four of the address."""
    return {
        "international": lambda n: f"+49{planted_phone(n)}",
        "two zeros": lambda n: f"0049 {planted_phone(n)[:3]} {planted_phone(n)[3:]}",
        "national": lambda n: f"0{planted_phone(n)}",
        "slashed": lambda n: f"0{planted_phone(n)[:3]}/{planted_phone(n)[3:]}",
        "in brackets": lambda n: f"(0{planted_phone(n)[:3]}) {planted_phone(n)[3:]}",
        "zero in brackets": lambda n: f"+49 (0){planted_phone(n)[:3]}-{planted_phone(n)[3:]}",
        "in groups": lambda n: " ".join(f"0{planted_phone(n)}"[at : at + 3] for at in range(0, 12, 3)),
        "full width": lambda n: "".join(chr(0xFF10 + int(digit)) for digit in f"0{planted_phone(n)}"),
        "address": planted_mail,
        "capitals": lambda n: planted_mail(n).upper(),
        "mail link": lambda n: f'<a href="mailto:{planted_mail(n)}?subject=x">x</a>',
        "zero-width": lambda n: planted_mail(n).replace(".", "\u200b.").replace("@", "\u200d@"),
    }


def build_firm(state: Path, clients: int, planted: int) -> None:
    """An index of `clients` with four values each; `planted` more with a number and an address."""
    build = Build(state, ("DE",))
    for identifiers in _batches(clients, planted):
        build.add(identifiers)
    build.finish()


def _batches(clients: int, planted: int) -> Iterator[list[Identifier]]:
    for begin in range(0, planted, 1_000):
        some = range(begin, min(begin + 1_000, planted))
        yield [Identifier(f"p{n}", Kind.PHONE, f"+49{planted_phone(n)}") for n in some]
        yield [Identifier(f"p{n}", Kind.EMAIL, planted_mail(n)) for n in some]
    for begin in range(0, clients, 20_000):
        some = range(begin, min(begin + 20_000, clients))
        yield [Identifier(str(n), Kind.EMAIL, f"k{n}@kunde{k}.example") for n in some for k in range(4)]
