"""`torwart policy activate`: put rules in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json
from console.cli.policy.activation import By, Days, Reason, Wait, Widen, put_in_force
from console.cli.policy.traffic import traffic_of
from policies.signing import Confirmation
from policies.store import PolicyStore


def activate(
    path: Annotated[Path, typer.Argument(help="Folder of rules with their cases, or one file.")],
    by: By = None,
    widen: Widen = None,
    wait: Wait = False,
    reason: Reason = None,
    days: Days = 7,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Put rules in force, if they have no error, all cases are green, and what is wider is confirmed. Gateways take them at once."""
    traffic = traffic_of(config, days)

    def act(store: PolicyStore, who: str, confirmed: Confirmation | None) -> int:
        return store.activate(path, who, traffic=traffic, confirmed=confirmed)

    put_in_force(config, by, widen, as_json, act, wait=wait, reason=reason)
