"""Whether a serious alert about a person is open: then no single administrator gives them a new key (promises E87)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit_store.alerts import OPEN_STATES
from audit_store.tables import Alert
from auth.tables import Person

SERIOUS = "high"


def is_suspected(session: Session, person: Person) -> bool:
    """True while an alert of the highest severity about this person is open or in hand."""
    serious = select(Alert.id).where(Alert.pseudonym == person.pseudonym, Alert.state.in_(OPEN_STATES), Alert.severity == SERIOUS)
    return session.scalar(serious.limit(1)) is not None
