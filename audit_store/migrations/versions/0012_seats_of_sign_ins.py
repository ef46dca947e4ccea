"""From where somebody signed in to Torwart, for their own list of sign-ins."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Of sign-ins of before nothing is known."""
    if not has(SHARED):
        return
    op.add_column("console_sessions", sa.Column("device", sa.String(64), nullable=False, server_default=""))
    op.add_column("console_sessions", sa.Column("source", sa.String(64), nullable=True))
