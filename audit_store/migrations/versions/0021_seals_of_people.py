"""Seals of people, accounts, sessions, levels, planned statuses and approvals (`auth.sealed_rows`)."""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import SHARED, has

revision = "0021"
down_revision = "0020"

SEALED = ("people", "crm_accounts", "crm_sessions", "console_sessions", "risk_levels", "status_plans", "approval_requests", "approvals")
VERSIONED = ("people", "approval_requests")


def upgrade() -> None:
    """People and their sessions of before are sealed once, by the first start (`auth.sealed_database`).

    Requests that wait end: none was sealed when it was answered, so they are asked again.
    """
    if not has(SHARED):
        return
    for table in SEALED:
        op.add_column(table, sa.Column("seal", sa.String(64), nullable=True))
    for table in VERSIONED:
        op.add_column(table, sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE approval_requests SET state = 'expired', ended_at = opened_at, samples = NULL WHERE state IN ('draft', 'open', 'given')"
    )
