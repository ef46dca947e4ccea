"""Writes `docs/reference/` and Elasticsearch's templates from the code: `python -m docs.generate`. A test compares: they cannot lie."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agent.cli import app as agent_commands
from agent.settings import AgentSettings
from agent.settings import Place as WatchedPlace
from audit_store.ecs import EventAction, Phase
from audit_store.mapping import templates
from auth.database_settings import DatabaseSettings
from auth.key_settings import KeySettings
from auth.mail_server import MailSettings
from auth.outside import OutsideSettings
from auth.privacy_settings import PrivacySettings
from auth.record_settings import RecordSettings
from auth.recovery_settings import RecoverySettings
from auth.retention_settings import RetentionSettings
from auth.session_settings import SessionSettings
from auth.sole_reviewer import SoleReviewer
from console.cli import COMMANDS
from console.settings import ELASTIC_SECRETS, ElasticSettings, TorwartSettings, WebhookSettings
from detectors.base import rules
from docs import policy_cases, policy_language
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
    lines = [
        "# Settings",
        "",
        "`torwart init` writes the file with comments. `state`, `language`, `names` and `machine` stand at the top level.",
    ]
    models: list[tuple[str, type[BaseModel]]] = [
        ("database", DatabaseSettings),
        ("torwart", TorwartSettings),
        ("crm", CrmSettings),
        ("proxy", ProxySettings),
    ]
    models += [
        ("mail", MailSettings),
        ("webhook", WebhookSettings),
        ("elastic", ElasticSettings),
        ("outside", OutsideSettings),
        ("record", RecordSettings),
        ("sessions", SessionSettings),
        ("keys", KeySettings),
        ("recovery", RecoverySettings),
        ("retention", RetentionSettings),
        ("sole_reviewer", SoleReviewer),
        ("privacy", PrivacySettings),
    ]
    for name, model in models:
        lines += _section(name, model)
    lines += [
        "",
        "# Settings of an agent",
        "",
        "`torwart-agent enrol --url` writes the file, `agent.yaml`, on the machine that is watched.",
    ]
    lines += _section("agent.yaml", AgentSettings) + _section("watch", WatchedPlace)
    return "\n".join(lines) + "\n"


def _section(name: str, model: type[BaseModel]) -> list[str]:
    rows = [f"| `{member}` | {_default(member, field)} |" for member, field in model.model_fields.items()]
    return ["", f"## {name}", "", (model.__doc__ or "").strip(), "", "| member | default |", "|---|---|", *rows]


def _default(member: str, field: FieldInfo) -> str:
    if member in ELASTIC_SECRETS:
        return f"never here: `{ELASTIC_SECRETS[member]}` in the environment"
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "empty" if default == "" else f"`{default}`"


def commands() -> str:
    """The commands of `torwart`, and of `torwart-agent` on a machine that is watched."""
    rows = [f"| `torwart {name}` | {command.words} |" for name, command in COMMANDS.items() if command.is_here]
    for command in agent_commands.registered_commands:
        words = (getattr(command.callback, "__doc__", None) or "").strip().partition("\n")[0]
        rows.append(f"| `torwart-agent {getattr(command.callback, '__name__', '')}` | {words[:1].lower()}{words[1:].rstrip('.')} |")
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
    "policy-language.md": policy_language.page,
    "policy-cases.md": policy_cases.page,
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
