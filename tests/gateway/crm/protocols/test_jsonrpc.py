"""Tryton's JSON-RPC."""

import pytest

from gateway.crm.profile import UninspectableError, UnreadableError
from gateway.crm.protocols.jsonrpc import RpcAnswer, RpcCall, failed, is_json, read_answer, read_call


def test_a_call_is_read_and_written_in_one_way() -> None:
    call = read_call("application/json", b'{ "params": [1, "\\u00e4"], "id": "x", "method": "model.a.read" }')
    assert call == RpcCall("x", "model.a.read", [1, "ä"])
    assert call.body() == '{"id":"x","method":"model.a.read","params":[1,"ä"]}'.encode()


def test_a_number_beyond_64_bits_is_not_sent() -> None:
    call = read_call("application/json", b'{"id":1,"method":"model.a.read","params":[18446744073709551616]}')
    with pytest.raises(UnreadableError):
        call.body()


@pytest.mark.parametrize(
    "value", ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"']
)
def test_json_in_utf_8_is_json(value: str) -> None:
    assert is_json(value)


@pytest.mark.parametrize(
    "value", [None, "", "text/json", "application/json; charset=latin-1", "application/json-patch+json", "application/json;"]
)
def test_nothing_else_is_json(value: str | None) -> None:
    assert not is_json(value)


@pytest.mark.parametrize("method", ["", "a", "Model.a.read", "model.a.read ", "model/a", "a" * 300, "model.a\n.read"])
def test_a_method_has_a_plain_name(method: str) -> None:
    with pytest.raises(UnreadableError):
        read_call("application/json", RpcCall(1, method, []).body())


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        (b'{"id":1,"result":[]}', False),
        (b'{"id":"a-b","result":null}', False),
        (b'{"id":1,"error":["x",""]}', True),
        (b'{"id": 1, "result": []}', True),
        (b'{"result":[],"id":1}', True),
        (b"<html>", True),
        (b"", True),
    ],
)
def test_only_what_is_plainly_a_result_passes_unparsed(body: bytes, is_error: bool) -> None:
    assert failed(body) is is_error


def test_an_answer_is_a_result_or_an_error() -> None:
    assert read_answer(b'{"id":1,"result":[2]}') == RpcAnswer(1, result=[2])
    assert read_answer(b'{"error":["UserError",["a","b",null]],"id":1}') == RpcAnswer(1, error=["UserError", ["a", "b", None]])
    assert RpcAnswer(1, error=["x"]).body() == b'{"id":1,"error":["x"]}'
    assert RpcAnswer(1).body() == b'{"id":1,"result":null}'


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"id":1}', b'{"id":1,"result":1,"error":[]}', b'{"id":1,"error":"x"}', b'{"id":1,"result":NaN}', b'"\xff"']
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(UninspectableError):
        read_answer(body)
