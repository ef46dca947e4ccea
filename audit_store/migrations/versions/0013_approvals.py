"""What waits for a second person, and who has said yes or no to it."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has
from audit_store.moments import Moment

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing waited before."""
    if not has(SHARED):
        return
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("requester_id", sa.String(length=32), nullable=True),
        sa.Column("subject_id", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=True),
        sa.Column("samples_hash", sa.String(length=64), nullable=True),
        sa.Column("need", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("not_before", Moment(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("notified_at", Moment(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("clock_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["requester_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["subject_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_approval_requests_expires_at", "approval_requests", ["expires_at"], unique=False, if_not_exists=True)
    op.create_index("ix_approval_requests_mine", "approval_requests", ["requester_id", "state"], unique=False, if_not_exists=True)
    op.create_index("ix_approval_requests_state", "approval_requests", ["state"], unique=False, if_not_exists=True)
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("approver_id", sa.String(length=32), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("yes", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.Column("challenge", sa.LargeBinary(length=64), nullable=False),
        sa.Column("challenge_used_at", Moment(), nullable=True),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("given_at", Moment(), nullable=True),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("assertion", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["approver_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"]),
        sa.ForeignKeyConstraint(["request_id"], ["approval_requests.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id", "approver_id", name="uq_approvals_once_each"),
        if_not_exists=True,
    )
