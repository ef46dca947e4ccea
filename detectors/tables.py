"""How far each consumer has read the central log."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base


class Cursor(Base):
    """A consumer's place in the central log."""

    __tablename__ = "log_cursors"

    consumer: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    """Global sequence of the last event that was dealt with; 0: none."""
