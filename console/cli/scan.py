"""`torwart scan`: which of these files hold clients, how many, and from which export they came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audit_store.manifests import Link
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.content import FOUND, causes, link_json, mark_json, mark_sentence, open_content, sentence, shown
from detectors.files import Seen, files, is_missing, scan_file
from detectors.marked import Marked

app = typer.Typer(help="Files and folders: do they hold clients?")


@app.command()
def scan(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders; folders with all that is in them.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Look for clients in files and folders. Exit 1 for any, for marks of exports, and for what could not be read. The look is recorded."""
    missing = [path for path in paths if is_missing(path)]
    if missing:
        fail(*(f"there is no {shown(path)}" for path in missing))
    results: list[tuple[Seen, list[Link], list[Marked]]] = []
    with open_content(config, looked_at="files, scanned for clients") as content:
        wanted = list(files(paths))
        with _progress(as_json) as progress:
            task = progress.add_task("scanning", total=len(wanted))
            for path in wanted:
                seen = scan_file(content.scanner, path)
                links = content.manifests.explain(seen.verdict.clients, seen.verdict.keys) if seen.verdict.clients else []
                marks = content.marks(seen.verdict)
                content.saw(links, marks)
                results.append((seen, links, marks))
                if not as_json:
                    _tell(seen, links, marks)
                progress.advance(task)
    clients = {client for seen, _, _ in results for client in seen.verdict.clients}
    unread = sum(bool(seen.verdict.unread) for seen, _, _ in results)
    if as_json:
        print_json({"files": [_as_json(*result) for result in results], "clients": len(clients), "unread": unread})
    else:
        say(f"{len(results):,} files: {len(clients):,} distinct clients, {unread:,} files not read or not whole.")
    if clients or unread or any(marks for _, _, marks in results):
        raise typer.Exit(FOUND)


def _progress(quiet: bool) -> Progress:
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)


def _tell(seen: Seen, links: list[Link], marks: list[Marked]) -> None:
    if seen.verdict.clients:
        say(f"{shown(seen.path)}: {sentence(seen.verdict, links)}")
    for marked in marks:
        say(f"{shown(seen.path)}: carries {mark_sentence(marked)}")
    if seen.verdict.unread:
        say(f"{shown(seen.path)}: not read, or not whole: {causes(seen)}")


def _as_json(seen: Seen, links: list[Link], marks: list[Marked]) -> dict[str, Any]:
    verdict = seen.verdict
    return {
        "path": shown(seen.path),
        "bytes": verdict.size,
        "clients": len(verdict.clients),
        "by": sorted({kind.value for kinds in verdict.clients.values() for kind in kinds}),
        "marks": [mark_json(marked) for marked in marks],
        "exports": [link_json(link) for link in links],
        "unread": [cause.value for cause in verdict.unread],
        "problem": seen.problem,
    }
