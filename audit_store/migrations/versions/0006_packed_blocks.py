"""Older entries of the central log are kept in packed blocks."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import LOG, has

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """PostgreSQL must not try to compress once more what is compressed."""
    if not has(LOG):
        return
    op.create_table(
        "block",
        sa.Column("first", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.Text()),
        sa.Column("ends", sa.Text()),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("seals", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in ("places", "hashes", "seals", "content"):
            op.execute(f"ALTER TABLE block ALTER COLUMN {name} SET STORAGE EXTERNAL")
