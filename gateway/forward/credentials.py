"""Who uses the proxy: the person of a machine, or the person of a log-in secret (`torwart people proxy`).

The secret goes to the proxy with every request, or once with the CONNECT that opens a tunnel; it never goes on to a server. It is looked
up again at each request, so that a freeze or a departure acts at once (law 10).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from auth.directory import Directory
from auth.sessions import PROXY
from policies.request import Principal, Status

_MAX_HEADER = 1_024


def secret_of(header: str | None) -> str | None:
    """The secret of a `Proxy-Authorization` header (RFC 7617); the user name is for people's memory only. None: unreadable."""
    if header is None or len(header) > _MAX_HEADER:
        return None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(rest.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return plain.partition(":")[2] or None


@dataclass(slots=True)
class LogIns:
    """The people behind the connections of one proxy."""

    directory: Directory
    sole: str | None = None
    """Id of the one person whose machine this is; None: everybody logs in."""
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Connection -> secret of its last log-in."""
    _seen: dict[str, str] = field(default_factory=dict)
    """Connection -> id of its person."""

    def person(self, connection_id: str, header: str | None) -> Principal | None:
        """The person of a request, as they stand now; None: nobody. A header counts for the rest of its connection."""
        if self.sole is not None:
            person = self.directory.person(self.sole)
        else:
            if header is not None:
                self._secrets[connection_id] = secret_of(header) or ""
            session = self.directory.session(self._secrets.get(connection_id, ""))
            if session is None or session.kind != PROXY:
                return None
            person = self.directory.principal(session)
        self._seen[connection_id] = person.id
        return person

    def pseudonym(self, connection_id: str) -> str | None:
        """What the log calls the person of a connection; None: nobody yet."""
        person_id = self._seen.get(connection_id)
        return self.directory.person(person_id).pseudonym if person_id is not None else None

    def forget(self, connection_id: str) -> None:
        """The connection is gone."""
        self._secrets.pop(connection_id, None)
        self._seen.pop(connection_id, None)

    def withdrawn(self) -> Iterator[str]:
        """Connections whose person may do nothing any more: downloads and WebSockets under way, too."""
        for connection_id, person_id in list(self._seen.items()):
            person = self.directory.person(person_id)
            secret = self._secrets.get(connection_id)
            cut = self.sole is None and (secret is None or self.directory.session(secret) is None)
            if cut or barred(person):
                yield connection_id


def barred(person: Principal) -> bool:
    """Frozen or gone: nothing is allowed, whatever the rules say."""
    return person.frozen or person.status is Status.GONE
