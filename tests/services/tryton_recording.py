"""The recorded session with Tryton: its requests as the gateway gets them, and its answers to what the gateway asks upstream."""

import csv
import gzip
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.exchange import Headers, Request, Response

RECORDING = Path(__file__).parents[1] / "data" / "tryton_8.0_session.har.gz"
BROWSER_CALLS = 60
"""The first calls are the web client's; those after them are a script's."""
_NUMBER_IN_NAME = re.compile(r".* (\d{5})")


@dataclass(frozen=True)
class Recorded:
    """One call with its answer."""

    request: Request
    response: Response

    def answer_to(self, upstream: Request) -> Response:
        """The recorded answer with the ids that the gateway adds to its questions, as Tryton gives them.

        The made-up clients carry a number in their names; their id in that database is the number after it.
        """
        if "/data/" in upstream.path:
            return replace(self.response, body=_csv_with_ids(self.response.body))
        if b".export_data" in upstream.body:
            said = json.loads(self.response.body)
            said["result"] = [[_id(row[0]) or "ID", *row] for row in said["result"]]
            return replace(self.response, body=json.dumps(said).encode())
        if b"contact_mechanism.search_read" in upstream.body:
            said = json.loads(self.response.body)
            said["result"] = [record | {"party": record["party."]["id"]} for record in said["result"]]
            return replace(self.response, body=json.dumps(said).encode())
        return self.response


def calls() -> list[Recorded]:
    """All calls, in order."""
    entries = json.loads(gzip.decompress(RECORDING.read_bytes()))["log"]["entries"]
    return [Recorded(_request(entry["request"]), _response(entry["response"])) for entry in entries]


def _request(recorded: dict[str, Any]) -> Request:
    url = urlsplit(recorded["url"])
    body = recorded.get("postData", {}).get("text") or ""
    query = tuple(parse_qsl(url.query, keep_blank_values=True))
    return Request(recorded["method"], unquote(url.path), query, _headers(recorded), body.encode(), "127.0.0.1", "recorded")


def _response(recorded: dict[str, Any]) -> Response:
    return Response(recorded["status"], _headers(recorded), (recorded["content"].get("text") or "").encode())


def _headers(recorded: dict[str, Any]) -> Headers:
    # The recording holds the bodies without their encoding.
    return tuple(
        (h["name"].lower(), h["value"]) for h in recorded["headers"] if h["name"].lower() not in ("content-encoding", "transfer-encoding")
    )


def _csv_with_ids(body: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(body.decode(), newline=""), delimiter=";"))
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([[_id(row[0]) or "ID", *row] for row in rows])
    return out.getvalue().encode()


def _id(name: str) -> int | None:
    match = _NUMBER_IN_NAME.fullmatch(name)
    return int(match[1]) + 1 if match else None
