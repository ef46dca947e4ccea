"""X4: twins of a call. What has a second reading, or another name for the same thing, does not get past the profile."""

import json

import pytest

from gateway.crm.profile import UnreadableError
from gateway.exchange import Request, Response
from policies.decision import Obligations
from policies.request import Action
from tests.services.tryton_calls import COOKIE, JSON, KEY, TRYTON, base64url, csv, hide, request, rest, rpc, sent

READ = b'{"id":1,"method":"model.party.party.read","params":[[1],["name"],{}]}'


def post(body: bytes, content_type: str | None = "application/json", path: str = "/crm/rpc/") -> Request:
    headers = (COOKIE,) if content_type is None else (COOKIE, ("content-type", content_type))
    return request("POST", path, *headers, body=body)


def refused(one: Request) -> str:
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(one)
    return caught.value.what


def test_the_plain_call_is_read() -> None:
    assert TRYTON.read(post(READ)).route == "rpc model.party.party.read"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; a=json",
        "application/x-json",
        "text/x-json-foo",
        "application/json; charset=utf-16",
        "application/json, text/xml",
        "application/json; charset=utf-8; x=xml",
        "text/xml",
        "application/xml",
    ],
)
def test_only_json_in_utf_8_is_a_call(content_type: str | None) -> None:
    assert refused(post(READ, content_type)) == "content type of a call"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"method":"model.party.party.read","params":[[1],["name"],{}],"extra":1}',
        b'{"method":"model.party.party.read","params":[[1],["name"],{}]}',
        b'{"id":1,"method":"common.db.login","method":"model.party.party.read","params":[[1],["name"],{}]}',
        b'{"id":1,"method":"a.b.c","\\u006dethod":"model.party.party.read","params":[[1],["name"],{}]}',
        b'{"id":1,"method":"model.party.party.read","params":[[1],["name"],{"a":1,"a":2}]}',
        b'{"id":1,"method":"model.party.party.search","params":[[{"x":{"y":1,"y":2}}],{}]}',
        b'{"id":1,"method":"model.party.party.read","params":{"0":[1]}}',
        b'{"id":1,"method":"model.party.party.read","params":null}',
        b'{"id":true,"method":"model.party.party.read","params":[[1],["name"],{}]}',
        b'{"id":1.5,"method":"model.party.party.read","params":[[1],["name"],{}]}',
        b'{"id":1,"method":["model.party.party.read"],"params":[[1],["name"],{}]}',
        b'[{"id":1,"method":"model.party.party.read","params":[[1],["name"],{}]}]',
        b'"{}"',
        b"",
        b"\xef\xbb\xbf" + READ,
        READ.decode().encode("utf-16"),
        READ.replace(b"name", b"n\xe4me"),
        READ.replace(b'"name"', b'"\\ud800"'),
        READ.replace(b"[1]", b"[1e400]"),
        READ.replace(b"[1]", b"[NaN]"),
        READ.replace(b"{}", b'{"a":' + b"[" * 80 + b"]" * 80 + b"}"),
        READ.replace(b"{}", b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        READ + READ,
        READ + b"/* */",
        b"callback(" + READ + b")",
        b'<?xml version="1.0"?><methodCall><methodName>model.party.party.read</methodName></methodCall>',
    ],
)
def test_a_body_with_a_second_reading_is_refused(body: bytes) -> None:
    refused(post(body))


@pytest.mark.parametrize(
    "path",
    [
        "/crm/rpc",
        "/crm/rpc//",
        "//crm/rpc/",
        "/CRM/rpc/",
        "/crm/RPC/",
        "/other/rpc/",
        "/crm/./rpc/",
        "/crm/rpc/x",
        "/rpc/crm/",
        "/crm/xmlrpc/",
    ],
)
def test_another_spelling_of_the_address_is_unknown(path: str) -> None:
    refused(post(READ, path=path))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE"])
def test_another_method_on_the_address_is_unknown(method: str) -> None:
    refused(request(method, "/crm/rpc/", COOKIE, JSON, body=READ))


def test_the_address_takes_no_parameters() -> None:
    refused(request("POST", "/crm/rpc/", COOKIE, JSON, body=READ, query="method=x"))


def test_what_is_sent_is_written_anew() -> None:
    spaced = b' { "params" : [ [1] , ["n\\u0061me"] , {"language":"de"} ] , "method" : "model.party.party.read" , "id" : 1 } '
    call = TRYTON.read(post(spaced, "application/json; charset=UTF-8"))
    assert call.upstream.body == b'{"id":1,"method":"model.party.party.read","params":[[1],["name"],{"language":"de"}]}'
    assert call.upstream.header("content-type") == "application/json"
    assert call.upstream.header("accept") == "application/json"


def test_no_header_of_the_caller_chooses_the_shape_of_the_answer() -> None:
    given = (
        COOKIE,
        JSON,
        ("accept", "text/xml"),
        ("x-tryton-context", "e30"),
        ("x-tryton-usage", "all"),
        ("origin", "http://crm.localhost"),
    )
    call = TRYTON.read(request("POST", "/crm/rpc/", *given, body=READ))
    assert {name for name, _ in call.upstream.headers} == {"x-requested-with", "content-type", "accept", "cookie"}


def test_private_members_of_the_context_are_not_sent() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name"], _datetime="2020-01-01", _check_access=False, _user=1, related_party=5))
    assert sent(call)[-1] == {"language": "en"}


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("d=[]&d=[[%22name%22,%22=%22,%22x%22]]&f=name", "repeated parameter"),
        ("f=name&enc=utf-8&enc=utf-7", "repeated parameter"),
        ("f=name&s=1&s=1000", "repeated parameter"),
        ("f=name&dl=1&qc=7", "separator of a table"),
        ("f=name&qc='", "separator of a table"),
        ("f=name&dl=;;", "separator of a table"),
        ("f=name&x=1", "parameter that is not known"),
        ("f=name&h=2", "switch of a table"),
        ("f=name&s=1e3", "number of a parameter"),
        ("f=name&s=-1", "number of a parameter"),
        ("f=name&d=[1,%22x%22]", "ids"),
        ("f=name&d=[1.5]", "ids"),
        ("f=name&d={}", "filter"),
        ("f=name&d=[", "JSON"),
        ("f=name&c=[]", "context of a call"),
        ("d=[]", "export without a field"),
        ("f=name&l=../x", "language of a table"),
    ],
)
def test_a_csv_address_with_a_second_reading_is_refused(query: str, what: str) -> None:
    assert refused(csv(query)) == what


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "utf-16", "utf-8"])
def test_the_gateway_sets_encoding_separator_and_quotes_of_a_table(encoding: str) -> None:
    call = TRYTON.read(csv(f"f=name&d=[]&enc={encoding}&dl=;&loc=1"))
    given = dict(call.upstream.query)
    assert (given["enc"], given["dl"], given["qc"], given["h"], given["loc"]) == ("utf-8", ";", '"', "1", "1")
    assert call.upstream.values("f") == ("id", "name")
    assert call.action is Action.EXPORT


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_a_table_is_only_fetched(method: str) -> None:
    refused(request(method, "/crm/data/party.party", COOKIE, query="f=name"))


@pytest.mark.parametrize("model", ["res.user", "ir.note", "res.user.application", "party.party/", "sale.sale"])
def test_a_table_of_other_records_is_unknown(model: str) -> None:
    refused(csv("f=name", model))


@pytest.mark.parametrize(
    "one",
    [
        rest("POST", "model/party.party/713/export_data", body={"fields_names": ["phone"]}),
        rest("POST", "model/party.party/search_read", body={"domain": []}),
        rest("POST", "model/party.contact_mechanism/1425/on_change_with_url", body={}),
        rest("GET", "report/party.label/713"),
        rest("GET", "model/res.user"),
        rest("GET", "model/party.party/0713"),
        rest("GET", "model/party.party/", "f=name"),
        rest("PATCH", "model/party.party/713", body={}),
        rest("HEAD", "model/party.party"),
        rest("DELETE", "model/party.party"),
        rest("DELETE", "model/party.contact_mechanism/1"),
        rest("PUT", "model/party.party", body={}),
        rest("POST", "model/party.party/713", body={}),
        rest("GET", "model/party.party", "f=name&d=W10&d=W10"),
        rest("GET", "model/party.party", "f=name&d=%7B"),
        rest("GET", "model/party.party", "f=name&s=2", None, ("range", "records=0-2")),
        rest("GET", "model/party.party", "f=name", None, ("range", "bytes=0-2")),
        rest("GET", "model/party.party", "f=name", None, ("range", "records=0-2,5-9")),
        rest("GET", "model/party.party/713", "d=W10"),
    ],
)
def test_a_rest_call_that_is_none_of_five_is_unknown(one: Request) -> None:
    refused(one)


def test_a_rest_filter_is_read_and_written_anew() -> None:
    call = TRYTON.read(rest("GET", "model/party.party", f"f=name&d={base64url([['rec_name', 'ilike', '%A%']])}"))
    assert call.upstream.query[0] == ("f", "name")
    assert base64url(["OR"])[:3] in dict(call.upstream.query)["d"]


def test_a_write_that_reads_is_judged_as_what_it_reads() -> None:
    call = TRYTON.read(rest("PUT", "model/party.party/713", "f=phone", {"name": "A"}))
    assert call.action is Action.UPDATE
    assert call.held_before
    read = [TRYTON.answer(call, answer_of({"id": 713, "__name__": "party.party", "phone": "+49 30 1"})) for _ in range(2)]
    assert (read[0].ids, read[0].contact_ids, read[0].fields) == (("713",), {"713"}, {"phone"})
    assert json.loads(read[0].release(hide(713)).response.body)["phone"] == "•••"
    assert read[1].release(Obligations()).shown == {"713"}


def test_basic_is_no_sign_in_on_any_road() -> None:
    basic = ("authorization", "Basic YW5uYTpzZWNyZXQ=")
    refused(request("POST", "/crm/rpc/", basic, JSON, body=READ))
    refused(request("GET", "/crm/data/party.party", basic, query="f=name"))
    refused(request("GET", "/crm/rest/model/party.party", basic, query="f=name"))


def test_a_key_opens_only_the_rest_interface() -> None:
    refused(request("POST", "/crm/rpc/", KEY, JSON, body=READ))
    refused(request("GET", "/crm/data/party.party", KEY, query="f=name"))


@pytest.mark.parametrize(
    "path",
    ["/crm/ir/html/party.party/1/name", "/avatar/Y3Jt/1234.png", "/crm/data.js", "/crm/dist/x.js", "/../x.js", "/.env", "/x.py", "/dist/"],
)
def test_every_other_address_is_unknown(path: str) -> None:
    refused(request("GET", path, COOKIE))


def answer_of(value: object) -> Response:
    return Response(200, (JSON,), json.dumps(value).encode())
