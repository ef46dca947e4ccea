"""`torwart events export`: the whole record in one file that can be verified elsewhere, without Torwart (`deploy/verify_record.py`).

One JSON document a line: what it is, then every entry in the order of the log, then the statements that this machine has signed.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from audit_store.log import Entry, Log
from audit_store.statements import FILE, FOLDER, Statements
from auth.command_line import DEFAULT_CONFIG, Config, fail, say
from console.cli.record import open_record

VERSION = 2
"""Of the file. 2: an entry whose time was over has no content."""
_BATCH = 1_000


def export(
    out: Annotated[Path, typer.Option("--out", help="File to write; `.gz` at its end packs it. It must not be there yet.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the whole record into one file, with all that is needed to verify it elsewhere. It holds what the log holds: pseudonyms, no
    client's values. That somebody took it is recorded.
    """
    with open_record(config, looked_at="the whole record, as a file") as record:
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            fail(f"{out} is there already: name another file")
        except OSError as error:
            fail(f"{out} cannot be written: {error.strerror}")
        with os.fdopen(descriptor, "wb") as plain:
            if out.suffix == ".gz":
                with gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=6, mtime=0) as packed:
                    count = _write(packed, record.log, record.installation.state)
            else:
                count = _write(plain, record.log, record.installation.state)
    say(f"{count} events written to {out}. Elsewhere: python3 verify_record.py {out.name} --checkpoints FOLDER --key FINGERPRINT")


def _write(file: IO[bytes] | gzip.GzipFile, log: Log, state: Path) -> int:
    newest = log.tail(1)
    until, count = newest[0].sequence if newest else 0, 0
    _line(file, {"torwart": "record", "version": VERSION, "last": until, "exported": datetime.now(UTC).isoformat(timespec="seconds")})
    for entry in _entries(log, until):
        _line(file, entry_members(entry))
        count += 1
    if (state / FOLDER / FILE).exists():
        statements = Statements.open(state, reading=True)
        try:
            for note in statements.notes():
                _line(file, {"statement": note})
        finally:
            statements.close()
    return count


def _entries(log: Log, until: int) -> Iterator[Entry]:
    after = 0
    while rows := log.entries(after, _BATCH, until=until):
        yield from rows
        after = rows[-1].sequence


def entry_members(entry: Entry) -> dict[str, Any]:
    """An entry for a reader who has only JSON: the producer's bytes as text, in base64 where they are none; without them where they are
    taken out.
    """
    members: dict[str, Any] = {
        "sequence": entry.sequence,
        "received": entry.received,
        "producer": entry.producer,
        "epoch": entry.epoch,
        "producer_sequence": entry.producer_sequence,
        "hash": entry.hash.hex(),
    }
    if not entry.canonical:
        return members
    try:
        members["canonical"] = entry.canonical.decode("utf-8")
    except UnicodeDecodeError:
        members["canonical_base64"] = base64.b64encode(entry.canonical).decode("ascii")
    return members


def _line(file: IO[bytes] | gzip.GzipFile, members: dict[str, Any]) -> None:
    file.write(json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
