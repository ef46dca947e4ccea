"""Says for a gateway process which changes of people it works with, so that a withdrawal is known to hold here (`auth.attendance`)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from audit_store.database import DatabaseError
from auth.attendance import Attendance
from auth.directory import Directory

LOOK_SECONDS = 0.25
"""Between two looks: an idle gateway too knows of a change well within a second."""
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


async def ended(task: asyncio.Task[None]) -> None:
    """End what `attend` does, and wait until it has said so."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
