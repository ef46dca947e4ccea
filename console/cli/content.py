"""What `torwart scan` and `torwart trace` share: the index, the workers, the exports, the record of the look, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from audit_store.client_sets import decode_ids
from audit_store.database import DatabaseError, open_database
from audit_store.manifests import Link, Manifest, Manifests
from audit_store.spool import SpoolError
from auth.command_line import fail
from auth.installation import ConfigError, Installation, check_rights, load_installation
from console.cli.record import look
from detectors.client_index.identifier import Kind
from detectors.client_index.index import ClientIndex
from detectors.files import Seen
from detectors.knowledge import KnowledgeError
from detectors.mark import Marker, marker
from detectors.marked import Marked, Trust, judged
from detectors.scanner import Scanner
from detectors.verdict import Unread, Verdict
from detectors.worker_process import WorkerError

FOUND = 1
"""Exit code: clients were found, or something could not be read."""
_KINDS: Mapping[Kind, str] = {Kind.EMAIL: "e-mail", Kind.PHONE: "phone", Kind.TAX: "tax number", Kind.NAME: "name"}
_CAUSES: Mapping[Unread, str] = {
    Unread.ENCRYPTED: "encrypted",
    Unread.DAMAGED: "damaged or changing",
    Unread.TOO_LARGE: "too large",
    Unread.TOO_DEEP: "packed too deep",
    Unread.TOO_MANY: "too many entries",
    Unread.TIMED_OUT: "took too long",
    Unread.CRASHED: "its reader crashed",
    Unread.UNKNOWN_FORMAT: "of a kind that is not opened",
    Unread.IMAGES_ONLY: "pictures without text",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What recognises clients in files, and where they came from."""

    installation: Installation
    scanner: Scanner
    manifests: Manifests
    marker: Marker
    looked_at: str

    def saw(self, links: Iterable[Link], marks: Iterable[Marked] = (), itself: Manifest | None = None) -> None:
        """Record whose exports the answer names, before it is shown. Raises SpoolError."""
        exports = (*links, *(marked.manifest for marked in marks), itself)
        if people := {export.pseudonym for export in exports if export is not None}:
            look(self.installation, self.looked_at, people)

    def marks(self, verdict: Verdict) -> list[Marked]:
        """The marks in what was scanned, judged. Raises SQLAlchemyError."""
        return judged(verdict.marks, verdict.clients, self.marker, self.manifests) if verdict.marks else []


@contextmanager
def open_content(config: Path, *, looked_at: str) -> Iterator[Content]:
    """The scan of one installation. The look is recorded first; what cannot be used or recorded ends the command with exit code 2."""
    try:
        installation, _ = load_installation(config)
        check_rights(installation.state)
        engine = open_database(installation.database)
        index = ClientIndex(installation.state)
        try:
            scanner = Scanner(index)
            try:
                look(installation, looked_at)
                yield Content(installation, scanner, Manifests(engine), marker(installation.state), looked_at)
            finally:
                scanner.close()
        finally:
            index.close()
            engine.dispose()
    except ConfigError as error:
        fail(*error.errors)
    except SpoolError as error:
        fail(f"it could not be recorded, therefore nothing is shown: {error}")
    except (DatabaseError, KnowledgeError, WorkerError) as error:
        fail(str(error))
    except OperationalError as error:
        fail(f"the database cannot be used: {error.orig}")


def sentence(verdict: Verdict, links: Iterable[Link]) -> str:
    """`31 of your clients, by phone and name, from export 7F3A of 12 May`."""
    number = len(verdict.clients)
    found = {kind for kinds in verdict.clients.values() for kind in kinds}
    by = listed([words for kind, words in _KINDS.items() if kind in found])
    said = f"{number:,} of your clients, by {by}"
    exports = [f"{link.name} of {day(link.at)}" for link in links]
    return said + (f", from export{'s' if len(exports) > 1 else ''} {listed(exports)}" if exports else "")


def mark_sentence(marked: Marked) -> str:
    """`the mark of export 7F3A of 12 May by P-00000001: genuine; 31 of its 40 clients are in the file`."""
    export = marked.manifest
    if export is None:
        if marked.trust is Trust.GENUINE:
            return f"a genuine mark of export {marked.mark.export}, which is not kept here any more"
        return f"a mark that is not ours or altered: no export here has its code. It proves nothing; it says: {printable(str(marked.mark))}"
    said = f"of export {export.name} of {day(export.at)} by {export.pseudonym}"
    of = f"{marked.clients:,} of its {len(decode_ids(export.clients)):,} clients are in the file"
    if marked.trust is Trust.ALTERED:
        return f"an altered mark: its code is that {said}; {of}. Its words, which are not to be believed: {printable(str(marked.mark))}"
    copied = "" if marked.clients else ". A mark alone can be copied into another file"
    return f"the mark {said}: genuine; {of}{copied}"


def mark_json(marked: Marked) -> dict[str, Any]:
    """A mark for programs."""
    export = marked.manifest
    return {
        "mark": marked.trust.value,
        "says": str(marked.mark),
        "export": export.name if export is not None else None,
        "act": export.act_id if export is not None else None,
        "at": export.at.isoformat() if export is not None else None,
        "person": export.pseudonym if export is not None else None,
        "clients": marked.clients,
    }


def causes(seen: Seen) -> str:
    """Why a file could not be read, or not whole."""
    return seen.problem or listed([_CAUSES[cause] for cause in seen.verdict.unread])


def day(at: datetime) -> str:
    """`12 May`, with the year where it is another one."""
    return f"{at.day} {at:%B}" + ("" if at.year == datetime.now(UTC).year else f" {at.year}")


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def shown(path: Path) -> str:
    """A path for a terminal and for JSON: what is not printable appears as its escape."""
    return printable(str(path))


def printable(text: str) -> str:
    """A text from outside for a terminal: what is not printable appears as its escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii") for letter in text)


def link_json(link: Link) -> dict[str, Any]:
    """An export for programs."""
    return {
        "export": link.name,
        "act": link.act_id,
        "at": link.at.isoformat(),
        "person": link.pseudonym,
        "clients": link.clients,
        "of": link.of,
        "confidence": link.confidence,
        "rivals": list(link.rivals),
    }
