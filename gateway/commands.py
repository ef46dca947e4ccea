"""Commands of the gateway's side: `torwart init`, `torwart up`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from audit_store.signing_key import SigningKey
from audit_store.statement import fingerprint
from auth.command_line import DEFAULT_CONFIG, fail
from auth.config_file import ConfigError
from auth.installation import check_state
from auth.template import MANY_PEOPLE, template
from gateway.forward.authority import CERTIFICATE
from gateway.forward.authority import FOLDER as AUTHORITY
from gateway.forward.settings import read_forward
from gateway.settings import read_settings
from gateway.supervise import keep_running

Config = Annotated[Path, typer.Option("--config", help="Configuration file, made by `torwart init`.")]

init = typer.Typer(add_completion=False, help="Write a commented configuration file to begin with.")
up = typer.Typer(add_completion=False, help="Start gateway, console and proxy, and keep them running.")


@init.command()
def write_configuration(
    config: Config = DEFAULT_CONFIG,
    people: Annotated[int | None, typer.Option("--people", min=1, help="How many work here: above 10, pages show pseudonyms.")] = None,
) -> None:
    """Write a configuration file with comments. An existing file is never overwritten."""
    if people is None and sys.stdin.isatty():
        people = typer.prompt("How many people work here?", type=int, default=MANY_PEOPLE)
    names = "pseudonyms" if people is not None and people > MANY_PEOPLE else "shown"
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(template(names=names))
        config.chmod(0o600)
    except FileExistsError:
        fail(f"{config} is there already: edit it, or name another file with --config")
    except OSError as error:
        fail(f"{config} cannot be written: {error.strerror}")
    print(f"{config} written. Name your hosts and your CRM in it, then: torwart up --config {config}")
    if names == "pseudonyms":
        print("Pages and commands show pseudonyms; a name needs two people's keys and a case number (docs/privacy.md).")
    print(f"Then write down the fingerprint of the key that signs the record, away from this machine: torwart events key --config {config}")


@up.command()
def start(config: Config = DEFAULT_CONFIG) -> None:
    """Start the gateway before the CRM, the console on Torwart's own host, and the proxy on the way out; end with Ctrl-C."""
    try:
        installation, settings = read_settings(config)
        forward = read_forward(config)
        check_state(installation.state)
    except ConfigError as error:
        fail(*error.errors)

    def say() -> None:
        signing = SigningKey(installation.state / "keys")
        if signing.exists:
            key = signing.load(make=False).public_key().public_bytes_raw()
            print(f"Record   signed with the key {fingerprint(key)}: is it the one that you wrote down?", flush=True)
        print(f"CRM      {installation.crm_url}  (before {settings.upstream})\nTorwart  {installation.torwart_url}", flush=True)
        if forward is not None:
            trust = installation.state / AUTHORITY / CERTIFICATE
            print(f"Proxy    {forward.proxy.listen}  (machines that use it trust {trust})", flush=True)

    children = {"gateway": ("gateway.serve", str(config)), "console": ("console.server", str(config))}
    if forward is not None:
        children["proxy"] = ("gateway.forward.serve", str(config))
    # Without a way out people can still work in the CRM; without the CRM's gateway nobody can.
    raise typer.Exit(keep_running(children, waiting=frozenset({"proxy"}), ready=say))
