"""Whether a second administrator has said yes to a token for a key."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """None needed it before."""
    if has(SHARED):
        op.add_column("enrolment_tokens", sa.Column("seconded", sa.Boolean(), nullable=False, server_default=sa.false()))
