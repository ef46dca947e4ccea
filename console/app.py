"""The application on Torwart's own host: every file of `pages/` and `api/` with a `router` is part of it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

import console.api
import console.pages
from audit_store.outside import NotWitnessedError
from console.fresh_touch import TouchNeededError, ask_for_touch
from console.guard import Guard
from console.render import page
from console.services import Services
from console.visitor import SignInNeededError, to_sign_in, visitor
from console.words import N_
from console.worker import Health

_ERRORS = {
    403: (N_("Not for you"), N_("This page is not released for you, or the form was too old. Go back, reload and try again.")),
    404: (N_("Not found"), N_("There is nothing here. It may have been closed or cleared away.")),
    503: (
        N_("Not possible right now"),
        N_(
            "Nothing was changed: none of the places outside has taken the checkpoint that must be there first. "
            "The page Health says what to do; then try again."
        ),
    ),
    422: (N_("Not understood"), N_("Something in the form was missing or too long. Go back and try again.")),
}


class RouteError(Exception):
    """Two files serve the same path: a start-up error."""


def create_app(services: Services, extensions: Iterable[APIRouter] = (), health: Health | None = None) -> FastAPI:
    """The application. `extensions` are the demo's own routes (`/start`, `/demo/touch`), `health` that of the background work beside it.

    Raises RouteError.
    """
    app = FastAPI(title="Torwart", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.state.health = health
    routers = [*_routers(), *extensions]
    _check_unique(routers)
    for router in routers:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_exception_handler(SignInNeededError, _sign_in_needed)
    app.add_exception_handler(TouchNeededError, ask_for_touch)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(NotWitnessedError, _not_witnessed)
    app.add_middleware(Guard, origin=services.installation.torwart_url)
    return app


def _routers() -> list[APIRouter]:
    found = []
    for package in (console.pages, console.api):
        for module in iter_modules(package.__path__, package.__name__ + "."):
            router = getattr(import_module(module.name), "router", None)
            if isinstance(router, APIRouter):
                found.append(router)
    return found


def _check_unique(routers: Iterable[APIRouter]) -> None:
    seen: set[tuple[str, str]] = set()
    for route in (route for router in routers for route in router.routes if isinstance(route, APIRoute)):
        for method in route.methods or ():
            if (method, route.path) in seen:
                raise RouteError(f"{method} {route.path} is served twice: rename one")
            seen.add((method, route.path))


async def _sign_in_needed(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api/") or not isinstance(error, SignInNeededError):
        return JSONResponse({"error": "sign in first"}, 401)
    return to_sign_in(error.wanted)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _error_page(request, status)


async def _not_understood(request: Request, _error: Exception) -> Response:
    return _error_page(request, 422)


async def _not_witnessed(request: Request, _error: Exception) -> Response:
    return _error_page(request, 503)


def _error_page(request: Request, status: int) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": "refused"}, status)
    found = visitor(request)
    heading, words = _ERRORS.get(status, _ERRORS[404])
    return page(request, found, "error.html", status, heading=found.speech.say(heading), words=found.speech.say(words))
