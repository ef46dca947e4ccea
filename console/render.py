"""Templates to pages: everything is escaped, every text goes through the catalogue, foreign words are isolated from ours."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from console.language import Speech
from console.qr import picture
from console.visitor import Visitor, keep_language, services_of

_ISOLATED = re.compile("\u2068([^\u2066-\u2069]*)\u2069")
"""From FIRST STRONG ISOLATE to POP DIRECTIONAL ISOLATE."""
FOREIGN_MAX = 200
"""Characters of a foreign word that a page shows; the rest is cut, visibly (promises F91)."""


def page(request: Request, visitor: Visitor, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page in the visitor's language."""
    person = visitor.person
    to_approve = len(services_of(request).approvals.waiting_for(person.id)) if person is not None else 0
    given = {"visitor": visitor, "speech": visitor.speech, "path": request.url.path, "to_approve": to_approve, **values}
    response = HTMLResponse(environment().get_template(template).render(given), status_code)
    keep_language(request, response)
    return response


@cache
def environment() -> Environment:
    """The templates of all pages."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined] # added by the extension
    made.filters.update(number=_number, day=_day, clock=_clock, moment=_moment, foreign=foreign, whole=whole, camera=_camera)
    return made


def foreign(text: str) -> Markup:
    """A word that we did not write: escaped, control characters shown as a box, its direction kept to itself."""
    shown = text if len(text) <= FOREIGN_MAX else f"{text[:FOREIGN_MAX]}…"
    visible = "".join(c if c.isprintable() else "\ufffd" for c in shown)
    return Markup("<bdi>{}</bdi>").format(escape(visible))


def whole(text: str) -> Markup:
    """As `foreign`, and not cut: what a key signs is shown to its end. A foreign word that is isolated in it stays so."""
    shown = Markup("")
    for number, part in enumerate(_ISOLATED.split(text)):
        visible = "".join(c if c.isprintable() else "\ufffd" for c in part)
        shown += Markup("<bdi>{}</bdi>").format(visible) if number % 2 else escape(visible)
    return Markup("<bdi>{}</bdi>").format(shown)


def _camera(text: str) -> Markup:
    """A text of ours as a QR code, drawn into the page: a picture with an address would be a second way to what is shown only once."""
    return Markup(picture(text).decode("ascii"))  # noqa: S704 -- squares only, no letter of the text is in it


def _speech(context: Context) -> Speech:
    spoken: Speech = context["speech"]
    return spoken


@pass_context
def _gettext(context: Context, text: str) -> str:
    return _speech(context).say(text)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return _speech(context).form(one, many, number)


@pass_context
def _number(context: Context, number: int) -> str:
    return _speech(context).number(number)


@pass_context
def _day(context: Context, at: datetime) -> str:
    return _speech(context).day(at)


@pass_context
def _clock(context: Context, at: datetime) -> str:
    return _speech(context).clock(at)


@pass_context
def _moment(context: Context, at: datetime) -> str:
    return _speech(context).moment(at)
