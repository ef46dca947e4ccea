"""The few words of Tryton's JSON-RPC that the demo and the tests speak."""

import base64
import itertools
from types import TracebackType
from typing import Any, Final, Self

import httpx

from deploy.demo.errors import DemoError
from deploy.demo.loopback import client

DATABASE: Final = "crm"


class TrytonSession:
    """Somebody logged in at Tryton, straight or through the gateway. Use as a context manager; `close` logs nobody out."""

    def __init__(self, base_url: str, login: str, password: str, *, timeout_seconds: float = 120.0) -> None:
        """Log in. Raises `DemoError` when Tryton refuses, `httpx.HTTPError` when nobody answers."""
        self.login = login
        self._numbers = itertools.count(1)
        self._http = client(base_url, timeout_seconds=timeout_seconds)
        self.user_id, self.token, _ = self.call("common.db.login", login, {"password": password}, "en")
        self.authorization = "Session " + base64.b64encode(f"{login}:{self.user_id}:{self.token}".encode()).decode()
        """The header that proves this session."""
        self._http.headers["Authorization"] = self.authorization

    def call(self, method: str, *params: Any) -> Any:
        """Call a method by its full name, such as `model.party.party.search`, and return its result.

        Raises `DemoError` when Tryton answers with an error.
        """
        answer = self.post(method, *params)
        if answer.status_code != httpx.codes.OK:
            raise DemoError(f"Tryton answered {answer.status_code} to {method}")
        body = answer.json()
        if "error" in body:
            raise DemoError(f"Tryton refused {method}: {body['error']}")
        return body["result"]

    def post(self, method: str, *params: Any) -> httpx.Response:
        """The same call, answered with whatever came back."""
        return self._http.post(f"/{DATABASE}/rpc/", json={"id": next(self._numbers), "method": method, "params": list(params)})

    def rest_key(self) -> str:
        """Ask for a key of Tryton's REST interface and let this person validate it, as its preferences page does."""
        answer = self._http.post(f"/{DATABASE}/user/application/", json={"user": self.login, "application": "rest"})
        key = answer.json()
        if answer.status_code != httpx.codes.OK or not isinstance(key, str):
            raise DemoError(f"Tryton gave {self.login} no REST key: {answer.status_code}")
        ids = self.call("model.res.user.application.search", [["user", "=", self.user_id], ["key", "=", key]], 0, 1, None, {})
        self.call("model.res.user.application.validate_", ids, {})
        return key

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
