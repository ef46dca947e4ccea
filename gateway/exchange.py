"""One HTTP exchange as plain values: what `handle.py` and everything below it sees. No proxy library here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

type Headers = tuple[tuple[str, str], ...]
"""Names in lower case, in the order of the wire; values decoded as latin-1."""


@dataclass(frozen=True, slots=True)
class Request:
    """A canonical request: `gateway.hygiene` has refused everything ambiguous, and *this* is what is judged and forwarded."""

    method: str
    """Upper case."""
    path: str
    """Decoded, without query, without dot segments or doubled slashes; starts with `/`."""
    query: tuple[tuple[str, str], ...]
    """Decoded parameters in order; `("f", "name"), ("f", "phone")`."""
    headers: Headers
    body: bytes
    """Without content encoding."""
    source_ip: str
    """Address of the connected peer; forwarding headers are never used."""
    connection_id: str
    """Id of the client connection: a held act ends when it closes."""

    def header(self, name: str) -> str | None:
        """The value of a header that occurs once; None if absent. Repeated headers have been refused or joined by hygiene."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a query parameter, in order."""
        return tuple(value for key, value in self.query if key == name)

    def with_headers(self, *, drop: Iterable[str] = (), add: Iterable[tuple[str, str]] = ()) -> Request:
        """A copy with headers taken out and put in."""
        gone = frozenset(drop)
        return replace(self, headers=(*((k, v) for k, v in self.headers if k not in gone), *add))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, from the CRM or from us."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header, None if absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Forward:
    """Send this request to the CRM; `handle.after` judges the answer with the same state."""

    request: Request
    state: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the client with this; nothing reaches the CRM."""

    response: Response
    close: bool = False
    """Close the client connection after the answer."""


type Step = Forward | Reply
