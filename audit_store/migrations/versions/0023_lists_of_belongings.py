"""The list of what belongs to a person, in the person's own row (`auth.belongings`)."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Empty for people of before: the first start lists what is there, once (`auth.sealed_database`)."""
    if has(SHARED):
        op.add_column("people", sa.Column("belongings", sa.Text(), nullable=True))
