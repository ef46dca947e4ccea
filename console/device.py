"""What a browser says about itself, in words of our own: nothing that was sent is kept."""

from __future__ import annotations

import re

from fastapi import Request

from auth.console_sessions import Seat

_READ_BYTES = 512
"""Of the header: browsers send about 150."""
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
"""In this order: most of them name the ones below, too."""
_SYSTEMS = (
    ("Android", re.compile(r"\bAndroid\b")),
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("macOS", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)


def device_words(user_agent: str | None) -> str:
    """Browser and system, for example "Firefox · Windows"; empty for what is not known. Only a hint: anybody can send any header."""
    said = (user_agent or "")[:_READ_BYTES]
    found = (next((name for name, mark in table if mark.search(said)), None) for table in (_BROWSERS, _SYSTEMS))
    return " · ".join(name for name in found if name)


def seat(request: Request) -> Seat:
    """From where this request comes. The address is that of the connection: what a header claims is nobody's (promises B26)."""
    return Seat(device_words(request.headers.get("user-agent")), request.client.host[:64] if request.client else None)
