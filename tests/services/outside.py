"""Servers that stand for what is outside, on one port by their names: private cloud, webmail, messenger, AI chat, paste site."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.websockets import WebSocketDisconnect

from deploy.demo.outside import Outside, cloud

LARGE_BYTES = 48 * 1024 * 1024
"""Of a download: more than all buffers between two ends hold."""
NAMES = ("cloud", "webmail", "messenger", "chat", "paste")
_COMPOSE = """<!doctype html><html lang="de"><title>Webmail</title><h1>Neue Nachricht</h1>
<textarea id="text" aria-label="Text"></textarea><button id="send">Senden</button><p id="said" role="status"></p>
<script>document.getElementById("send").onclick = async () => {
  const bytes = new TextEncoder().encode(document.getElementById("text").value);
  const file = btoa(String.fromCharCode(...bytes));
  const body = JSON.stringify({to: "me@privat.example", subject: "x", attachments: [{name: "liste.csv", content: file}]});
  const answer = await fetch("/api/send", {method: "POST", headers: {"content-type": "application/json"}, body});
  const told = await answer.json();
  document.getElementById("said").textContent = answer.status + " " + (told.detail || told.sent);
};</script></html>"""
_CHAT = """<!doctype html><html lang="de"><title>Assistent</title><h1>Frag mich</h1>
<textarea id="text" aria-label="Frage"></textarea><button id="send">Fragen</button><p id="said" role="status"></p>
<script>document.getElementById("send").onclick = async () => {
  const body = JSON.stringify({messages: [{role: "user", content: document.getElementById("text").value}]});
  const answer = await fetch("/v1/chat", {method: "POST", headers: {"content-type": "application/json"}, body});
  const told = await answer.json();
  document.getElementById("said").textContent = answer.status + " " + (told.detail || told.answer);
};</script></html>"""
_PASTE = """<!doctype html><html lang="de"><title>Paste</title><h1>Ablegen</h1>
<form method="post" action="/new"><textarea name="text" aria-label="Text"></textarea><button>Ablegen</button></form></html>"""
_MESSENGER = """<!doctype html><html lang="de"><title>Messenger</title><h1>Chat</h1><input id="text" aria-label="Nachricht">
<button id="send">Senden</button><p id="said" role="status"></p><p id="closed"></p>
<script>const socket = new WebSocket("ws://" + location.host + "/ws");
socket.onmessage = event => { document.getElementById("said").textContent = event.data; };
socket.onclose = event => { document.getElementById("closed").textContent = event.code; };
document.getElementById("send").onclick = () => socket.send(document.getElementById("text").value);</script></html>"""


def outside() -> FastAPI:
    """All of them; the cloud has the root, the others paths of their own."""
    app = cloud()

    @app.get("/mail")
    def compose() -> Response:
        return HTMLResponse(_COMPOSE)

    @app.post("/api/send")
    async def send(request: Request) -> Response:
        mail = await request.json()
        return JSONResponse({"sent": len(base64.b64decode(mail["attachments"][0]["content"]))})

    @app.get("/chat")
    def chat() -> Response:
        return HTMLResponse(_CHAT)

    @app.post("/v1/chat")
    async def asked(request: Request) -> Response:
        return JSONResponse({"answer": len((await request.json())["messages"])})

    @app.get("/paste")
    def paste() -> Response:
        return HTMLResponse(_PASTE)

    @app.post("/new")
    async def new(request: Request) -> Response:
        form = await request.form()
        return HTMLResponse(f"<!doctype html><title>Paste</title><h1>{len(str(form['text']))}</h1>")

    @app.get("/im")
    def messenger() -> Response:
        return HTMLResponse(_MESSENGER)

    @app.put("/attachments/{name}")
    async def attach(name: str, request: Request) -> Response:
        return JSONResponse({"name": name, "size": len(await request.body())}, 201)

    @app.websocket("/ws")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("text") is not None:
                    await socket.send_text(f"heard {message['text']}")
                else:
                    await socket.send_bytes(b"heard " + message["bytes"])
        except WebSocketDisconnect:
            return

    @app.get("/page")
    def page() -> Response:
        body = bytes(range(256)) * 400
        return Response(body, media_type="application/octet-stream", headers={"alt-svc": 'h3=":443"', "x-own": "kept"})

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(LARGE_BYTES), media_type="application/octet-stream")

    @app.api_route("/collect", methods=["GET", "POST"])
    def collect() -> Response:
        return Response(b"ok")

    return app


@pytest.fixture(scope="module")
def far() -> Iterator[Outside]:
    """A server outside."""
    server = Outside(outside())
    yield server
    server.stop()
