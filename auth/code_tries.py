"""How often codes may be tried. Only what was refused counts; a try beyond the limit is not looked at, so nothing is learned by it."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from auth.totp_tables import CodeTry

WINDOW = timedelta(minutes=15)
"""Five tries in it: promises, section 4 (ASVS 6.5.8)."""
_IPV6_NETWORK_BITS = 64
"""What one household or office gets at least (RFC 6177)."""


class Purpose(StrEnum):
    """What codes are for; each has tries of its own."""

    TOTP = "totp"
    SECOND_ROAD = "second-road"
    RECOVERY = "recovery"
    BREAK_GLASS = "break-glass"


class Tries:
    """The refused codes of an installation, by person and by the network that they came from."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 random bytes; addresses are kept under it as a hash."""
        self._key = key

    def too_many(
        self, session: Session, purpose: Purpose, now: datetime, *, person_id: str | None, source: str | None, most: int = 5
    ) -> bool:
        """Whether this person, or this network, has had as many refused tries in the window as it may have."""
        asked = [CodeTry.source == self._network(source)]
        if person_id is not None:
            asked.append(CodeTry.person_id == person_id)
        return any(self._count(session, purpose, now, one) >= most for one in asked)

    def in_all(self, session: Session, purpose: Purpose, now: datetime) -> int:
        """Refused tries of everybody in the window."""
        return self._count(session, purpose, now, CodeTry.purpose == purpose)

    def refused(self, session: Session, purpose: Purpose, now: datetime, *, person_id: str | None, source: str | None) -> None:
        """Note one that was refused. What is older than the window goes."""
        session.execute(delete(CodeTry).where(CodeTry.at <= now - WINDOW))
        session.add(CodeTry(purpose=purpose.value, person_id=person_id, source=self._network(source), at=now))

    def _count(self, session: Session, purpose: Purpose, now: datetime, condition: ColumnElement[bool]) -> int:
        """A clock that was set back leaves tries in the future: they count."""
        found = select(func.count()).select_from(CodeTry).where(CodeTry.purpose == purpose, CodeTry.at > now - WINDOW, condition)
        return session.scalar(found) or 0

    def _network(self, source: str | None) -> str:
        """Keyed hash of an address, of IPv6 of its network; all that name none are one source."""
        try:
            address = ipaddress.ip_address((source or "").partition("%")[0])
        except ValueError:
            name = "unknown"
        else:
            mapped = getattr(address, "ipv4_mapped", None) or address
            bits = mapped.max_prefixlen if mapped.version == 4 else _IPV6_NETWORK_BITS
            name = str(ipaddress.ip_network((mapped, bits), strict=False))
        return hashlib.blake2b(name.encode(), key=self._key, digest_size=32).hexdigest()
