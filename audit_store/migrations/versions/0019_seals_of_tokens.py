"""Seals of tokens for keys (`auth.row_seal`): one that was written by hand lets no key in."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Tokens of before have no seal and are void; they last a day, and new ones are given out."""
    if has(SHARED):
        op.add_column("enrolment_tokens", sa.Column("seal", sa.String(64), nullable=True))
