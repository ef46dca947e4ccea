"""The table of the list of authenticator models."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from audit_store.database import Base
from audit_store.moments import Moment


class KeyMetadata(Base):
    """The list of models that an administrator has loaded last, as far as Torwart needs it; one row."""

    __tablename__ = "key_metadata"
    SEALED: ClassVar[tuple[str, ...]] = ("id", "number", "next_update", "models", "loaded_at")

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """1."""
    number: Mapped[int] = mapped_column(Integer)
    """Serial number of the list: only a larger one takes its place."""
    next_update: Mapped[str] = mapped_column(String(10))
    """Day by which there is a newer one."""
    models: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON, compressed (zlib); certificates are base64."""
    loaded_at: Mapped[datetime] = mapped_column(Moment)
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`: whoever could write a root here could make any key a verified one."""
