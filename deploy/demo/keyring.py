"""The demo's software keys, in a process of their own: `python -m deploy.demo.keyring FOLDER PORT`.

They stand in for hardware that a visitor may not have at hand. Torwart cannot tell: they are enrolled by the ordinary token and their
signatures take the ordinary road. They are random per demo, live in the demo's folder, and are outside the wheel.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from deploy.demo.errors import DemoError
from deploy.demo.software_key import SoftwareKey

HOST = "127.0.0.1"
MAX_BODY_BYTES = 64 * 1024


class Keyring:
    """Keys by credential id, kept in one file so that they survive a restart of the demo."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self._keys = {credential: SoftwareKey.from_json(key) for credential, key in stored.items()}

    def create(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """A new key answers a registration."""
        with self._lock:
            key = SoftwareKey()
            response = key.create(options, origin)
            self._keys[response["id"]] = key
            self._save()
            return response

    def get(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """The key that the options name signs; without names, the one that was made first. Raises LookupError."""
        wanted = [str(one["id"]) for one in options.get("allowCredentials") or ()]
        with self._lock:
            credential = next((one for one in (wanted or self._keys) if one in self._keys), None)
            if credential is None:
                raise LookupError("no such key")
            response = self._keys[credential].get({**options, "allowCredentials": []}, origin)
            self._save()  # the counter has grown
            return response

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({credential: key.to_json() for credential, key in self._keys.items()}), encoding="utf-8")
        fresh.replace(self._path)


class KeyringClient:
    """How the rest of the demo asks the keys' process."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=10)

    def answers(self) -> bool:
        """True once the process serves."""
        try:
            return self._http.post("/", json={}).status_code == httpx.codes.NOT_FOUND
        except httpx.HTTPError:
            return False

    def touch(self, purpose: str, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """`purpose` is `create` or `get`. Raises DemoError when no key answers."""
        try:
            answer = self._http.post("/", json={"purpose": purpose, "options": options, "origin": origin})
        except httpx.HTTPError as error:
            raise DemoError("the demo's keys do not answer: start the demo again") from error
        if answer.status_code != httpx.codes.OK:
            raise DemoError("none of the demo's keys fits")
        response: dict[str, Any] = answer.json()
        return response


class _Handler(BaseHTTPRequestHandler):
    keyring: Keyring

    def do_POST(self) -> None:
        try:
            asked = json.loads(self.rfile.read(min(int(self.headers["content-length"]), MAX_BODY_BYTES)))
            sign = {"create": self.keyring.create, "get": self.keyring.get}[asked["purpose"]]
            status, body = 200, sign(asked["options"], asked["origin"])
        except (KeyError, ValueError, TypeError, LookupError) as error:
            status, body = 404, {"error": str(error)}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: signatures are nobody's business."""


def main(folder: Path, port: int) -> None:
    """Serve until the process is ended."""
    _Handler.keyring = Keyring(folder / "keyring.json")
    ThreadingHTTPServer((HOST, port), _Handler).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
