"""Questions to the central log, answered from its own index: who, which act, what, how it ended, when."""

from __future__ import annotations

from datetime import UTC, datetime

from audit_store.event import EventAction, Phase
from audit_store.log import Log, Logged

LIMIT_MAX = 1_000
"""Events in one answer; who wants more asks again behind the last one."""


def search(
    log: Log,
    *,
    person: str | None = None,
    act: str | None = None,
    action: EventAction | str | None = None,
    phase: Phase | str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: int = 0,
    newest_first: bool = False,
) -> list[Logged]:
    """Events that meet all that is given, in the order of the log.

    `person` is a pseudonym, as the one who acted or as the one whom it was about. Times are those of the producers, `since` inclusive,
    `until` exclusive. `after` is the log's sequence to go on behind (with `newest_first`: before; 0 begins at the end). Raises LogError.
    """
    conditions: list[tuple[str, tuple[object, ...]]] = []
    if person is not None:
        conditions.append(("(person = ? OR subject = ?)", (person, person)))
    for column, value in (("act_id", act), ("action", action), ("phase", phase)):
        if value is not None:
            conditions.append((f"{column} = ?", (str(value),)))
    for comparison, time in ((">=", since), ("<", until)):
        if time is not None:
            conditions.append((f"at {comparison} ?", (time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",)))
    if after or not newest_first:
        conditions.append((f"sequence {'<' if newest_first else '>'} ?", (after,)))
    condition = " AND ".join(piece for piece, _ in conditions) or "1"
    values = [value for _, bound in conditions for value in bound]
    return log.where(condition, values, limit=max(0, min(limit, LIMIT_MAX)), newest_first=newest_first)
