"""The section `keys` of the configuration: which keys may be registered, and which models count as verified."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from policies.document import KEY_CLASSES
from policies.request import KeyClass

SECTION = "keys"
_AAGUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KeySettings(BaseModel):
    """What is asked of keys. How strong a key an act needs is said by the rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    register_least: Literal["any", "hardware", "verified"] = "any"
    """The weakest key that can be registered. A synced one then signs in, and confirms only where a rule takes any key."""
    models: tuple[str, ...] = ()
    """Numbers of the models (AAGUID) that count as verified; none: all that the FIDO list knows and has not withdrawn."""

    @field_validator("models")
    @classmethod
    def _numbers(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(one.lower() for one in models)
        for one in found:
            if not _AAGUID.fullmatch(one):
                raise ValueError(
                    f"{one!r} is no number of a model — `torwart keys models` shows them, for example 2fc0579f-8113-47ea-b116-bb5a8db9202a"
                )
        return found

    @property
    def least(self) -> KeyClass:
        return KEY_CLASSES[self.register_least]
