"""When the key of a sign-in touched last, and until when a key counts that the emergency envelope let in."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Sign-ins of before have to touch once more; keys of before are nobody's for some hours only."""
    if not has(SHARED):
        return
    op.add_column("console_sessions", sa.Column("touched_at", sa.BigInteger(), nullable=True))
    for table in ("keys", "enrolment_tokens"):
        op.add_column(table, sa.Column("lent_until", sa.BigInteger(), nullable=True))
