"""`torwart trace`: from which exports a file came, also when it was shuffled, cut or partly edited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from audit_store.manifests import Link, Manifest
from auth.command_line import DEFAULT_CONFIG, WRONG, Config, Json, fail, print_json, say
from console.cli.content import FOUND, causes, day, link_json, mark_json, mark_sentence, open_content, sentence, shown
from detectors.files import Seen, is_folder, scan_file
from detectors.marked import Marked

app = typer.Typer(help="A file: from which exports it came.")


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that was found somewhere.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Name the exports that a file came from. Exit 1 if there are any, or a mark; 2 if it could not be read. The look is recorded."""
    if is_folder(file):
        fail(f"{shown(file)} is a folder, and one file is traced at a time: `torwart scan` says which of its files hold clients")
    with open_content(config, looked_at="a file, traced to its exports") as content:
        seen = scan_file(content.scanner, file)
        if seen.problem is not None and not as_json:
            fail(f"{shown(file)} cannot be read: {seen.problem}")
        itself = content.manifests.of_digest(seen.digest) if seen.digest else None
        links = content.manifests.explain(seen.verdict.clients, seen.verdict.keys) if seen.verdict.clients else []
        marks = content.marks(seen.verdict)
        content.saw(links, marks, itself)
    if as_json:
        print_json(_as_json(seen, itself, links, marks))
    else:
        _tell(seen, itself, links, marks)
    if itself is not None or links or marks:
        raise typer.Exit(FOUND)
    if seen.verdict.unread:
        raise typer.Exit(WRONG)


def _tell(seen: Seen, itself: Manifest | None, links: list[Link], marks: list[Marked]) -> None:
    if itself is not None:
        say(f"This file is export {itself.name} of {day(itself.at)} by {itself.pseudonym}, byte for byte.")
    for marked in marks:
        say(f"It carries {mark_sentence(marked)}.")
    if seen.verdict.clients:
        say(f"{sentence(seen.verdict, ())}.")
    for link in links:
        said = f"export {link.name} of {day(link.at)} by {link.pseudonym}: {link.clients:,} of its {link.of:,} clients are in the file"
        or_from = f"; as well it may be {' or '.join(link.rivals)}" if link.rivals else ""
        say(f"{link.confidence:4.0%}  {said}; act {link.act_id}{or_from}")
    if not links and itself is None:
        say("No export holds what is in this file." if seen.verdict.clients else "No client was recognised in this file.")
    if seen.verdict.unread:
        say(f"Not read, or not whole: {causes(seen)}.")


def _as_json(seen: Seen, itself: Manifest | None, links: list[Link], marks: list[Marked]) -> dict[str, Any]:
    return {
        "path": shown(seen.path),
        "clients": len(seen.verdict.clients),
        "identical": itself.name if itself is not None else None,
        "marks": [mark_json(marked) for marked in marks],
        "exports": [link_json(link) for link in links],
        "unread": [cause.value for cause in seen.verdict.unread],
        "problem": seen.problem,
    }
