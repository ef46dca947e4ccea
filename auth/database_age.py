"""Whether the database is an older one than this machine has seen: restored from a copy, or replaced by hand (attacks X15).

What changes in the shared tables grows a number in `revisions`, and none ever shrinks. Their sum is kept beside the database too
(`auth.used_acts`): tables that are below it were put back, and whatever waited in them is worth nothing.
"""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from auth.storage import grow
from auth.tables import Revision
from auth.used_acts import UsedActs

_SUM = "SELECT COALESCE(SUM(number), 0) FROM revisions"
ACTS = "acts"
"""Kind of rows in `revisions`: grows with every act that is opened, confirmed or used."""


class DatabaseAge:
    """Compares the tables with the memory of this machine. Every method raises OSError when that cannot be used."""

    def __init__(self, used: UsedActs) -> None:
        self._used = used

    def put_back(self, session: Session) -> bool:
        """True if the tables were further once. In a transaction that holds the write lock."""
        return self._now(session) < self._used.highest()

    def catch_up(self, session: Session) -> None:
        """The older tables are noticed, and what waited in them has ended: from here on they count as they stand."""
        behind = self._used.highest() - self._now(session)
        grow(session, ACTS)
        session.execute(update(Revision).where(Revision.kind == ACTS).values(number=Revision.number + max(0, behind)))

    def step(self, session: Session) -> int:
        """One further, for a change in this transaction; where the tables stand then, to be told to `came_to` once it is committed."""
        grow(session, ACTS)
        session.flush()
        return self._now(session)

    def came_to(self, number: int) -> None:
        """What `step` gave is committed."""
        self._used.came_to(number)

    def _now(self, session: Session) -> int:
        return int(session.connection().exec_driver_sql(_SUM).scalar_one())  # plain: an act that is opened or used asks twice
