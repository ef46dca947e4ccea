"""Managers, leave, planned statuses, imports of people, accounts that nobody has, and how far each gateway has seen."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has
from audit_store.moments import Moment

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nobody had a manager or a leave before, and nothing was planned."""
    if not has(SHARED):
        return
    op.add_column("people", sa.Column("manager_id", sa.String(length=32), nullable=True))
    for name in ("status_since", "leave_from", "leave_until"):
        op.add_column("people", sa.Column(name, Moment(), nullable=True))
    op.create_table(
        "status_plans",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_status_plans_person_id", "status_plans", ["person_id"])
    op.create_index("ix_status_plans_state", "status_plans", ["state"])
    op.create_table(
        "people_imports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "people_import_changes",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["people_imports.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("import_id", "person_id"),
    )
    op.create_index("ix_people_import_changes_person_id", "people_import_changes", ["person_id"])
    op.create_table(
        "unmapped_accounts",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "gateway_views",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("producer", sa.String(length=40), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
