"""Client data is read strictly, whatever a browser or an attacker puts into it."""

import json
from typing import Any

import pytest

from auth.client_data import CeremonyFault, check_client_data, credential_of, decode, encode, read_client_data

ORIGIN = "http://torwart.localhost:8401"
CHALLENGE = b"c" * 32


def _data(**members: Any) -> bytes:
    honest = {"type": "webauthn.get", "challenge": encode(CHALLENGE), "origin": ORIGIN, "crossOrigin": False}
    return json.dumps({**honest, **members}).encode()


def _check(raw: bytes) -> None:
    check_client_data(read_client_data(raw), kind="webauthn.get", challenge=CHALLENGE, origin=ORIGIN)


def _cause(raw: bytes) -> str:
    with pytest.raises(CeremonyFault) as fault:
        _check(raw)
    return fault.value.cause


def test_honest_client_data_passes_with_members_that_nobody_knows() -> None:
    _check(_data())
    _check(_data(other_keys_can_be_added_here="do not compare clientDataJSON against a template", extra={"a": [1, {}]}))
    _check(json.dumps({"type": "webauthn.get", "challenge": encode(CHALLENGE), "origin": ORIGIN}).encode())


@pytest.mark.parametrize(
    "origin",
    [
        "http://sub.torwart.localhost:8401",
        "http://torwart.localhost:8400",
        "http://torwart.localhost",
        "https://torwart.localhost:8401",
        "http://torwart.localhost:8401/",
        "http://torwart.localhost.:8401",
        "http://torwart.localhost:8401.evil.example",
        "http://eviltorwart.localhost:8401",
        "http://crm.localhost:8400",
        "http://xn--trwart-yxa.localhost:8401",
        "HTTP://torwart.localhost:8401",
        " http://torwart.localhost:8401",
        "null",
        "android:apk-key-hash:NNkY2xX3YgAcPhlH3VjYmcIFZ8yW0p5uHpE5aB2mYmI",
        "",
        None,
        1,
        [ORIGIN],
    ],
)
def test_any_origin_but_the_one_is_refused(origin: object) -> None:
    assert _cause(_data(origin=origin)) == "origin"


@pytest.mark.parametrize(
    "members", [{"crossOrigin": True}, {"crossOrigin": "false"}, {"crossOrigin": None}, {"topOrigin": ORIGIN}, {"topOrigin": None}]
)
def test_an_embedded_page_is_refused(members: dict[str, Any]) -> None:
    assert _cause(_data(**members)) == "embedded"


@pytest.mark.parametrize("kind", ["webauthn.create", "payment.get", "", None, "webauthn.get "])
def test_another_type_is_refused(kind: object) -> None:
    assert _cause(_data(type=kind)) == "type"


@pytest.mark.parametrize("binding", ["unused", None, [], {"status": "present", "id": "x"}, {"status": "junk"}, {}])
def test_a_token_binding_that_cannot_be_checked_is_refused(binding: object) -> None:
    assert _cause(_data(tokenBinding=binding)) == "token_binding"


def test_a_token_binding_that_says_there_is_none_passes() -> None:
    _check(_data(tokenBinding={"status": "supported"}))
    _check(_data(tokenBinding={"status": "not-supported"}))


def test_another_challenge_is_refused() -> None:
    assert _cause(_data(challenge=encode(b"d" * 32))) == "challenge"
    assert _cause(_data(challenge=encode(CHALLENGE[:31]))) == "challenge"
    assert _cause(_data(challenge="")) == "challenge"


@pytest.mark.parametrize("challenge", [None, 5, "*", encode(CHALLENGE) + "=", "ü", "A" * 5000])
def test_a_challenge_that_is_no_base64url_is_refused(challenge: object) -> None:
    assert _cause(_data(challenge=challenge)) == "malformed"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf" + _data(),
        _data()[:-1] + b',"type":"webauthn.get"}',
        _data()[:-1] + b',"x":{"a":1,"a":2}}',
        _data()[:-1] + b',"x":NaN}',
        b'{"type":"webauthn.get\xff"}',
        b"[" * 4000 + b"]" * 4000,
        _data(padding="x" * 9000),
        _data() + b"{}",
    ],
)
def test_what_is_not_one_unambiguous_object_is_refused(raw: bytes) -> None:
    assert _cause(raw) == "malformed"


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q+8", "Q/8", "QQ\n", " QQ", "QÄ", None, 7, b"QQ", "A" * 400_000])
def test_bytes_have_one_spelling(text: object) -> None:
    with pytest.raises(CeremonyFault):
        decode(text)


@pytest.mark.parametrize("size", range(8))
def test_bytes_survive_their_spelling(size: int) -> None:
    data = bytes(range(250, 250 + min(size, 6))) + b"\0" * max(0, size - 6)
    assert decode(encode(data)) == data


@pytest.mark.parametrize(
    "response",
    [
        None,
        [],
        {},
        {"type": "public-key"},
        {"type": "public-key", "id": "QQ", "rawId": "QQ", "response": []},
        {"type": "public-key", "id": "QQ", "rawId": "QUE", "response": {}},
        {"type": "password", "id": "QQ", "rawId": "QQ", "response": {}},
        {"type": "public-key", "id": 5, "rawId": "QQ", "response": {}},
    ],
)
def test_an_answer_of_another_shape_is_refused(response: object) -> None:
    with pytest.raises(CeremonyFault):
        credential_of(response)
