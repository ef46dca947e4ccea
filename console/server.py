"""Runs the console: the pages and, beside them in the same process, the background work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import uvicorn
from fastapi import APIRouter

from auth.installation import load_installation
from console.app import create_app
from console.services import open_services
from console.settings import TorwartSettings

GRACE_SECONDS = 2
"""A long poll must not hold up the end of the process."""


def run(config: Path, extensions: Iterable[APIRouter] = ()) -> None:
    """Serve until a signal ends it. Raises ConfigError, DatabaseError, SpoolError, LogError, SecretError."""
    installation, sections = load_installation(config)
    settings = sections.parse("torwart", TorwartSettings)
    services = open_services(installation)
    try:
        server(create_app(services, extensions), settings).run()
    finally:
        services.close()


def server(app: object, settings: TorwartSettings) -> uvicorn.Server:
    """The web server for an application made by `create_app`. It trusts no forwarding header and names no software."""
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # an ASGI application
            host=settings.listen_host,
            port=settings.listen_port,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=16 * 1024,
        )
    )
