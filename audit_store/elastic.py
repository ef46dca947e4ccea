"""The connection to Elasticsearch under one identity: the only file that knows its client.

Certificates are always verified, every call ends within its time. Of several addresses one that cannot be reached is passed over; nothing
else is tried again here: whoever asks decides what an error means.
What comes back is a parsed document or an `ElasticError` that says what to do; no answer of the server stands in its text.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elastic_transport import Serializer
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError
from elasticsearch import exceptions as client_errors
from elasticsearch.serializer import OrjsonSerializer

__all__ = ["Access", "Elastic", "ElasticError"]

TIMEOUT_SECONDS = 30.0
"""For a whole call, from the connection to the last byte of the answer."""
FIRST, BEYOND = (8, 19), (10, 0)
"""From the first on and before the second: older ones lack what is used; what the client library speaks ends with 9."""
JSON, LINES = "application/json", "application/x-ndjson"
_BUSY = frozenset({429, 500, 502, 503, 504})
_FAULT = re.compile(r"certificate verify failed: ([^(']*[^(' ])")


class ElasticError(Exception):
    """Elasticsearch cannot be used now; the text says why and what to do."""


class UnreachableError(ElasticError):
    """There is no connection."""


class TimedOutError(ElasticError):
    """No answer within the time."""


class StoppedError(ElasticError):
    """The call was ended by Torwart itself, which is being stopped: nothing is wrong."""


class CertificateError(ElasticError):
    """TLS could not be agreed on."""


class BusyError(ElasticError):
    """The server asks to come again later."""


class RefusedError(ElasticError):
    """The identity may not do this."""


class TooLargeError(ElasticError):
    """The request was larger than the server takes."""


class AnswerError(ElasticError):
    """The answer is not one that Elasticsearch gives, or says what is not so."""


class BadRequestError(AnswerError):
    """The server did not understand the request."""


class VersionError(ElasticError):
    """The server is too old, or newer than this release knows."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the servers are and who asks: at most one of password and API key."""

    urls: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    """As Elasticsearch shows it once: base64 of `id:key`."""
    ca: Path | None = None
    """PEM file of the authorities that are believed instead of the system's."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files of the certificate that is shown to the server."""


class Elastic:
    """One identity's calls, from one thread at a time."""

    def __init__(self, access: Access, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Opens no connection yet. Raises CertificateError when a file cannot be used."""
        logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)  # whoever calls says it once, in our words
        options: dict[str, Any] = {}
        if any(url.startswith("https:") for url in access.urls):
            options["ssl_context"] = _tls(access)
        if access.user is not None:
            options["basic_auth"] = (access.user, access.password or "")
        elif access.api_key is not None:
            options["api_key"] = access.api_key
        self._running = asyncio.Runner()
        self._client = AsyncElasticsearch(
            list(access.urls),
            request_timeout=timeout_seconds,
            max_retries=len(access.urls) - 1,
            retry_on_timeout=False,
            retry_on_status=(),
            sniff_on_start=False,
            serializers={JSON: OrjsonSerializer(), LINES: _Lines()},
            **options,
        )
        self._task: asyncio.Task[Any] | None = None
        self._ended = self._closed = False

    def ask(self, method: str, path: str, body: bytes | dict[str, Any] | None = None, *, kind: str = JSON) -> dict[str, Any]:
        """One call; the answer's document. Raises ElasticError."""
        found = self._running.run(self._ask(method, path, body, kind))
        if not isinstance(found, dict):
            raise AnswerError("the answer is no JSON object: is there something between Torwart and Elasticsearch?")
        return found

    def find(self, method: str, path: str) -> dict[str, Any] | None:
        """One call without a body; None if there is nothing of that name. Raises ElasticError."""
        try:
            return self.ask(method, path)
        except _MissingError:
            return None

    def check_version(self) -> str | None:
        """The oldest version among the servers; None if this identity may not see it. Raises VersionError, ElasticError."""
        try:
            nodes = self.ask("GET", "/_nodes/_all/none?filter_path=nodes.*.version")["nodes"]
            versions = [(_version(node["version"]), str(node["version"])) for node in nodes.values()]
            if not versions:
                raise ValueError("no node")
        except RefusedError:
            return None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise AnswerError("the server does not say its version: is there something between Torwart and Elasticsearch?") from None
        for version, words in (min(versions), max(versions)):
            if not FIRST <= version < BEYOND:
                raise VersionError(f"Elasticsearch {words} is not supported: 8.19 or a later 8, or any 9, is needed")
        return min(versions)[1]

    def end(self) -> None:
        """From another thread: end the call that is waiting, and every later one at once, with StoppedError."""
        self._ended = True
        task = self._task
        if task is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                task.get_loop().call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """May be called twice; not while another thread is asking."""
        if not self._closed:
            self._closed = True
            self._running.run(self._client.close())
            self._running.close()

    async def _ask(self, method: str, path: str, body: bytes | dict[str, Any] | None, kind: str) -> Any:
        headers = {"accept": JSON} | ({"content-type": kind} if body is not None else {})
        self._task = asyncio.current_task()
        try:
            if self._ended:
                raise StoppedError("Torwart is being stopped")
            return (await self._client.perform_request(method, path, headers=headers, body=body)).body
        except asyncio.CancelledError:
            raise StoppedError("Torwart was stopped while waiting for Elasticsearch") from None
        except ApiError as error:
            raise _refusal(error) from None
        except client_errors.ConnectionTimeout:
            raise TimedOutError("Elasticsearch does not answer in time: look at its load") from None
        except client_errors.SSLError as error:
            raise CertificateError(f"no trusted connection to Elasticsearch: {_reason(error)}; see elastic.ca") from None
        except client_errors.ConnectionError:
            raise UnreachableError("no connection to Elasticsearch: is it running, and is elastic.url right?") from None
        except (client_errors.SerializationError, UnsupportedProductError, UnicodeError):
            raise AnswerError("the answer is not Elasticsearch's: is there something between Torwart and it?") from None
        finally:
            self._task = None


class _Lines(Serializer):
    """Lines that are bytes already, each with its end: two megabytes that the client's own serializer would copy twice."""

    mimetype = LINES

    def dumps(self, data: Any) -> bytes:
        if not isinstance(data, bytes):
            raise TypeError("lines are sent as bytes")
        return data

    def loads(self, data: bytes) -> Any:
        raise TypeError("no answer is asked for in lines")


class _MissingError(ElasticError):
    """There is nothing of that name."""


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.certificate is not None:
            context.load_cert_chain(access.certificate, access.key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"a file of the section elastic (ca, certificate, key) cannot be used: {error}") from None
    return context


def _refusal(error: ApiError) -> ElasticError:
    match error.meta.status:
        case 401:
            return RefusedError("Elasticsearch does not know this user: check user and password file in the section elastic")
        case 403:
            return RefusedError("Elasticsearch refuses: the user lacks a right (see deploy/elasticsearch/roles.yml)")
        case 404:
            return _MissingError("Elasticsearch has nothing of that name: `torwart events elastic-install` makes what is needed")
        case 413:
            return TooLargeError("the request is larger than Elasticsearch takes (http.max_content_length)")
        case 400:
            return BadRequestError(f"Elasticsearch did not understand the request ({_type(error)})")
        case status if status in _BUSY:
            return BusyError(f"Elasticsearch asks to come later (status {status}): look at its load, disk and health")
        case status:
            return AnswerError(f"Elasticsearch did not understand the request (status {status}, {_type(error)})")


def _type(error: ApiError) -> str:
    """The error's kind in Elasticsearch's own words, never its text: that may quote what was sent."""
    body = error.body if isinstance(error.body, dict) else {}
    cause = body.get("error")
    kind = cause.get("type") if isinstance(cause, dict) else None
    return kind if isinstance(kind, str) and kind.isidentifier() else "unknown"


def _reason(error: client_errors.SSLError) -> str:
    """What OpenSSL found wrong with the certificate, if it says so."""
    found = _FAULT.search(str(error.message))
    return f"the certificate is refused ({found[1]})" if found else "TLS failed"


def _version(text: str) -> tuple[int, int]:
    major, minor, *_ = text.split(".")
    return int(major), int(minor)
