"""Single entries of the central log are few since older ones are packed: most of their indices cost more than they save."""

from alembic import op

from audit_store.migrations.parts import LOG, has

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """What they served reads the single entries one after the other."""
    if has(LOG):
        for name in ("entry_at", "entry_act", "entry_person", "entry_subject"):
            op.drop_index(name, "entry", if_exists=True)
