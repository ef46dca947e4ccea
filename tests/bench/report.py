"""What a benchmark says: a ratio with its spread, its floor and its target, and the raw values."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

type Row = dict[str, Any]
FILE = Path("bench.json")


class BenchError(Exception):
    """A benchmark cannot run, or what it measured was wrong: then there is no figure."""


class MissingError(BenchError):
    """What the benchmark needs is not installed: it has not begun."""


def row(ratios: list[float], *, floor: float, target: float, **more: object) -> Row:
    """A result from the paired ratios of interleaved rounds."""
    return {
        "ratio": round(statistics.median(ratios), 3),
        "low": round(min(ratios), 3),
        "high": round(max(ratios), 3),
        "floor": floor,
        "target": target,
        **more,
    }


def save(rows: dict[str, Row]) -> None:
    """Put the rows into `bench.json`; those of other benchmarks stay."""
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    FILE.write_text(json.dumps(kept | rows, indent=2) + "\n", encoding="utf-8")


def table(rows: dict[str, Row]) -> str:
    """The rows as text."""
    lines = [f"{'name':24} {'ratio':>7} {'low':>7} {'high':>7} {'floor':>7} {'target':>7}"]
    for name, values in rows.items():
        lines.append(f"{name:24} " + " ".join(f"{values[key]:7.2f}" for key in ("ratio", "low", "high", "floor", "target")))
        lines += [f"  {line}" for line in values.get("lines", [])]
    return "\n".join(lines)
