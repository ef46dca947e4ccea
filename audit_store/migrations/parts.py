"""Which tables the database has that is being migrated: with SQLite the central log is a file of its own."""

from alembic import op

from audit_store.schema import LOG, SHARED

__all__ = ["LOG", "SHARED", "has"]


def has(part: str) -> bool:
    """Whether the part is in this database."""
    parts: frozenset[str] = op.get_context().opts["parts"]
    return part in parts
