"""Codes that people read from one screen or paper and type into another: 32 signs without those that look alike (Crockford's base32)."""

from __future__ import annotations

import secrets

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No I, L, O, U. Five bits each."""
_ALIKE = str.maketrans("ILO", "110")
_LONGEST = 100


def new_code(signs: int, group: int = 4) -> str:
    """A random code, in groups: `K7M2-9QXD`."""
    code = "".join(secrets.choice(SIGNS) for _ in range(signs))
    return "-".join(code[start : start + group] for start in range(0, signs, group))


def read_code(typed: str, signs: int) -> str | None:
    """The signs of a code as it was typed, with or without groups, in any case, I and O for 1 and 0; None: no such code."""
    if len(typed) > _LONGEST or not typed.isascii():
        return None
    code = typed.upper().replace("-", "").replace(" ", "").strip().translate(_ALIKE)
    return code if len(code) == signs and set(code) <= set(SIGNS) else None
