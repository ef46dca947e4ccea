"""The tables of authenticator apps, of codes that were typed wrong, and of the short codes that lead to an act on another device."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment


class TotpSeed(Base):
    """The seed that a person's authenticator app shares with Torwart (RFC 6238), encrypted for exactly this person."""

    __tablename__ = "totp_seeds"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary(128))
    """Nonce and AES-256-GCM of the seed, with the person's id as associated data."""
    picture_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of the one address under which its picture can be fetched, once; None: it was."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When a first code proved that the app has it; None: it is worth nothing yet."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The latest step of 30 seconds whose code was accepted: only a later one ever will be."""
    failures: Mapped[int] = mapped_column(default=0)
    """Wrong codes since it was made; a right one takes none of them back."""
    locked_at: Mapped[datetime | None] = mapped_column(Moment, default=None)


class CodeTry(Base):
    """A code that was not accepted: how many there were lately limits the next ones."""

    __tablename__ = "code_tries"
    __table_args__ = (
        Index("ix_code_tries_person", "purpose", "person_id", "at"),
        Index("ix_code_tries_source", "purpose", "source", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    purpose: Mapped[str] = mapped_column(String(16))
    """A value of `auth.code_tries.Purpose`."""
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), default=None)
    """Whose code it was meant to be, or who typed it; None: nobody is known."""
    source: Mapped[str] = mapped_column(String(64))
    """Keyed hash of the network that it came from."""
    at: Mapped[datetime] = mapped_column(Moment)


class SecondRoad(Base):
    """A short code that leads to an act on another device of its person. Kept as a keyed hash."""

    __tablename__ = "second_roads"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    act_id: Mapped[str] = mapped_column(ForeignKey("acts.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When it was used, replaced, or void after too many guesses."""
