"""What the processes of the gateway's side have in common: when they stop, and how they say that they do not start."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from audit_store.database import DatabaseError
from audit_store.spool import SpoolError
from audit_store.statements import StatementsError
from auth.config_file import ConfigError
from detectors.knowledge import KnowledgeError
from gateway.supervise import REFUSED
from policies.problems import PolicyErrors

UNREACHABLE = 1
"""Exit status: the database is locked or away. Trying again may help, which is what the supervisor does."""


def exit_status(work: Callable[[], None], *refusals: type[Exception]) -> int:
    """Do the work of a process; its exit status. Every refusal to start is said in one clear line a fault."""
    said: tuple[type[Exception], ...] = (DatabaseError, KnowledgeError, SpoolError, StatementsError, *refusals)
    try:
        work()
    except ConfigError as error:
        return _refuse(*error.errors)
    except PolicyErrors as error:
        return _refuse(*str(error).splitlines())
    except said as error:
        return _refuse(str(error))
    except OperationalError as error:
        _refuse(f"the database cannot be used now: {error.orig}")
        return UNREACHABLE
    return 0


def stop_signal() -> asyncio.Event:
    """Set when the process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _refuse(*lines: str) -> int:
    for line in lines:
        print(f"torwart: {line}", file=sys.stderr)
    return REFUSED
