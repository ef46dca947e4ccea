"""Who vouches for a key, the list of models that says what that is worth, and how strong a key a token may let in."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has
from audit_store.moments import Moment

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Nobody was asked to vouch for a key before."""
    if not has(SHARED):
        return
    op.add_column("keys", sa.Column("attestation", sa.String(20), nullable=False, server_default="none"))
    op.add_column("keys", sa.Column("trust_path", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("enrolment_tokens", sa.Column("most", sa.String(16), nullable=True))
    op.create_table(
        "key_metadata",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("next_update", sa.String(length=10), nullable=False),
        sa.Column("models", sa.LargeBinary(), nullable=False),
        sa.Column("loaded_at", Moment(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
