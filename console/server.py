"""Runs the console: the pages and, beside them in the same process, the background work."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import uvicorn
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError

from audit_store.database import DatabaseError
from audit_store.elastic import ElasticError
from audit_store.leader import Leader
from audit_store.log import LogError
from audit_store.pseudonyms import SecretError
from audit_store.spool import SpoolError
from audit_store.statements import StatementsError
from auth.config_file import ConfigError
from auth.garbage import settle
from auth.installation import Installation, check_state, load_installation
from auth.keys import refuse_demo
from auth.mail_server import MailSettings
from console.app import create_app
from console.services import open_services
from console.settings import ElasticSettings, TorwartSettings, WebhookSettings, elastic_settings
from console.worker import worker_for
from detectors.base import RuleError
from detectors.knowledge import KnowledgeError

REFUSED = 2
"""Exit status: it will not start as things are."""
UNREACHABLE = 1
"""Exit status: the database is locked or away. Trying again may help, which is what the supervisor does."""
GRACE_SECONDS = 2
"""A long poll must not hold up the end of the process."""


def run(config: Path, extensions: Iterable[APIRouter] = (), *, demo: bool = False) -> int:
    """Serve until a signal ends it; the exit status. Every refusal to start is said in one clear line a fault."""
    os.umask(0o077)  # whatever is made below the state folder is for nobody else
    # uvicorn raises the signal that ended it once more: as an exception it lets the background work end in order, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        installation, sections = load_installation(config)
        settings = sections.parse("torwart", TorwartSettings)
        mail = sections.parse("mail", MailSettings) if "mail" in sections else None
        webhook = sections.parse("webhook", WebhookSettings) if "webhook" in sections else None
        elastic = elastic_settings(sections, os.environ)
        check_state(installation.state, demo=demo)
        _serve(installation, settings, mail, webhook, elastic, extensions)
    except ConfigError as error:
        return _refuse(*error.errors)
    except (DatabaseError, SpoolError, StatementsError, LogError, SecretError, RuleError, KnowledgeError, ElasticError) as error:
        return _refuse(str(error))
    except OperationalError as error:
        _refuse(f"the database cannot be used now: {error.orig}")
        return UNREACHABLE
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(
    installation: Installation,
    settings: TorwartSettings,
    mail: MailSettings | None,
    webhook: WebhookSettings | None,
    elastic: ElasticSettings | None,
    extensions: Iterable[APIRouter],
) -> None:
    services = open_services(installation)
    try:
        if not services.demo:
            refuse_demo(services.engine)
        worker = worker_for(services, mail, webhook, elastic)
        leader = Leader(services.engine)
        worker.start(leader.leads, lambda: os.kill(os.getpid(), signal.SIGTERM))
        try:
            pages = server(create_app(services, extensions, worker.health), settings)
            settle()
            pages.run()
        finally:
            worker.stop()
            leader.close()
    finally:
        services.close()


def _refuse(*lines: str) -> int:
    for line in lines:
        print(f"torwart: {line}", file=sys.stderr)
    return REFUSED


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


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
