"""Which gateway holds an act open: with several, one that starts again ends its own only."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Acts of before belong to the one gateway that there was."""
    if has(SHARED):
        op.add_column("acts", sa.Column("held_by", sa.String(32), nullable=True))
