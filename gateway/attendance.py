"""What a gateway process tells beside its work: which changes of people it works with, and who tried to sign in and is nobody.

With the first a withdrawal is known to hold here too (`auth.attendance`), with the second somebody can be bound (`auth.unmapped`).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from audit_store.database import DatabaseError
from auth.attendance import Attendance
from auth.directory import Directory
from auth.unmapped import Unmapped

LOOK_SECONDS = 0.25
"""Between two looks: an idle gateway too knows of a change well within a second."""
UNMAPPED_SECONDS = 2.0
_AWAY = (SQLAlchemyError, sqlite3.Error, OSError, DatabaseError)
"""What a database raises that is not there. The doors deny by themselves then, and nothing is told."""


async def attend(directory: Directory, attendance: Attendance) -> None:
    """Look and tell until cancelled. On the thread of the directory, whose view is the one that requests are judged by."""
    try:
        while True:
            with contextlib.suppress(*_AWAY):
                directory.refresh()
                if attendance.has_news(directory.people_revision):
                    await asyncio.to_thread(attendance.tell, directory.people_revision)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        with contextlib.suppress(*_AWAY):
            attendance.leave()


async def keep_unmapped(unmapped: Unmapped) -> None:
    """Write down, until cancelled, which names were refused because they are nobody's account."""
    while True:
        await asyncio.sleep(UNMAPPED_SECONDS)
        with contextlib.suppress(*_AWAY):
            await asyncio.to_thread(unmapped.write_down)


async def ended(task: asyncio.Task[None]) -> None:
    """End one of these, and wait until it has said its last."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
