"""Pictures for a camera: a QR code as SVG, without a script, a style or a word in it. The only file that knows segno."""

from __future__ import annotations

import io

import segno

SCALE = 5
"""Units of the picture for one square."""
BORDER = 4
"""Squares of quiet around it, as ISO/IEC 18004 asks."""


def picture(text: str) -> bytes:
    """The text as a QR code. Raises segno.DataOverflowError for more than about 2,000 characters."""
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(out, kind="svg", scale=SCALE, border=BORDER, light="#fff", xmldecl=False, svgclass=None, lineclass=None)
    return out.getvalue()
