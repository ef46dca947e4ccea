"""What the demo's processes tell each other and the start page: one small file in the demo's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Notes:
    """Facts by name, readable by the demo's owner only: passwords of made-up people are among them."""

    folder: Path

    def read(self) -> dict[str, Any]:
        """All that is noted."""
        path = self._path
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    def add(self, **facts: Any) -> None:
        """Note something; what has the same name is replaced."""
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({**self.read(), **facts}, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._path)

    @property
    def _path(self) -> Path:
        return self.folder / "notes.json"
