"""Torwart's host as the agent speaks to it: signed requests one at a time, no proxy, no redirect, no other server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.identity import Counter
from auth.agent_signature import AGENT_HEADER, COUNTER_HEADER, COUNTER_MAX, SIGNATURE_HEADER, encode, request_bytes

TIMEOUT = httpx.Timeout(20.0, connect=5.0)

_NONE: Mapping[str, str] = MappingProxyType({})


class UnreachableError(Exception):
    """Torwart did not answer, or not as itself: later again. The text says what went wrong."""


class Server:
    """Signs and sends. Any thread; one request at a time, so that counters arrive in order."""

    def __init__(self, url: str, ca: Path | None = None) -> None:
        """Raises OSError, ssl.SSLError when the authority's file cannot be used."""
        self.url = url
        context = ssl.create_default_context(cafile=ca) if url.startswith("https:") else False
        transport = _Loopback(verify=context)
        self._http = httpx.Client(base_url=url, transport=transport, trust_env=False, timeout=TIMEOUT, headers={"origin": url})
        self._lock = threading.Lock()

    def post(self, path: str, document: object) -> httpx.Response:
        """An unsigned request: only the enrolment is one. Raises UnreachableError."""
        return self._send(self._http.build_request("POST", path, json=document))

    def signed(
        self,
        agent: str,
        key: Ed25519PrivateKey,
        counter: Counter,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] = _NONE,
    ) -> httpx.Response:
        """A request of this agent. A counter that was too low is caught up with, once. Raises UnreachableError."""
        with self._lock:
            for last in (False, True):
                number = counter.next()
                signed = request_bytes(origin=self.url, agent=agent, counter=number, method=method, target=path, body=body)
                own = {AGENT_HEADER: agent, COUNTER_HEADER: str(number), SIGNATURE_HEADER: encode(key.sign(signed))}
                sent = {**headers, **own}
                if body:
                    sent["content-type"] = "application/json"
                answer = self._send(self._http.build_request(method, path, content=body or None, headers=sent))
                if last or answer.status_code != 409 or cause_of(answer) != "counter":
                    return answer
                seen = answer.json().get("counter")
                if not isinstance(seen, int) or not 0 < seen < COUNTER_MAX:
                    raise UnreachableError("what answered is not Torwart")
                counter.at_least(seen)
        raise AssertionError("not reached")

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise UnreachableError(f"{urlsplit(self.url).netloc} cannot be reached: {_why(error)}") from error


class _Loopback(httpx.HTTPTransport):
    """Names ending in `.localhost` are this machine (RFC 6761, section 6.3), but not every resolver knows it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith(".localhost"):
            request.extensions["sni_hostname"] = request.url.host
            request.headers.setdefault("host", request.url.netloc.decode())
            request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


def _why(error: Exception) -> str:
    """The cause in words, for who types the command; what caused what stands in the chain of exceptions."""
    causes: list[BaseException] = [error]
    while (before := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(before)
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate does not prove who it is ({cause.verify_message}); `ca:` in agent.yaml names its authority"
            case ssl.SSLError():
                return "it does not speak TLS: is it http instead of https, or another port?"
            case socket.gaierror():
                return "no such name is known here: is it spelled right?"
            case ConnectionRefusedError():
                return "nothing listens there: does Torwart run, and is the port right?"
            case TimeoutError():
                return "it does not answer in time"
    return type(error).__name__


def cause_of(answer: httpx.Response) -> str:
    """The cause in a problem document (RFC 9457); empty if it is none."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    return str(found.get("cause", "")) if isinstance(found, dict) else ""
