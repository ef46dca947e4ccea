"""What a form says, as one digest: a touch of the key is for exactly this form (law 8)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256

from fastapi import Request

CSRF = "csrf"
"""No part of what the form says: it is another one after the touch."""


async def said(request: Request) -> list[tuple[str, str]]:
    """The fields in their order, without the token of the sign-in and without files."""
    return [(name, value) for name, value in await _fields(request) if value is not None]


async def sent_form(request: Request) -> str:
    """The digest of what was sent here. A file cannot be kept for after the touch: a form with one is another than without."""
    return digest_of(request.url.path, await _fields(request))


def digest_of(path: str, fields: Iterable[tuple[str, str | None]]) -> str:
    """Where a form goes and every field in its order, None for a file: SHA-256, hexadecimal.

    Browsers end lines with CR LF when they send, however the page had them (HTML, "Constructing the entry list").
    """
    lines = [[name, None if value is None else value.replace("\r\n", "\n").replace("\r", "\n")] for name, value in fields]
    return sha256(json.dumps([path, lines]).encode()).hexdigest()


async def _fields(request: Request) -> list[tuple[str, str | None]]:
    form = await request.form()
    return [(name, value if isinstance(value, str) else None) for name, value in form.multi_items() if name != CSRF]
