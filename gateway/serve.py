"""The gateway's own process: `python -m gateway.serve CONFIG`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from audit_store.event import EventAction, plain_event
from audit_store.spool import SpoolError
from auth.attendance import Attendance
from auth.garbage import settle
from auth.installation import check_state
from auth.keys import refuse_demo
from gateway.assemble import Assembled, assemble
from gateway.attendance import attend, ended, keep_unmapped
from gateway.crm.discover import ProfileError
from gateway.process import exit_status, stop_signal
from gateway.server import Gateway, StartError
from gateway.settings import CrmSettings, read_settings

COUNT_SECONDS = 5.0
"""Between two looks at what was refused again and again."""


def serve(config: Path, *, demo: bool = False) -> int:
    """Run the gateway until it is told to stop; the exit status. Every refusal to start is said in one clear line a fault."""
    os.umask(0o077)  # whatever is made below the state folder is for nobody else
    return exit_status(lambda: _serve(config, demo=demo), StartError, ProfileError)


def _serve(config: Path, *, demo: bool) -> None:
    installation, settings = read_settings(config)
    check_state(installation.state, demo=demo)
    assembled = assemble(installation, settings)
    try:
        if not demo:
            refuse_demo(assembled.engine)
        asyncio.run(_run(assembled, settings))
    finally:
        assembled.close()


async def _run(assembled: Assembled, settings: CrmSettings) -> None:
    stop = stop_signal()
    gateway = Gateway(settings, assembled.handler, assembled.record_refused)
    port = await gateway.start()
    keeping_up = asyncio.create_task(assembled.handler.followers.keep_up())
    counting = asyncio.create_task(_count(assembled))
    unmapped = asyncio.create_task(keep_unmapped(assembled.handler.signin.unmapped))
    attending = asyncio.create_task(attend(assembled.handler.directory, Attendance(assembled.engine, assembled.spool.producer)))
    try:
        started = plain_event(EventAction.GATEWAY_STARTED, at=assembled.now(), numbers={"port": port, "profile": settings.profile})
        await assembled.handler.record(started)
        settle()
        await stop.wait()
    finally:
        await gateway.stop()
        keeping_up.cancel()
        counting.cancel()
        await ended(attending)
        await ended(unmapped)
        with contextlib.suppress(SpoolError):
            await assembled.count_out(all_of_them=True)
            await assembled.handler.record(plain_event(EventAction.GATEWAY_STOPPED, at=assembled.now()))


async def _count(assembled: Assembled) -> None:
    """Record what was refused again and again, for ever. A full disk is noticed by whoever wants to release something."""
    while True:
        await asyncio.sleep(COUNT_SECONDS)
        with contextlib.suppress(SpoolError):
            await assembled.count_out()


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
