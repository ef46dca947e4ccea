"""The codes of the marks that exports carry."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Exports of before carry no mark."""
    if not has(SHARED):
        return
    op.create_table(
        "export_marks",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("name", name="uq_export_marks_name"),
        if_not_exists=True,
    )
