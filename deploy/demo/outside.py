"""A private cloud as an employee knows one: a page with a file form, and whatever was uploaded. It belongs to nobody in the firm.

The demo shows it at `cloud.localhost:8403`; tests upload to it through the forward proxy and look what has arrived.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Request, UploadFile
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TEMPLATES = Path(__file__).parent / "templates"
HOST = "127.0.0.1"
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request, as it arrived."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Arrivals:
    """Everything that has arrived at a server outside, in order."""

    seen: list[Arrival] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    """Messages of WebSockets."""

    def uploads(self) -> list[Arrival]:
        """Requests with a body."""
        return [one for one in self.seen if one.body]

    def hold(self, *values: bytes) -> bool:
        """Whether any of these bytes has arrived, anywhere."""
        everything = b"\n".join([*(b"\n".join((one.path.encode(), one.query.encode(), one.body)) for one in self.seen), *self.messages])
        return any(value in everything for value in values)


class Recorder:
    """ASGI middleware that keeps every request and every message."""

    def __init__(self, app: ASGIApp, arrivals: Arrivals) -> None:
        self._app = app
        self._arrivals = arrivals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, self._heard(receive), send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pieces, message = [], await receive()
        while message["type"] == "http.request":
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                break
            message = await receive()
        body = b"".join(pieces)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        arrival = Arrival(scope["method"], headers.get("host", ""), scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        self._arrivals.seen.append(arrival)
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    def _heard(self, receive: Receive) -> Receive:
        async def hear() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                self._arrivals.messages.append(message.get("bytes") or (message.get("text") or "").encode())
            return message

        return hear


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the cloud."""

    name: str
    content: bytes


def cloud(files: list[Stored] | None = None) -> FastAPI:
    """The private cloud. `files` is what it has stored, newest last."""
    app = FastAPI(openapi_url=None)
    stored: list[Stored] = files if files is not None else []
    pages = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape())

    def shown(request: Request, arrived: str | None = None) -> Response:
        de = "de" in request.headers.get("accept-language", "de")[:2]
        page = pages.get_template("cloud.html").render(de=de, files=list(reversed(stored)), arrived=arrived)
        return HTMLResponse(page, headers={"alt-svc": 'h3=":443"; ma=86400'})

    @app.get("/")
    def start(request: Request) -> Response:
        return shown(request)

    @app.post("/upload")
    def upload(request: Request, file: UploadFile, note: Annotated[str, "form"] = "") -> Response:
        stored.append(Stored(file.filename or "", file.file.read()))
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"stored": len(stored)}, 201)
        return shown(request, file.filename)

    @app.get("/files")
    def listed() -> Response:
        return JSONResponse([{"name": one.name, "size": len(one.content)} for one in stored])

    return app


class Outside:
    """A server outside, in a thread of this process, with what has arrived at it."""

    def __init__(self, app: FastAPI, port: int = 0, *, certificate: tuple[Path, Path] | None = None) -> None:
        """Start it and wait until it listens. `certificate`: PEM files of chain and key, for https."""
        self.arrivals = Arrivals()
        config = uvicorn.Config(
            Recorder(app, self.arrivals),
            host=HOST,
            port=port,
            ws="wsproto",
            log_config=None,
            access_log=False,
            ssl_certfile=str(certificate[0]) if certificate else None,
            ssl_keyfile=str(certificate[1]) if certificate else None,
        )
        self._server = uvicorn.Server(config)
        self._socket = config.bind_socket()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.01)):
            if self._server.started:
                return
            waited.wait(0.01)
        raise TimeoutError("the server outside does not start")

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
