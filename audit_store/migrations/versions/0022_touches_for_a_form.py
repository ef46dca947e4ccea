"""What a touch on Torwart's pages was for: one form, once (law 8)."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Touches of before were for no form: the next one is asked for."""
    if has(SHARED):
        op.add_column("console_sessions", sa.Column("touched_for", sa.String(64), nullable=True))
