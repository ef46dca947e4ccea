"""What a CRM can deliver of its clients, as its gateway says it: names of fields and of record attributes.

The gateway writes it into the state folder when it starts; `torwart policy check --config` compares rules with it.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

VOCABULARY = "crm/vocabulary.json"
"""Where it lies in the state folder."""


class Vocabulary(BaseModel):
    """Names that a profile knows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    profile: str
    """Name of the CRM's profile."""
    fields: frozenset[str]
    """Names of fields that can be in an answer, as a mask may name them."""
    contact_fields: frozenset[str]
    """Those of `fields` that carry a contact value: what the group `contact` means here."""
    record: frozenset[str]
    """Attributes of `policies.attributes.RECORD` that can be asked in `where`."""


def read_vocabulary(path: Path) -> Vocabulary | None:
    """What the gateway wrote; None if no gateway has started yet. Raises ValueError for a spoilt file."""
    try:
        return Vocabulary.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise ValueError(f"{path} cannot be read: delete it, the gateway writes it anew when it starts") from None


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Put it there whole, for us alone. Raises OSError."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(vocabulary.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
