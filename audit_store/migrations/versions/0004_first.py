"""What every installation has had up to now: people, keys, acts, alerts, manifests; and the central log.

Files made before there were migrations have all of it or a part of it: only what is missing is made.
"""

import sqlalchemy as sa
from alembic import op

from audit_store.migrations.parts import LOG, SHARED, has
from audit_store.moments import Moment

revision = "0004"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    if has(SHARED):
        _alerts_and_manifests()
        _people()
    if has(LOG):
        _log()


def _alerts_and_manifests() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("event_ids", sa.JSON(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("notified_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_by", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_alerts_one_open_per_day",
        "alerts",
        ["pseudonym", "day"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'looking')"),
        postgresql_where=sa.text("state IN ('open', 'looking')"),
        if_not_exists=True,
    )
    op.create_index("ix_alerts_pseudonym", "alerts", ["pseudonym"], unique=False, if_not_exists=True)
    op.create_index("ix_alerts_revision", "alerts", ["revision"], unique=False, if_not_exists=True)
    op.create_table(
        "ceremonies",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("challenge", sa.LargeBinary(length=64), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_ceremonies_expires_at", "ceremonies", ["expires_at"], unique=False, if_not_exists=True)
    op.create_table(
        "log_cursors",
        sa.Column("consumer", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer"),
        if_not_exists=True,
    )
    op.create_table(
        "manifests",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("act_id", sa.String(length=64), nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("clients", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("filter_digest", sa.String(length=128), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("act_id", name="uq_manifests_act_id"),
        sa.UniqueConstraint("name", name="uq_manifests_name"),
        if_not_exists=True,
    )
    op.create_index("ix_manifests_at", "manifests", ["at"], unique=False, if_not_exists=True)
    op.create_index("ix_manifests_digest", "manifests", ["digest"], unique=False, if_not_exists=True)
    op.create_index("ix_manifests_pseudonym", "manifests", ["pseudonym"], unique=False, if_not_exists=True)
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_notifications_alert_id", "notifications", ["alert_id"], unique=False, if_not_exists=True)
    op.create_index("ix_notifications_state", "notifications", ["state"], unique=False, if_not_exists=True)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("team", sa.String(length=100), nullable=True),
        sa.Column("territory", sa.String(length=100), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_reason", sa.String(length=500), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("frozen_at", Moment(), nullable=True),
        sa.Column("user_handle", sa.LargeBinary(length=64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email", name="uq_people_email"),
        sa.UniqueConstraint("pseudonym", name="uq_people_pseudonym"),
        sa.UniqueConstraint("user_handle", name="uq_people_user_handle"),
        if_not_exists=True,
    )
    op.create_table(
        "revisions",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        if_not_exists=True,
    )
    op.create_table(
        "agent_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("issued_by", sa.String(length=32), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.Column("agent_id", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("hash"),
        if_not_exists=True,
    )
    op.create_index("ix_agent_tokens_person_id", "agent_tokens", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("enrolled_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_key", name="uq_agents_public_key"),
        if_not_exists=True,
    )
    op.create_index("ix_agents_person_id", "agents", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "assignments",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("counts_from", Moment(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("client_id"),
        if_not_exists=True,
    )
    op.create_index("ix_assignments_revision", "assignments", ["revision"], unique=False, if_not_exists=True)
    op.create_table(
        "crm_accounts",
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("account"),
        if_not_exists=True,
    )
    op.create_index("ix_crm_accounts_person_id", "crm_accounts", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "crm_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("credential_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("suspended_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_hash", name="uq_crm_sessions_credential_hash"),
        if_not_exists=True,
    )
    op.create_index("ix_crm_sessions_person_id", "crm_sessions", ["person_id"], unique=False, if_not_exists=True)
    op.create_index("ix_crm_sessions_revision", "crm_sessions", ["revision"], unique=False, if_not_exists=True)
    op.create_table(
        "enrolment_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("issued_by", sa.String(length=32), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("hash"),
        if_not_exists=True,
    )
    op.create_index("ix_enrolment_tokens_person_id", "enrolment_tokens", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.Integer(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("aaguid", sa.String(length=36), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("locked_at", Moment(), nullable=True),
        sa.Column("locked_why", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id", name="uq_keys_credential_id"),
        if_not_exists=True,
    )
    op.create_index("ix_keys_person_id", "keys", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "risk_levels",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("person_id"),
        if_not_exists=True,
    )
    op.create_table(
        "acts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("ids", sa.String(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("needs", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.Column("challenge", sa.LargeBinary(length=64), nullable=True),
        sa.Column("challenge_used_at", Moment(), nullable=True),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("used_at", Moment(), nullable=True),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("assertion", sa.JSON(), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_acts_expires_at", "acts", ["expires_at"], unique=False, if_not_exists=True)
    op.create_index("ix_acts_person_state", "acts", ["person_id", "state"], unique=False, if_not_exists=True)
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash", name="uq_console_sessions_token_hash"),
        if_not_exists=True,
    )
    op.create_index("ix_console_sessions_person_id", "console_sessions", ["person_id"], unique=False, if_not_exists=True)


def _log() -> None:
    op.create_table(
        "entry",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("producer", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("producer_sequence", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("at", "act_id", "person", "subject", "action", "phase", "outcome")),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("producer", "epoch", "producer_sequence"),
        if_not_exists=True,
    )
    op.create_index("entry_at", "entry", ["at"], if_not_exists=True)
    op.create_index("entry_act", "entry", ["act_id"], if_not_exists=True)
    op.create_index("entry_person", "entry", ["person", "sequence"], if_not_exists=True)
    about = sa.text("subject IS NOT NULL")
    op.create_index("entry_subject", "entry", ["subject", "sequence"], sqlite_where=about, postgresql_where=about, if_not_exists=True)
    op.create_index("entry_action", "entry", ["action", "phase", "sequence"], if_not_exists=True)
    op.create_table(
        "producer",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("stopped", sa.Text()),
        if_not_exists=True,
    )
