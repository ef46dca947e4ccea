"""Reads what Tryton answered: with clients in it, to be judged; or without, to be passed on in neutral words."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from detectors.client_index.identifier import Identifier
from gateway.crm.formats import csv_table
from gateway.crm.profile import Answer, CallKind, UninspectableError
from gateway.crm.profiles import tryton_texts as texts
from gateway.crm.profiles.tryton_answers import AS_IT_CAME, BareAnswer, RecordsAnswer, RowsAnswer, SealedAnswer, Wrap
from gateway.crm.profiles.tryton_fields import MODELS, PARTY, Model
from gateway.crm.profiles.tryton_identifying import written
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_reading import Expected, Shape
from gateway.crm.profiles.tryton_records import Records
from gateway.crm.profiles.tryton_rows import Rows
from gateway.crm.protocols import jsonrpc
from gateway.crm.protocols.jsonrpc import RpcAnswer
from gateway.exchange import Headers, Response
from policies.request import ClientId

_UNPACKED_LIMIT_BYTES = 64 * 1024 * 1024
_KEPT = ("content-type", "content-disposition", "content-range", "accept-ranges", "content-language")
_KEPT_ALWAYS = (*_KEPT, "set-cookie", "x-tryton-cache")


def read_outcome(expected: Expected, response: Response, owner_field: str | None, sent: bytes = b"") -> Answer:
    """Read the answer to a call that carries clients; `sent` is the body of a REST call. Raises UninspectableError."""
    if not 200 <= response.status < 300:
        return BareAnswer(texts.failed(response))
    body = unpacked(response)
    if expected.rpc is not None:
        answer = jsonrpc.read_answer(body)
        if answer.id != expected.rpc.id:
            raise UninspectableError("answer to another call")
        if answer.error is not None:
            return BareAnswer(texts.rpc_answer(texts.scrubbed_error(answer, expected.language)))
        wrap = _wrap_rpc(answer, _headers(response, _KEPT))
        return _answer(expected, answer.result, wrap, owner_field, b"")
    if expected.separator is not None:
        return _csv(expected, body, _headers(response, _KEPT))
    if expected.shape is Shape.BARE and not body:
        return BareAnswer(Response(response.status, _headers(response, _KEPT)), deleted=expected.deletes)
    try:
        result = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UninspectableError("answer is not JSON") from error
    return _answer(expected, result, _wrap_json(response.status, result, _headers(response, _KEPT)), owner_field, sent)


def scrub_outcome(kind: CallKind, expected: Expected, response: Response, *, shell: bool) -> Response:
    """An answer without clients as it goes out. Raises UninspectableError."""
    if kind is CallKind.PUBLIC and expected.rpc is None:
        if response.status >= 400:  # a page of errors can name files of the server
            return Response(response.status, (texts.NO_STORE,))
        if not shell:
            return response
        # The page carries our script: a copy without it must not be kept anywhere, nor be confirmed by a validator.
        kept = tuple((name, value) for name, value in response.headers if name not in ("cache-control", "etag", "last-modified", "expires"))
        return Response(response.status, (*kept, texts.NO_STORE), response.body)
    if response.status != 200:
        return response if kind is CallKind.LOGOUT and response.status < 300 else texts.failed(response)
    body = unpacked(response)
    headers = (*_headers(response, _KEPT_ALWAYS), texts.NO_STORE)
    if expected.rpc is None:
        return Response(200, headers, body)
    if kind is CallKind.LOGIN:
        return _login(jsonrpc.read_answer(body), headers, expected.language)
    if expected.say is Say.AS_IS and not jsonrpc.failed(body):
        return Response(200, headers, body)
    answer = jsonrpc.read_answer(body)
    if answer.error is not None:
        return texts.rpc_answer(texts.scrubbed_error(answer, expected.language))
    changed = replace(answer, result=_said(expected.say, expected.model, answer.result))
    return Response(200, headers, changed.body())


def _answer(expected: Expected, result: Any, wrap: Wrap, owner_field: str | None, sent: bytes) -> Answer:
    match expected.shape:
        case Shape.RECORDS if expected.node is not None:
            records = [result] if expected.single else result
            if not isinstance(records, list):
                raise UninspectableError("answer without records")
            read = Records(expected.node, records, rest=expected.rest, owner_field=owner_field)
            created = (str(records[0]["id"]),) if expected.creates else ()
            return RecordsAnswer(read, wrap, expected.single, created=created, written=_written(expected, sent, read.clients, created))
        case Shape.ROWS if expected.sheet is not None:
            if not isinstance(result, list):
                raise UninspectableError("answer without rows")
            return RowsAnswer(Rows(expected.sheet, result, header=expected.header), wrap)
        case Shape.BARE:
            if not _is_bare(result) and not (isinstance(result, str) and expected.makes_key):
                raise UninspectableError("answer with more than ids")
            made = _created(expected, result)
            return BareAnswer(wrap(AS_IT_CAME), created=made, deleted=expected.deletes, written=_written(expected, sent, (), made))
        case Shape.SEALED:
            return SealedAnswer(wrap(AS_IT_CAME), expected.ids)
    raise UninspectableError("answer of a shape that was not expected")


def _written(expected: Expected, sent: bytes, answered: Iterable[ClientId], created: tuple[ClientId, ...]) -> list[Identifier]:
    """The identifying values that the call wrote, by RPC or as the body of a REST request."""
    if expected.model is None:
        return []
    if expected.rpc is not None:
        return written(expected.model, expected.rpc.params[:-1], created)
    values = orjson.loads(sent) if sent else None
    return written(expected.model, [[values]], created or tuple(answered)[:1])


def _is_bare(result: Any) -> bool:
    """Numbers, nothing, counts by name: nothing that a field's value could hide in."""
    if isinstance(result, list):
        return all(isinstance(one, int) for one in result)
    if isinstance(result, dict):
        return all(isinstance(one, int) for one in result.values()) and result.keys() <= {"attachment_count", "note_count", "note_unread"}
    return result is None or isinstance(result, int)


def _created(expected: Expected, result: Any) -> tuple[ClientId, ...]:
    if not expected.creates:
        return ()
    if not isinstance(result, list):
        raise UninspectableError("answer without the new ids")
    return tuple(str(one) for one in result)


def _csv(expected: Expected, body: bytes, headers: Headers) -> Answer:
    if expected.sheet is None or expected.separator is None:
        raise UninspectableError("answer of a shape that was not expected")
    separator = expected.separator
    try:
        rows: list[Any] = list(csv_table.read(body, separator))
    except csv_table.CsvError as error:
        raise UninspectableError(error.what) from error
    named = tuple((name, value) for name, value in headers if name != "content-type")
    kept = (("content-type", "text/csv; charset=utf-8"), *named, texts.NO_STORE)
    return RowsAnswer(
        Rows(expected.sheet, rows, header=expected.header), lambda result: Response(200, kept, csv_table.write(result, separator))
    )


def _wrap_rpc(answer: RpcAnswer, headers: Headers) -> Wrap:
    """Written anew also where nothing changes: of a member that came twice, only the one that was judged goes out (hostile input C50)."""

    def wrap(result: Any) -> Response:
        said = answer if result is AS_IT_CAME else replace(answer, result=result)
        return Response(200, (*headers, texts.NO_STORE), said.body())

    return wrap


def _wrap_json(status: int, read: Any, headers: Headers) -> Wrap:
    def wrap(result: Any) -> Response:
        said, kept = (read if result is AS_IT_CAME else result), headers
        if result is not AS_IT_CAME and isinstance(result, list):
            # "records 0-50/2999" would count what was taken out.
            kept = tuple((name, value) for name, value in headers if name != "content-range")
        return Response(status, (*kept, texts.NO_STORE), orjson.dumps(said))

    return wrap


def _login(answer: RpcAnswer, headers: Headers, language: str) -> Response:
    """A sign-in's answer. The address of the message bus is left out: the web client then does not ask there (attacks X20)."""
    if answer.error is not None:
        kept = answer if answer.error[:1] == ["LoginException"] else texts.scrubbed_error(answer, language)
        return texts.rpc_answer(kept)
    result = answer.result
    if isinstance(result, list) and len(result) in (2, 3):
        result = [*result[:-1], None]
    return Response(200, headers, replace(answer, result=result).body())


def _said(say: Say, model: Model | None, result: Any) -> Any:
    match say:
        case Say.NOTHING:
            return []
        case Say.ZERO:
            return 0
        case Say.NO_CLIENTS:
            rows = result if isinstance(result, list) else []
            return [row for row in rows if isinstance(row, list) and len(row) > 1 and row[1] not in MODELS]
        case Say.NO_LINKS:
            return _without_links(model, result)
        case Say.AS_IS:
            return result


def _without_links(model: Model | None, result: Any) -> Any:
    """What a form was told, at any depth, without links to clients and without the names of records that hang on a client.

    The caller may name any record as a default (`default_address` in the context), and Tryton adds its name.
    """
    if isinstance(result, list):
        return [_without_links(model, one) for one in result]
    if not isinstance(result, dict) or model is None:
        return result
    out: dict[str, Any] = {}
    for name, value in result.items():
        known = model.fields.get(name.rstrip("."))
        target = known.target if known is not None else None
        if target == PARTY or (name.endswith(".") and (target is None or target in MODELS)):
            continue
        out[name] = _without_links(MODELS.get(target or "", model), value)
    return out


def _headers(response: Response, kept: tuple[str, ...]) -> Headers:
    return tuple((name, value) for name, value in response.headers if name in kept)


def unpacked(response: Response) -> bytes:
    """The body without its encoding. Raises UninspectableError.

    Tryton says `gzip` of every larger RPC answer, packed or not: what does not begin like a packed body is JSON or is refused as none.
    """
    encoding = (response.header("content-encoding") or "identity").lower()
    if encoding == "identity" or (encoding == "gzip" and not response.body.startswith(b"\x1f\x8b")):
        return response.body
    if encoding != "gzip":
        raise UninspectableError("content encoding")
    unpack = zlib.decompressobj(wbits=31)
    try:
        body = unpack.decompress(response.body, _UNPACKED_LIMIT_BYTES)
    except zlib.error as error:
        raise UninspectableError("content encoding") from error
    if not unpack.eof or unpack.unused_data:
        raise UninspectableError("content encoding")
    return body
