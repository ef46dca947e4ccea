"""`torwart events key`: the key that signs statements about the record: what to write down, and how it is changed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from audit_store.event import EventAction, plain_event
from audit_store.outside import NotWitnessedError
from audit_store.pseudonyms import SecretError
from audit_store.spool import Spool, SpoolError
from audit_store.statement import NewKey, Statement, fingerprint, verifier_line
from audit_store.statements import Statements, StatementsError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.installation import ConfigError, Installation, check_rights, load_installation
from auth.outside import open_outside


def key(
    rotate: Annotated[bool, typer.Option("--rotate", help="Sign with a new key from now on; the old one says so.")] = False,
    lost: Annotated[bool, typer.Option("--lost", help="As --rotate where the old key is lost: every verification will name it.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show the fingerprint to write down, and the public key. Keep it where nobody who has this machine can change it."""
    if rotate and lost:
        fail("--rotate or --lost, not both")
    os.umask(0o077)
    try:
        installation, _ = load_installation(config)
        check_rights(installation.state)
        public = _changed(installation, lost=lost) if rotate or lost else _public(installation)
    except ConfigError as error:
        fail(*error.errors)
    except SpoolError as error:
        fail(f"it could not be recorded, therefore nothing was changed: {error}")
    except (StatementsError, SecretError) as error:
        fail(str(error))
    if as_json:
        print_json({"fingerprint": fingerprint(public), "public": public.hex(), "verifier": verifier_line(public)})
        return
    say(f"Fingerprint  {fingerprint(public)}")
    say(f"Public key   {public.hex()}")
    say(f"As a note's  {verifier_line(public)}")
    say("Write the fingerprint down and keep it away from this machine: with it, anybody can verify the record (docs/record.md).")


def _public(installation: Installation) -> bytes:
    statements = Statements.open(installation.state, machine=installation.machine)
    try:
        newest = statements.newest_key()
    finally:
        statements.close()
    if newest is None or not isinstance(newest.body, NewKey):
        raise StatementsError("no statement names the key")
    return newest.body.public


def _changed(installation: Installation, *, lost: bool) -> bytes:
    """Recorded first. The places outside learn of it at once, or with what is delivered next."""
    spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
    try:
        if lost:
            statement = _begun(installation, spool)
        else:
            statements, outside = open_outside(installation)
            try:
                _record(spool, "changed")
                statement = statements.change_key()
                outside.must_have(statement)
            except NotWitnessedError as error:
                say(f"Changed; the places outside learn of it later: {error}")
            finally:
                outside.close()
                statements.close()
    finally:
        spool.close()
    if not isinstance(statement.body, NewKey):
        raise TypeError("a change of the key states a key")
    return statement.body.public


def _begun(installation: Installation, spool: Spool) -> Statement:
    statements = Statements.open(installation.state, machine=installation.machine, checked=False)
    try:
        _record(spool, "lost")
        return statements.begin_key()
    finally:
        statements.close()


def _record(spool: Spool, why: str) -> None:
    spool.append(plain_event(EventAction.CHECKPOINT_KEY_CHANGED, at=datetime.now(UTC), numbers={"by": "command line", "cause": why}))
