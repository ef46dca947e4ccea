"""Packed blocks of the central log say which values can be in them."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import LOG, has

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A block without marks is looked into."""
    if has(LOG):
        op.add_column("block", sa.Column("marks", sa.LargeBinary(), nullable=True))
        if op.get_bind().dialect.name == "postgresql":
            op.execute("ALTER TABLE block ALTER COLUMN marks SET STORAGE EXTERNAL")
