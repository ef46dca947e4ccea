"""Seals of acts and keys (`auth.row_seal`), and what lets any gateway tell of an act that another one holds."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has
from audit_store.moments import Moment

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Keys of before have no seal: nobody can tell whether they were recorded, so they are registered again."""
    if not has(SHARED):
        return
    op.add_column("keys", sa.Column("seal", sa.String(64), nullable=True))
    op.add_column("acts", sa.Column("seal", sa.String(64), nullable=True))
    op.add_column("acts", sa.Column("language", sa.String(8), nullable=False, server_default="de"))
    op.add_column("acts", sa.Column("repeats", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("acts", sa.Column("told_at", Moment(), nullable=True))
    op.add_column("acts", sa.Column("address", sa.LargeBinary(8192), nullable=True))
