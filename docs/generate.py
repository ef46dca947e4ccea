"""Writes `docs/reference/` and Elasticsearch's templates from the code: `python -m docs.generate`. A test compares: they cannot lie."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from audit_store.ecs import EventAction, Phase
from audit_store.mapping import templates
from console.cli import COMMANDS
from console.settings import ElasticSettings, MailSettings, TorwartSettings, WebhookSettings
from detectors.base import rules
from gateway.forward.settings import ProxySettings
from gateway.settings import CrmSettings
from policies.reasons import REASONS

FOLDER = Path(__file__).parent / "reference"
TEMPLATES = Path(__file__).parents[1] / "deploy" / "elasticsearch"


def reasons() -> str:
    """Every reason of a decision, with its sentences."""
    lines = ["# Reasons", "", "| code | for the employee | for the reviewer |", "|---|---|---|"]
    for code, reason in sorted(REASONS.items()):
        said = ["<br>".join((texts["de"], f"*{texts['en']}*")) for texts in (reason.employee, reason.reviewer)]
        lines.append(f"| `{code}` | {said[0]} | {said[1]} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """The configuration file, section by section."""
    lines = ["# Settings", "", "`torwart init` writes the file with comments. `state`, `language` and `names` stand at the top level."]
    models: list[tuple[str, type[BaseModel]]] = [("torwart", TorwartSettings), ("crm", CrmSettings), ("proxy", ProxySettings)]
    models += [("mail", MailSettings), ("webhook", WebhookSettings), ("elastic", ElasticSettings)]
    for name, model in models:
        lines += ["", f"## {name}", "", (model.__doc__ or "").strip(), "", "| member | default |", "|---|---|", *_members(model)]
    return "\n".join(lines) + "\n"


def _members(model: type[BaseModel]) -> list[str]:
    return [f"| `{name}` | {'required' if field.is_required() else f'`{field.default}`'} |" for name, field in model.model_fields.items()]


def commands() -> str:
    """The commands of `torwart`."""
    rows = [f"| `torwart {name}` | {command.words} |" for name, command in COMMANDS.items() if command.is_here]
    return "\n".join(["# Commands", "", "`torwart COMMAND --help` says more.", "", "| command | |", "|---|---|", *rows]) + "\n"


def events() -> str:
    """What can stand in the record."""
    actions = ", ".join(f"`{action.value}`" for action in EventAction)
    phases = ", ".join(f"`{phase.value}`" for phase in Phase)
    return f"# Events\n\n`event.action`: {actions}.\n\n`torwart.act.phase` of `access` events: {phases}.\n"


def behaviour() -> str:
    """The behaviour rules."""
    lines = ["# Behaviour rules"]
    for name, rule in sorted(rules().items()):
        lines += ["", f"## {name}", "", f"{rule.title['de']} / *{rule.title['en']}*"]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "reasons.md": reasons,
    "settings.md": settings,
    "commands.md": commands,
    "events.md": events,
    "behaviour.md": behaviour,
}


FILES: dict[Path, Callable[[], str]] = {FOLDER / name: page for name, page in PAGES.items()} | {
    TEMPLATES / f"{name}.json": lambda template=template: json.dumps(template, indent=2) + "\n" for name, template in templates().items()
}
"""Everything that is generated."""


def main() -> int:
    """Write all of it."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
