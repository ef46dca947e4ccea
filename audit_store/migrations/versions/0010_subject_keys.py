"""The keys of what events hold about people under encryption."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Events of before hold nothing under encryption."""
    if not has(SHARED):
        return
    op.create_table(
        "subject_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pseudonym", name="uq_subject_keys_pseudonym"),
        if_not_exists=True,
    )
