"""Alert messages to a program: JSON, posted and signed.

A receiver checks `Torwart-Signature` with the installation's `webhook.key` over the bytes that it got, refuses a `Torwart-Timestamp` older
than five minutes, and drops an `id` that it has seen.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import httpx
import orjson

from console.delivery import TIMEOUT_SECONDS, DeliveryError
from console.notice import Notice

TIMESTAMP = "Torwart-Timestamp"
SIGNATURE = "Torwart-Signature"


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """`v1=` and the hexadecimal HMAC-SHA256 (RFC 2104) over `timestamp`, a full stop and the body."""
    return "v1=" + hmac.digest(key, timestamp.encode() + b"." + body, "sha256").hex()


class WebhookChannel:
    """Posts a notice to one address. Redirects are not followed, proxies of the environment are not used: it goes there or nowhere."""

    name = "webhook"

    def __init__(self, url: str, key: bytes) -> None:
        self._url = url
        self._key = key

    def send(self, notice: Notice, at: datetime) -> None:
        """Raises DeliveryError unless the receiver answers 2xx."""
        body = orjson.dumps(notice.payload())
        timestamp = str(int(at.timestamp()))
        headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature(self._key, timestamp, body)}
        try:
            with (
                httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,  # the answer's body is not read
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(f"the web hook could not be reached ({type(error).__name__})") from error
        if not 200 <= status < 300:
            raise DeliveryError(f"the web hook answered {status}")
