"""The demo's own pages on Torwart's host: the start page with the visit, the mailbox, and the software key's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from jinja2 import ChoiceLoader, FileSystemLoader
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, JSONResponse, Response

from console.render import environment
from console.visitor import Visitor, visitor
from deploy.demo.errors import DemoError
from deploy.demo.keyring import KeyringClient
from deploy.demo.mailbox import mails
from deploy.demo.notes import Notes

_TEMPLATES = Path(__file__).parent / "templates"


class Touch(BaseModel):
    """What the button "touch the demo key" sends: the options that a browser would give to a real key."""

    model_config = ConfigDict(extra="forbid")

    purpose: str
    options: dict[str, Any]


class Forge(BaseModel):
    """An act whose assertion is to be made on the wrong origin, for the sixth attack."""

    model_config = ConfigDict(extra="forbid")

    options: dict[str, Any]


def router(notes: Notes, keyring: KeyringClient, *, origin: str, crm_origin: str) -> APIRouter:
    """The demo's routes, for `console.app.create_app`."""
    routes = APIRouter()

    def shown(found: Visitor, template: str, **values: Any) -> HTMLResponse:
        loader = ChoiceLoader([FileSystemLoader(_TEMPLATES), environment().loader or FileSystemLoader(_TEMPLATES)])
        given = {"visitor": found, "speech": found.speech, "path": "/start", "de": found.speech.language == "de", **values}
        return HTMLResponse(environment().overlay(loader=loader).get_template(template).render(given))

    @routes.get("/start")
    def start(found: Annotated[Visitor, Depends(visitor)]) -> Response:
        return shown(found, "start.html", notes=notes.read(), crm_url=crm_origin)

    @routes.get("/demo/mailbox")
    def mailbox(found: Annotated[Visitor, Depends(visitor)]) -> Response:
        return shown(found, "mailbox.html", mails=list(reversed(mails(notes.folder / "mailbox"))))

    @routes.post("/demo/touch")
    def touch(asked: Touch) -> Response:
        return _signed(keyring, asked.purpose, asked.options, origin)

    @routes.post("/demo/forge")
    def forge(asked: Forge) -> Response:
        """What a script on the CRM's origin would get if a browser let it: a signature over the wrong origin."""
        return _signed(keyring, "get", asked.options, crm_origin)

    return routes


def _signed(keyring: KeyringClient, purpose: str, options: dict[str, Any], origin: str) -> Response:
    try:
        return JSONResponse(keyring.touch(purpose, options, origin))
    except DemoError as error:
        raise HTTPException(404) from error
