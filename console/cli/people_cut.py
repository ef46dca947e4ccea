"""What a command that withdraws access says about what it has cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auth.command_line import say
from auth.cut import Cut
from console.cli.house import named, print_table


def cut_members(cut: Iterable[Cut]) -> list[dict[str, Any]]:
    """What was cut, for programs."""
    return [{"kind": piece.kind, "account": named(piece.account), "since": piece.opened_at.isoformat(timespec="seconds")} for piece in cut]


def print_cut(cut: list[Cut]) -> None:
    """What was cut, for people; nothing if nothing was."""
    if not cut:
        return
    say("Cut:")
    rows = [(piece.kind, named(piece.account) or "–", piece.opened_at.isoformat(timespec="seconds")) for piece in cut]
    print_table(("what", "CRM account", "since"), rows)
