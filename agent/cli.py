"""`torwart-agent`: enrol this machine, watch it, say how it stands. Exit codes: 0 well, 1 not as it should be, 2 not possible."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.agent import LOCK_FILE, Agent
from agent.enroll import EnrolmentError
from agent.enroll import enrol as enrol_machine
from agent.files_aside import app as files_aside
from agent.identity import IdentityError, load_identity
from agent.options import DEFAULT_CONFIG, NOT_WELL, Config, Json, fail, print_json, settings_of
from agent.server import Server, UnreachableError
from agent.settings import AgentSettings, Kind, write_template
from agent.status import read_status
from audit_store.spool import SpoolError, SpoolReader
from audit_store.sqlite_file import StoreError
from auth.command_line import run as run_command

ROOM_BYTES = 1024 * 1024
"""Free bytes below which the agent's folder is called full."""
app = typer.Typer(help="Torwart's agent: watches folders and sticks of this machine for the firm's clients.", no_args_is_help=True)
app.add_typer(files_aside, name="quarantine")


@app.command()
def enrol(
    url: Annotated[str | None, typer.Option("--url", help="Torwart's address; writes the configuration file if there is none.")] = None,
    token: Annotated[str | None, typer.Option("--token", help="From `torwart people device`; asked for if it is left out.")] = None,
    removable: Annotated[list[Path] | None, typer.Option("--removable", help="With --url: a folder to watch as a stick.")] = None,
    folder: Annotated[list[Path] | None, typer.Option("--folder", help="With --url: any other folder to watch.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Make this machine known to Torwart, with a one-time token."""
    os.umask(0o077)
    made = url is not None and not config.exists()
    places = [(Kind.REMOVABLE, path.absolute()) for path in removable or ()] + [(Kind.FOLDER, path.absolute()) for path in folder or ()]
    if url is not None and made:
        try:
            write_template(config, url.rstrip("/"), places)
        except OSError as error:
            fail(f"{config} cannot be written: {error.strerror}")
    try:
        settings = settings_of(config)
    except typer.Exit:
        if made:  # what was typed is wrong: it must not be read again instead of what is typed next
            config.unlink()
        raise
    if not made:
        _says_so(config, settings, url, places)
    server = _server(settings)
    try:
        secret = (token if token is not None else typer.prompt("Token", hide_input=True)).strip()
        identity = enrol_machine(server, settings.state, secret, socket.gethostname())
    except (EnrolmentError, UnreachableError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{settings.state} cannot be used: {error.strerror}")
    finally:
        server.close()
    if as_json:
        print_json({"agent": identity.agent, "pseudonym": identity.pseudonym, "url": identity.url})
    else:
        typer.echo(f"This machine is agent {identity.agent} of {identity.pseudonym}. Next: torwart-agent run")


@app.command()
def run(config: Config = DEFAULT_CONFIG) -> None:
    """Watch until a signal ends it."""
    os.umask(0o077)
    settings = settings_of(config)
    _enrolled(settings)
    lock = _alone(settings.state)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    try:
        identity = load_identity(settings.state)
        if identity is None or identity.url != settings.url:
            fail(f"this machine is not enrolled at {settings.url}: torwart-agent enrol")
        agent = Agent(settings, identity)
        agent.start()
    except (IdentityError, StoreError, ssl.SSLError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"the agent cannot start: {error}")
    try:
        ending.wait()
    finally:
        agent.stop()
        os.close(lock)


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """How this machine's agent stands: exit code 1 if it does not run, or does not deliver."""
    settings = settings_of(config)
    identity = _enrolled(settings)
    recorded = 0
    with suppress(SpoolError):  # it never ran
        reader = SpoolReader.open(settings.state / "spool")
        recorded = reader.head().sequence
        reader.close()
    found: dict[str, Any] = {
        "agent": identity.agent,
        "pseudonym": identity.pseudonym,
        "url": settings.url,
        "running": _runs(settings.state),
        "recorded": recorded,
        "delivered": 0,
        "troubles": {},
        **read_status(settings.state),
    }
    if (room := shutil.disk_usage(settings.state).free) < ROOM_BYTES:  # the agent itself cannot write down that it has none
        found["troubles"] = {
            **found["troubles"],
            "disk": f"{settings.state} has {room // 1024} KiB left: make room, until then nothing is recorded",
        }
    if as_json:
        print_json(found)
    else:
        typer.echo(f"Agent {identity.agent} of {identity.pseudonym} at {settings.url}: {'runs' if found['running'] else 'does not run'}.")
        typer.echo(f"{recorded} events recorded, {found['delivered']} delivered.")
        for part, trouble in found["troubles"].items():
            typer.echo(f"{part}: {trouble}")
    if not found["running"] or found["troubles"]:
        raise typer.Exit(NOT_WELL)


def main() -> None:
    """The command line; ends the process."""
    if sys.argv[1:] == ["--version"]:
        typer.echo(f"torwart-agent {version('torwart')}")
        raise SystemExit(0)
    run_command(app, prog_name="torwart-agent")


def _says_so(config: Path, settings: AgentSettings, url: str | None, places: list[tuple[Kind, Path]]) -> None:
    """Ends the command when what was typed is not what stands in the file, which would hold in silence."""
    faults = []
    if url is not None and url.rstrip("/").lower() != settings.url:
        faults.append(f"{config} is there already, for {settings.url}, not {url}: remove it, or name another file with --config")
    watched = {(place.place, place.path) for place in settings.watch}
    faults += [
        f"{config} is there already, and {path} is not watched as {kind.value} in it: write it there below `watch`, or remove the file"
        for kind, path in places
        if (kind, path) not in watched
    ]
    if faults:
        fail(*faults)


def _server(settings: AgentSettings) -> Server:
    try:
        return Server(settings.url, settings.ca)
    except (OSError, ssl.SSLError) as error:
        fail(f"ca: {settings.ca} is no certificate of an authority ({error})")


def _enrolled(settings: AgentSettings) -> Any:
    try:
        identity = load_identity(settings.state)
    except IdentityError as error:
        fail(str(error))
    return identity if identity is not None else fail("this machine is not enrolled: torwart-agent enrol")


def _alone(state: Path) -> int:
    """Held as long as the agent runs; a second one would tell everything twice."""
    descriptor = os.open(state / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fail("an agent runs on this state folder already")
    return descriptor


def _runs(state: Path) -> bool:
    try:
        descriptor = os.open(state / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
