"""X3: whose call it is. Only the secret of a credential is looked at, and one credential at a time."""

import base64

import pytest

from gateway.crm.profile import Credential, UnreadableError
from gateway.exchange import Headers, Request
from tests.services.tryton_calls import COOKIE, JSON, KEY, TOKEN, TRYTON, request

READ = b'{"id":1,"method":"model.party.party.read","params":[[1],["name"],{}]}'


def post(*headers: tuple[str, str]) -> Request:
    return request("POST", "/crm/rpc/", JSON, *headers, body=READ)


def session(words: str) -> tuple[str, str]:
    return ("authorization", "Session " + base64.b64encode(words.encode()).decode())


@pytest.mark.parametrize("name", ["anna", "oskar", "owner:1", "a:b:c", "анна".encode().decode("latin-1"), ""])
def test_the_name_and_number_in_a_cookie_are_nobody(name: str) -> None:
    call = TRYTON.read(post(("cookie", f"tryton_session={name}:999:{TOKEN}")))
    assert call.credential == Credential("session", TOKEN)
    assert call.upstream.header("cookie") == f"tryton_session={name}:999:{TOKEN}"


@pytest.mark.parametrize("name", ["anna", "oskar", "owner:1"])
def test_the_name_and_number_in_a_session_header_are_nobody(name: str) -> None:
    assert TRYTON.read(post(session(f"{name}:1:{TOKEN}"))).credential == Credential("token", TOKEN)


@pytest.mark.parametrize(
    "headers",
    [
        (COOKIE, session(f"anna:2:{TOKEN}")),
        (COOKIE, KEY),
        (("cookie", f"tryton_session=anna:2:{TOKEN}; tryton_session=oskar:1:{TOKEN}"),),
        (COOKIE, ("cookie", f"tryton_session=oskar:1:{TOKEN}")),
        (("cookie", f'tryton_session="anna:2:{TOKEN}"'),),
        (("cookie", f"Tryton_Session=anna:2:{TOKEN}"),),
        (("cookie", f"tryton_session =anna:2:{TOKEN}"),),
        (("cookie", "tryton_session"),),
        (("cookie", f"tryton_session={TOKEN}"),),
        (("cookie", f"tryton_session=anna:x:{TOKEN}"),),
        (("cookie", "tryton_session=anna:2:short"),),
        (("cookie", f"tryton_session=anna\\072:2:{TOKEN}"),),
        (session(TOKEN),),
        (session(f"anna:2:{TOKEN}:x y"),),
        (("authorization", f"Session {TOKEN}!"),),
        (("authorization", "Session"),),
        (("authorization", "Basic YW5uYTpzZWNyZXQ="),),
        (("authorization", f"Bearer {TOKEN}"),),
        (("authorization", f"Token {TOKEN}"),),
    ],
)
def test_two_credentials_or_a_strange_one_are_refused(headers: Headers) -> None:
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(post(*headers))
    assert TOKEN not in caught.value.what


def test_only_the_crm_s_own_cookie_goes_upstream() -> None:
    call = TRYTON.read(post(("cookie", f"torwart=x; other=y; tryton_session=anna:2:{TOKEN}; torwart_page=z")))
    assert [value for name, value in call.upstream.headers if name == "cookie"] == [COOKIE[1]]


def test_without_a_credential_there_is_none() -> None:
    assert TRYTON.read(post()).credential is None
    assert TRYTON.read(post(("cookie", "tryton_session="))).credential is None
    assert TRYTON.read(post(("cookie", "torwart=x"))).upstream.header("cookie") is None


def test_the_rest_interface_is_opened_by_a_key_alone() -> None:
    call = TRYTON.read(request("GET", "/crm/rest/model/party.party", KEY, query="f=name"))
    assert call.credential == Credential("api_key", KEY[1].removeprefix("Bearer "))
    assert call.upstream.header("authorization") == KEY[1]
    with_cookie = TRYTON.read(request("GET", "/crm/rest/model/party.party", COOKIE, query="f=name"))
    assert with_cookie.credential is None
    assert with_cookie.upstream.header("cookie") is None
    for strange in (session(f"anna:2:{TOKEN}"), ("authorization", "Basic eDp5"), ("authorization", "Bearer  two words")):
        with pytest.raises(UnreadableError):
            TRYTON.read(request("GET", "/crm/rest/model/party.party", strange, query="f=name"))
    with pytest.raises(UnreadableError):
        TRYTON.read(request("GET", "/crm/rest/model/party.party", KEY, COOKIE, query="f=name"))


def test_a_sign_in_carries_no_older_session_upstream() -> None:
    body = b'{"method":"common.db.login","params":["anna",{"device_cookie":null,"password":"x"},"de"],"id":0}'
    for path in ("/crm/session/login", "/crm/rpc/"):
        call = TRYTON.read(request("POST", path, JSON, COOKIE, body=body))
        assert (call.credential, call.account, call.upstream.header("cookie")) == (None, "anna", None)
