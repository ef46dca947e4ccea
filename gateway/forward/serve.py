"""The forward proxy's own process: `python -m gateway.forward.serve CONFIG`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from audit_store.event import EventAction, plain_event
from audit_store.spool import SpoolError
from auth.attendance import Attendance
from auth.config_file import ConfigError
from auth.garbage import settle
from auth.installation import check_state
from detectors.worker_process import WorkerError
from gateway.attendance import attend, ended
from gateway.embedded import StartError
from gateway.forward.assemble import Assembled, assemble
from gateway.forward.server import Proxy
from gateway.forward.settings import ProxySettings, read_forward
from gateway.process import exit_status, stop_signal


def serve(config: Path, *, demo: bool = False) -> int:
    """Run the forward proxy until it is told to stop; the exit status. Every refusal to start is said in one clear line a fault."""
    os.umask(0o077)
    return exit_status(lambda: _serve(config, demo=demo), StartError, WorkerError)


def _serve(config: Path, *, demo: bool) -> None:
    forward = read_forward(config)
    if forward is None:
        raise ConfigError([f"{config}: has no section `proxy` — `torwart init` writes an example"])
    check_state(forward.installation.state, demo=demo)
    assembled = assemble(forward)
    try:
        asyncio.run(_run(assembled, forward.proxy))
    finally:
        assembled.close()


async def _run(assembled: Assembled, settings: ProxySettings) -> None:
    stop = stop_signal()
    proxy = Proxy(settings, assembled.judge, assembled.authority, assembled.record_refused)
    port = await proxy.start()
    keeping_up = asyncio.create_task(assembled.judge.followers.keep_up())
    attending = asyncio.create_task(attend(assembled.judge.directory, Attendance(assembled.engine, assembled.spool.producer)))
    try:
        started = plain_event(EventAction.GATEWAY_STARTED, at=assembled.now(), numbers={"port": port, "kind": "proxy"})
        await assembled.spool.append_soon(started)
        settle()
        await stop.wait()
    finally:
        await proxy.stop()
        keeping_up.cancel()
        await ended(attending)
        with contextlib.suppress(SpoolError):
            await assembled.spool.append_soon(plain_event(EventAction.GATEWAY_STOPPED, at=assembled.now(), numbers={"kind": "proxy"}))


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
