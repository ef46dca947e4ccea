"""What recoveries and the envelope say carries a seal."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """There were none before."""
    if not has(SHARED):
        return
    for table in ("recovery_codes", "recoveries", "break_glass"):
        op.add_column(table, sa.Column("seal", sa.String(length=64), nullable=True))
