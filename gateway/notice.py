"""What the pages of a session are told about one act that waits, from the act alone: any gateway process can tell it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from auth.act import OF_OTHERS, Summary
from auth.tables import Act
from policies import reasons
from policies.reasons import REASONS, Because


@dataclass(slots=True)
class Notice:
    """What the pages of a session are told about one act."""

    act_id: str
    session_id: str
    language: str
    text: str
    asked: int
    allowed: int
    link: str
    deadline: float
    """`time.monotonic()` at which the act ends by itself."""
    repeat: bool = False
    """True: nobody holds the call open; once confirmed, the person repeats it."""
    state: str = "open"
    """`open`, then `released`, `cancelled`, `expired`, or `asked`: others were asked to approve it."""
    ended: float | None = None


def notice_of(act: Act, link: str, left_seconds: float) -> Notice:
    """The notice of an act that waits. `link`: the page where it is confirmed; `left_seconds`: until the act ends."""
    summary = Summary.of(act)
    because = Because(REASONS.get(summary.reason_code, reasons.EXPORT_NEEDS_KEY), summary.reason_values)
    return Notice(
        act_id=act.id,
        session_id=act.session_id,
        language=act.language,
        text=because.for_employee(act.language),
        asked=summary.asked,
        allowed=summary.allowed,
        link=f"{link}?popup=1",  # a page that knows it is a popup closes itself
        deadline=time.monotonic() + left_seconds,
        repeat=act.repeats or OF_OTHERS in act.needs.split(),
    )
