"""The mark that an exported table carries in its last row: which export it is, whose, when, and a code that only we can make.

`Torwart-Export 7F3A | Anna Feldmann | 2026-05-12 09:14 UTC | K3QD-7WZX-M2PA-5TRC`

In ASCII but for the name, and without the signs that CSV puts quotes around, so that it looks the same in every program. The code is an
HMAC-SHA256 (RFC 2104), cut to 80 bits (section 5), in base32 (RFC 4648, section 6): whoever changes a letter of the rest cannot make the
code that belongs to it. Whole marks can be copied from file to file: a mark proves that the export was made, not what else is in the file.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

import re2

from audit_store.pseudonyms import SecretError, secret
from detectors.knowledge import KnowledgeError

PREFIX = "Torwart-Export"
"""How every mark begins: by it one is found at the speed of memory. No sign that a spreadsheet takes for a formula."""
PERSON_MAX = 80
"""Letters of a name: longer ones are cut."""
MARKS_MAX = 50
"""Different marks of one content; more than a file can honestly have."""
_LOOKED_AT = 1_000
"""Places of one text that are looked at: a file full of beginnings takes no time."""
_LONGEST = 1_024
"""Bytes from the beginning of a mark to its end, however it is broken."""
_CODE_BYTES = 10
_BEGINNING = re2.compile(PREFIX.encode())
_DOMAIN = "torwart export mark 1"
_SPOILS = re.compile(r'[|",;]+')
"""In a name: what separates cells, or the parts of a mark."""
_EXPORT, _TIME, _CODE = r"[0-9A-F]{4,32}", r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", r"[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3}"
_GAP, _BLANKS = r"\s{1,8}", r"\s{0,8}"
_PERSON = rf"[^|]{{1,{4 * PERSON_MAX}}}"
_PATTERN = re.compile(
    rf"{PREFIX}{_GAP}({_EXPORT}){_BLANKS}\|({_PERSON})\|{_BLANKS}"
    rf"(\d{{4}}-\d\d-\d\d{_GAP}\d\d:\d\d{_GAP}UTC){_BLANKS}\|{_BLANKS}([A-Z0-9]{{4}}(?:-{_BLANKS}[A-Z0-9]{{4}}){{3}})"
)
_PARTS = tuple(map(re.compile, (_EXPORT, _PERSON, _TIME, _CODE)))


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as it stands in a file; whether it is ours, its code says (`Marker.made`)."""

    export: str
    """Short name of the export, as people see it: `7F3A`."""
    person: str
    """Whose export, as the installation names people."""
    at: str
    """When, to the minute: `2026-05-12 09:14 UTC`."""
    code: str

    def __str__(self) -> str:
        return f"{PREFIX} {self.export} | {self.person} | {self.at} | {self.code}"

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """For a message between processes; back again by `mark_of`."""
        return self.export, self.person, self.at, self.code


@dataclass(frozen=True, slots=True)
class Marker:
    """Makes marks, and knows its own."""

    key: bytes = field(repr=False)

    def make(self, export: str, person: str, at: datetime) -> Mark:
        """The mark of an export."""
        letters = (letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", person))
        named = " ".join(_SPOILS.sub(" ", "".join(letters)).split())[:PERSON_MAX].strip() or "-"
        time = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Mark(export, named, time, self._code(export, named, time))

    def made(self, mark: Mark) -> bool:
        """Whether this mark is one of ours, letter by letter."""
        return hmac.compare_digest(mark.code.encode(), self._code(mark.export, mark.person, mark.at).encode())

    def _code(self, export: str, person: str, at: str) -> str:
        said = "\0".join((_DOMAIN, export, unicodedata.normalize("NFC", person), at))
        letters = b32encode(hmac.digest(self.key, said.encode("utf-8", "replace"), sha256)[:_CODE_BYTES]).decode("ascii")
        return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def marker(state: Path) -> Marker:
    """The one of an installation. Raises KnowledgeError."""
    try:
        return Marker(secret(state / "keys", "watermark.key"))
    except SecretError as error:
        raise KnowledgeError(str(error)) from None
    except OSError as error:
        raise KnowledgeError(f"watermark.key cannot be read: {error.strerror}") from None


def find_marks(text: bytes, into: set[Mark]) -> None:
    """Add the marks of a text in UTF-8, ours or not. Blanks and line ends between their words do not matter."""
    for beginning in islice(_BEGINNING.finditer(text), _LOOKED_AT):
        if len(into) >= MARKS_MAX:
            return
        place = beginning.start()
        found = _PATTERN.match(text[place : place + _LONGEST].decode("utf-8", "replace"))
        if found is not None and found[2].strip():
            export, person, at, code = (" ".join(part.split()) for part in found.groups())
            into.add(Mark(export, person, at, code.replace(" ", "")))


def mark_of(parts: object) -> Mark:
    """A mark from its `parts`. Raises ValueError for what is none."""
    if not isinstance(parts, (list, tuple)) or len(parts) != len(_PARTS):
        raise ValueError("a mark of other parts")
    if not all(isinstance(part, str) and shape.fullmatch(part) for part, shape in zip(parts, _PARTS, strict=True)):
        raise ValueError("a mark of other parts")
    return Mark(*parts)


def is_code(text: object) -> bool:
    """Whether it has the shape of a code."""
    return isinstance(text, str) and _PARTS[-1].fullmatch(text) is not None
