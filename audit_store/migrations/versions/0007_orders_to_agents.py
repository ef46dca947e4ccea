"""What agents are ordered to do with files, and the counters of their orders."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has
from audit_store.moments import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Nothing was ordered before."""
    if not has(SHARED):
        return
    op.create_table(
        "agent_order_counters",
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.PrimaryKeyConstraint("agent_id"),
        if_not_exists=True,
    )
    op.create_table(
        "agent_orders",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("agent_id", sa.String(length=16), nullable=False),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("act_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=True),
        sa.Column("signed", sa.LargeBinary(length=512), nullable=True),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("wanted_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_agent_orders_counter", "agent_orders", ["agent_id", "counter"], unique=True, if_not_exists=True)
    op.create_index(
        "ix_agent_orders_one_aside",
        "agent_orders",
        ["act_id"],
        unique=True,
        sqlite_where=sa.text("verb = 'quarantine'"),
        postgresql_where=sa.text("verb = 'quarantine'"),
        if_not_exists=True,
    )
    op.create_index("ix_agent_orders_state", "agent_orders", ["state"], unique=False, if_not_exists=True)
