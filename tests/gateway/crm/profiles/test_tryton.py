"""Roads, shapes of refusals, and answers without clients."""

import gzip
import json
from typing import Any

import pytest

from gateway.crm.profile import CallKind, Client, Refusal, UninspectableError, UnreadableError
from gateway.crm.profiles.tryton import profile
from gateway.crm.profiles.tryton_reading import IDS_MAX
from gateway.exchange import Headers, Request, Response
from policies import reasons
from policies.attributes import RECORD
from policies.decision import Obligations
from policies.reasons import Because
from policies.request import Action
from tests.services.tryton_calls import BROWSER, COOKIE, JSON, TOKEN, TRYTON, answer, csv, error, hide, request, result, rpc, sent

REFUSAL = Refusal(403, Because(reasons.EXPORT_NOT_NOW), "act-1", "de", "http://torwart.localhost:8401/why/act-1", "Angehalten")
NAVIGATION: Headers = (("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"))
VALUE = "kunde00102@firma5.example"


# files and facts


@pytest.mark.parametrize("path", ["/", "/index.html", "/dist/tryton-sao.js", "/node_modules/billboard.js/dist/billboard.css", "/custom.js"])
def test_the_web_client_s_files_are_public(path: str) -> None:
    call = TRYTON.read(request("GET", path, COOKIE))
    assert call.kind is CallKind.PUBLIC
    assert call.upstream.header("cookie") is None
    assert TRYTON.is_shell(call.upstream) is (path in ("/", "/index.html"))


def test_the_shell_page_is_not_kept_anywhere() -> None:
    call = TRYTON.read(request("GET", "/"))
    given = (("content-type", "text/html"), ("cache-control", "public, max-age=43200"), ("etag", '"x"'), ("last-modified", "x"))
    scrubbed = TRYTON.scrub(call, Response(200, given, b"<html>"))
    assert scrubbed.headers == (("content-type", "text/html"), ("cache-control", "no-store"))
    script = TRYTON.read(request("GET", "/dist/tryton-sao.js"))
    assert TRYTON.scrub(script, Response(200, given, b"x")).headers == given


@pytest.mark.parametrize(
    "path", ["/other/data/party.party.js", "/CRM/x.css", "/crm2/rest/x.json", "/avatar/Y3Jt/x.png", "/rpc/x.js", "/distx/a.js"]
)
def test_a_path_that_may_be_another_database_is_no_file(path: str) -> None:
    with pytest.raises(UnreadableError):
        TRYTON.read(request("GET", path))


@pytest.mark.parametrize("method", ["common.server.version", "common.db.list", "common.authentication.services"])
def test_three_facts_are_public(method: str) -> None:
    call = TRYTON.read(request("POST", "/rpc/", JSON, body=json.dumps({"id": 0, "method": method, "params": []}).encode()))
    assert call.kind is CallKind.PUBLIC
    assert json.loads(TRYTON.scrub(call, result("8.0", number=0)).body) == {"id": 0, "result": "8.0"}


@pytest.mark.parametrize("method", ["model.party.party.read", "common.db.login", "system.listMethods", "common.db.reset_password"])
def test_nothing_else_is_public(method: str) -> None:
    for path in ("/rpc/", "/crm/rpc/"):
        if (path, method) == ("/crm/rpc/", "model.party.party.read"):
            continue
        with pytest.raises(UnreadableError):
            TRYTON.read(request("POST", path, JSON, body=json.dumps({"id": 0, "method": method, "params": []}).encode()))


@pytest.mark.parametrize("ids", [[1 << 31], list(range(1, IDS_MAX + 2))], ids=["none of Tryton's", "too many"])
def test_ids_that_no_screen_names_are_refused(ids: list[int]) -> None:
    """Each would stand in the event of the act: a single call must not fill the record."""
    body = {"id": 0, "method": "model.party.party.read", "params": [ids, ["name"], {}]}
    with pytest.raises(UnreadableError, match="ids"):
        TRYTON.read(request("POST", "/crm/rpc/", JSON, body=json.dumps(body).encode()))


# signing in and out


def test_a_sign_in_names_the_account_and_gives_the_secret() -> None:
    body = b'{"method":"common.db.login","params":["anna",{"password":"x"},"de"],"id":0}'
    by_browser = TRYTON.read(request("POST", "/crm/session/login", JSON, body=body))
    set_cookie = ("set-cookie", f"tryton_session=anna:2:{TOKEN}; Secure; HttpOnly; Path=/crm; SameSite=Strict; Max-Age=2592000")
    said = Response(200, (JSON, set_cookie), b'{"id":0,"result":[2,null]}')
    issued = TRYTON.credential_issued(by_browser, said)
    assert issued is not None
    assert (issued[0].kind, issued[0].secret, issued[1]) == ("session", TOKEN, "anna")
    assert set_cookie in TRYTON.scrub(by_browser, said).headers
    by_script = TRYTON.read(request("POST", "/crm/rpc/", JSON, body=body))
    issued = TRYTON.credential_issued(by_script, result([2, TOKEN, None], number=0))
    assert issued is not None
    assert (issued[0].kind, issued[0].secret) == ("token", TOKEN)


def test_a_refused_sign_in_gives_nothing_and_keeps_its_question() -> None:
    call = TRYTON.read(request("POST", "/crm/session/login", JSON, body=b'{"method":"common.db.login","params":["anna",{},"de"],"id":0}'))
    asks = error("LoginException", ["password", "Password for anna", "password"], number=0)
    assert TRYTON.credential_issued(call, asks) is None
    assert TRYTON.asks_on(call, asks)
    assert json.loads(TRYTON.scrub(call, asks).body) == json.loads(asks.body)
    wrong = Response(401, (("www-authenticate", 'Basic realm="Tryton"'),), b"<html>")
    assert TRYTON.credential_issued(call, wrong) is None
    assert not TRYTON.asks_on(call, wrong)
    assert (TRYTON.scrub(call, wrong).status, TRYTON.scrub(call, wrong).header("www-authenticate")) == (401, None)


def test_the_address_of_the_message_bus_is_left_out_of_a_sign_in() -> None:
    call = TRYTON.read(request("POST", "/crm/rpc/", JSON, body=b'{"method":"common.db.login","params":["anna",{},"de"],"id":0}'))
    said = TRYTON.scrub(call, result([2, TOKEN, "http://127.0.0.1:8000/"], number=0))
    assert json.loads(said.body)["result"] == [2, TOKEN, None]


@pytest.mark.parametrize(
    "params", [["anna"], ["anna", {}, "de", 1], [1, {}], ["anna", []], ["", {}], ["an\nna", {}], ["anna", {"x": 1}], ["anna", {}, 1]]
)
def test_a_strange_sign_in_is_refused(params: list[Any]) -> None:
    body = json.dumps({"id": 0, "method": "common.db.login", "params": params}).encode()
    with pytest.raises(UnreadableError):
        TRYTON.read(request("POST", "/crm/session/login", JSON, body=body))


def test_a_sign_out_is_read_on_both_roads() -> None:
    by_browser = TRYTON.read(request("POST", "/crm/session/logout", JSON, COOKIE, body=b"{}"))
    by_script = TRYTON.read(request("POST", "/crm/rpc/", JSON, COOKIE, body=b'{"id":1,"method":"common.db.logout","params":[]}'))
    assert [call.kind for call in (by_browser, by_script)] == [CallKind.LOGOUT] * 2
    assert all(call.credential is not None and call.credential.secret == TOKEN for call in (by_browser, by_script))
    with pytest.raises(UnreadableError):
        TRYTON.read(request("POST", "/crm/session/logout", JSON, COOKIE, body=b'{"x":1}'))


# what the CRM itself would send out, and its credentials


@pytest.mark.parametrize("method", ["model.ir.email.send", "model.ir.chat.channel.subscribe_email", "model.ir.chat.channel.post"])
def test_what_the_crm_sends_out_is_sharing(method: str) -> None:
    call = TRYTON.read(rpc(method, "x"))
    assert (call.kind, call.action, call.held_before) == (CallKind.DATA, Action.SHARE, True)


@pytest.mark.parametrize("verb", ["validate_", "cancel", "create", "search", "read", "search_read"])
def test_every_road_to_a_rest_key_grants_access(verb: str) -> None:
    assert TRYTON.read(rpc(f"model.res.user.application.{verb}", [1], ["key"])).action is Action.GRANT_ACCESS


def test_a_key_s_text_does_not_leave_by_a_read() -> None:
    call = TRYTON.read(rpc("model.res.user.application.search_read", [], 0, 1, None, ["key"]))
    with pytest.raises(UninspectableError):
        answer(call, [{"id": 1, "key": TOKEN}])


def test_keys_in_the_preferences_grant_access_and_other_preferences_do_not() -> None:
    assert TRYTON.read(rpc("model.res.user.set_preferences", {"applications": [["create", [{}]]]})).action is Action.GRANT_ACCESS
    assert TRYTON.read(rpc("model.res.user.set_preferences", {"language": "de"})).kind is CallKind.SYSTEM


def test_a_new_rest_key_takes_a_sign_in_and_a_decision() -> None:
    body = b'{"user":"oskar","application":"rest"}'
    call = TRYTON.read(request("POST", "/crm/user/application/", JSON, COOKIE, body=body))
    assert (call.kind, call.action, call.account) == (CallKind.DATA, Action.GRANT_ACCESS, "oskar")
    assert call.credential is not None
    issued = TRYTON.credential_issued(call, Response(200, (JSON,), json.dumps(TOKEN).encode()))
    assert issued is not None
    assert (issued[0].kind, issued[0].secret, issued[1]) == ("api_key", TOKEN, "oskar")
    assert TRYTON.read(request("POST", "/crm/user/application/", JSON, body=body)).credential is None
    for strange in (b'{"user":"a","application":"rest","state":"validated"}', b'{"user":1,"application":"rest"}', b"[]"):
        with pytest.raises(UnreadableError):
            TRYTON.read(request("POST", "/crm/user/application/", JSON, COOKIE, body=strange))


# furniture


def test_a_method_that_is_not_known_is_named_for_the_reviewer_unless_it_is_no_name() -> None:
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(rpc("model.party.party.erase_all"))
    assert (caught.value.what, caught.value.unknown) == ("method model.party.party.erase_all", True)
    with pytest.raises(UnreadableError) as caught:
        TRYTON.read(rpc("model.Anna-Becker.read"))
    assert "Anna" not in caught.value.what


@pytest.mark.parametrize("form", ["fields_get", "fields_view_get", "view_toolbar_get", "default_get", "pre_validate", "on_change"])
def test_descriptions_and_forms_carry_no_client(form: str) -> None:
    args = [["name"]] if form == "default_get" else [{"name": "A"}] if form in ("pre_validate", "on_change") else []
    assert TRYTON.read(rpc(f"model.party.party.{form}", *args)).kind is CallKind.SYSTEM


def test_a_form_s_defaults_are_not_taken_from_another_client() -> None:
    call = TRYTON.read(rpc("model.party.address.default_get", ["party", "country"], {"related_party": 713}, related_party=713))
    assert "related_party" not in sent(call)[-1]
    said = TRYTON.scrub(call, result({"party": 713, "party.": {"rec_name": "Albrecht"}, "country": 1}))
    assert json.loads(said.body)["result"] == {"country": 1}


def test_furniture_keeps_the_web_client_s_own_cache_and_nothing_else() -> None:
    call = TRYTON.read(rpc("model.party.party.fields_get"))
    given = (JSON, ("x-tryton-cache", "86400"), ("etag", "x"), ("server", "Werkzeug"), ("access-control-allow-origin", "*"))
    assert TRYTON.scrub(call, Response(200, given, result({}).body)).headers == (
        JSON,
        ("x-tryton-cache", "86400"),
        ("cache-control", "no-store"),
    )


# errors


@pytest.mark.parametrize(
    "said",
    [
        ["UserError", [f"The e-mail {VALUE} exists", VALUE, [[["email", "=", VALUE]], {}]]],
        ["UserWarning", [VALUE, f"{VALUE} is similar", VALUE]],
        ["UserWarning", "x"],
        ["ConcurrencyException", VALUE],
        [f"'{VALUE}'", "Traceback"],
        [f"UNIQUE constraint failed: {VALUE}", ""],
        [{"a": VALUE}],
        [],
    ],
)
def test_an_error_does_not_repeat_a_value(said: list[Any]) -> None:
    for one in (
        rpc("model.party.party.create", [{"name": "A"}]),
        rpc("model.party.party.read", [1], ["name"]),
        rpc("model.ir.lang.read", [1], []),
    ):
        call = TRYTON.read(one)
        response = error(*said)
        out = TRYTON.answer(call, response).release(Obligations()).response if call.kind is CallKind.DATA else TRYTON.scrub(call, response)
        assert VALUE not in out.body.decode()
        body = json.loads(out.body)
        assert (out.status, body["id"], body.keys()) == (200, 7, {"id", "error"})


def test_an_error_keeps_its_kind_and_speaks_the_caller_s_language() -> None:
    german = TRYTON.read(rpc("model.party.party.delete", [1], language="de"))
    out = json.loads(TRYTON.answer(german, error("UserError", ["x", "y", None])).release(Obligations()).response.body)
    assert out["error"] == ["UserError", ["Das CRM hat die Eingabe abgelehnt.", "Bitte prüfen Sie die Felder.", None]]
    asks = TRYTON.answer(german, error("UserWarning", ["party.party,1.similar", "x", "y"])).release(Obligations())
    assert json.loads(asks.response.body)["error"][1][0] == "party.party,1.similar"


@pytest.mark.parametrize(
    ("status", "told"), [(400, 400), (401, 401), (403, 400), (404, 404), (422, 400), (500, 502), (503, 502), (302, 502)]
)
def test_an_error_page_of_the_crm_goes_out_in_our_words(status: int, told: int) -> None:
    page = Response(status, (("content-type", "text/html"), ("www-authenticate", "Basic"), ("location", "/x")), VALUE.encode())
    for one in (rpc("model.party.party.read", [1], ["name"]), csv("f=name")):
        out = TRYTON.answer(TRYTON.read(one), page).release(Obligations()).response
        assert (out.status, out.header("content-type")) == (told, "application/problem+json")
        assert VALUE not in out.body.decode()
        assert out.header("www-authenticate") is None
    assert TRYTON.scrub(TRYTON.read(rpc("model.ir.lang.read", [1], [])), page).status == told


# answers


def test_an_answer_to_another_call_or_a_packed_lie_does_not_go_out() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name"]))
    body = result([{"id": 1, "name": "A"}]).body
    for response in (
        result([], number=8),
        Response(200, (JSON, ("content-encoding", "br")), body),
        Response(200, (JSON, ("content-encoding", "gzip")), b"\x1f\x8b broken"),
        Response(200, (JSON, ("content-encoding", "gzip")), gzip.compress(body)[:-4]),
        Response(200, (JSON, ("content-encoding", "gzip, gzip")), gzip.compress(body)),
        Response(200, (JSON,), b"<html>"),
        Response(200, (JSON,), b'{"id":7,"result":[],"more":1}'),
        Response(200, (JSON,), b'{"id":7,"result":[NaN]}'),
        Response(200, (JSON,), b""),
        Response(204, (), b""),
    ):
        with pytest.raises(UninspectableError):
            TRYTON.answer(call, response)


def test_a_packed_answer_and_tryton_s_false_mark_are_read() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name"]))
    body = result([{"id": 1, "name": "A"}]).body
    for packed in (gzip.compress(body), body):
        read = TRYTON.answer(call, Response(200, (JSON, ("content-encoding", "gzip")), packed))
        assert read.ids == ("1",)
        out = read.release(Obligations()).response
        assert (out.headers, json.loads(out.body)) == ((JSON, ("cache-control", "no-store")), json.loads(body))


@pytest.mark.parametrize(
    "body", [b'{"id":7,"result":[{"id":1,"email":"x@y"}],"result":[]}', b'{"id":7,"result":[{"id":1,"name":"x@y","name":"A"}]}']
)
def test_of_a_member_that_came_twice_only_the_judged_one_goes_out(body: bytes) -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name", "email"]))
    out = TRYTON.answer(call, Response(200, (JSON,), body)).release(Obligations()).response
    assert b"x@y" not in out.body


def test_a_judged_answer_carries_no_validator_and_is_not_kept() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name"]))
    marks = (("etag", "x"), ("last-modified", "x"), ("x-tryton-cache", "300"), ("vary", "Origin"), ("set-cookie", "a=b"), ("age", "1"))
    out = TRYTON.answer(call, Response(200, (JSON, *marks), result([{"id": 1, "name": "A"}]).body)).release(Obligations()).response
    assert out.headers == (JSON, ("cache-control", "no-store"))


def test_a_field_that_is_not_known_is_not_asked_and_reads_as_empty() -> None:
    call = TRYTON.read(rpc("model.party.party.read", [1], ["name", "secret", "secret.rec_name", "contact_mechanisms.secret"]))
    assert sent(call)[1] == ["name", "contact_mechanisms.id"]
    out = answer(call, [{"id": 1, "name": "A", "contact_mechanisms.": [{"id": 2}]}]).release(Obligations())
    said = json.loads(out.response.body)["result"]
    assert said == [{"id": 1, "name": "A", "secret": None, "secret.": None, "contact_mechanisms.": [{"id": 2, "secret": None}]}]
    assert call.resource.fields == {"name"}


def test_a_column_that_is_not_known_is_empty() -> None:
    call = TRYTON.read(rpc("model.party.party.export_data", [1], ["secret", "name", "replaced_by/name"], True))
    assert sent(call)[1] == ["id", "name"]
    out = answer(call, [["ID", "Name"], [1, "A"]]).release(hide(1)).response
    assert json.loads(out.body)["result"] == [["secret", "Name", "replaced_by/name"], ["", "A", ""]]


def test_the_owner_field_is_asked_for_learned_and_taken_out() -> None:
    for field, record, row in (
        ("account_manager.login", {"account_manager.": {"id": 3, "login": "boris"}}, "account_manager/login"),
        ("owner_login", {"owner_login": "boris"}, "owner_login"),
    ):
        named = profile(database="crm", owner_field=field)
        call = named.read(rpc("model.party.party.read", [1], ["name"]))
        read = named.answer(call, result([{"id": 1, "name": "A"} | record]))
        assert read.owners == {"1": "boris"}
        assert json.loads(read.release(Obligations()).response.body)["result"] == [{"id": 1, "name": "A"}]
        assert read.fields == {"name"}
        call = named.read(rpc("model.party.party.export_data", [1], ["name"]))
        assert sent(call)[1] == ["id", row, "name"]
        rows = named.answer(call, result([[1, "boris", "A"]]))
        assert rows.owners == {"1": "boris"}
        assert json.loads(rows.release(Obligations()).response.body)["result"] == [["A"]]


@pytest.mark.parametrize(("database", "field"), [("../x", None), ("", None), ("crm", "a.b.c"), ("crm", "Owner"), ("crm", "x y")])
def test_strange_settings_are_refused(database: str, field: str | None) -> None:
    with pytest.raises(ValueError, match=r"crm\."):
        profile(database=database, owner_field=field)


def test_one_record_is_a_card_when_more_than_its_name_is_asked() -> None:
    assert TRYTON.read(rpc("model.party.party.read", [1], ["rec_name"])).action is Action.LIST
    assert TRYTON.read(rpc("model.party.party.read", [1], ["name", "code", "lang", "rec_name"])).action is Action.READ
    assert TRYTON.read(rpc("model.party.party.read", [1], ["phone"])).action is Action.READ
    assert TRYTON.read(rpc("model.party.party.read", [1, 2], ["phone"])).action is Action.LIST


def test_a_document_goes_as_a_whole_or_not_at_all() -> None:
    call = TRYTON.read(rpc("report.party.label.execute", [713, 5], {"model": "party.party", "ids": [713, 5], "id": 713}))
    said = ["odt", {"__class__": "bytes", "base64": "UEs="}, False, "Labels"]
    assert answer(call, said).release(Obligations()).shown == {"713", "5"}
    for duties in (hide(5), Obligations(keep=frozenset({"713"}))):
        with pytest.raises(UninspectableError):
            answer(call, said).release(duties)
    for data in ({"model": "res.user"}, {"ids": [1, 2]}, {"id": 9}):
        with pytest.raises(UnreadableError):
            TRYTON.read(rpc("report.party.label.execute", [713], data))


# who can wait


def test_what_the_web_client_asks_synchronously_and_a_tab_of_its_own_are_never_held_open() -> None:
    assert not TRYTON.read(rpc("model.party.party.read", [1], ["name", "phone"])).waits
    assert not TRYTON.read(csv("d=[]&f=name")).waits
    assert TRYTON.read(rpc("model.party.party.read", [1, 2], ["name"])).waits
    assert TRYTON.read(rpc("model.party.party.export_data", [1], ["name"])).waits


# refusals


def from_browser(one: Request) -> Request:
    return one.with_headers(add=BROWSER)


def test_a_refusal_in_the_web_client_is_a_window_with_our_words() -> None:
    one = from_browser(rpc("model.party.party.export_data", [1], ["name"], number=41))
    out = TRYTON.refuse(TRYTON.read(one), one, REFUSAL)
    body = json.loads(out.body)
    kind, (title, text, domain) = body["error"]
    headline, _, sentence = REFUSAL.because.for_employee("de").partition(": ")
    assert (out.status, body["id"], kind, title, domain) == (200, 41, "UserError", headline, None)
    assert text.startswith(sentence[:1].upper() + sentence[1:])
    assert "http://torwart.localhost:8401/why/act-1" in text
    assert "act-1" in text


def test_a_refusal_of_an_unreadable_call_still_repeats_its_number() -> None:
    one = from_browser(request("POST", "/crm/rpc/", JSON, body=b'{"id":5,"method":"x.y.z","params":[],"more":1}'))
    assert json.loads(TRYTON.refuse(None, one, REFUSAL).body)["id"] == 5
    broken = from_browser(request("POST", "/crm/rpc/", JSON, body=b"{"))
    assert json.loads(TRYTON.refuse(None, broken, REFUSAL).body)["id"] is None


def test_a_fault_on_a_call_is_never_a_503_to_the_web_client_and_a_dead_session_is_a_401() -> None:
    from dataclasses import replace

    one = from_browser(rpc("model.party.party.read", [1], ["name"]))
    assert TRYTON.refuse(None, one, replace(REFUSAL, status=503)).status == 200
    assert TRYTON.refuse(None, one, replace(REFUSAL, status=401)).status == 401


def test_a_refused_sign_in_does_not_send_the_web_client_in_circles() -> None:
    from dataclasses import replace

    body = b'{"method":"common.db.login","params":["nobody",{"device_cookie":null},"de"],"id":0}'
    one = from_browser(request("POST", "/crm/session/login", JSON, body=body))
    out = TRYTON.refuse(TRYTON.read(one), one, replace(REFUSAL, status=401))
    title, text = json.loads(out.body)["error"]
    assert (out.status, title) == (200, "Angehalten")
    assert text.startswith("Das ist für Sie nicht freigegeben.")


def test_a_script_gets_a_problem_document_with_the_real_status() -> None:
    one = rpc("model.party.party.export_data", [1], ["name"])
    from dataclasses import replace

    challenge = replace(REFUSAL, status=401, headers=(("www-authenticate", 'Bearer error="insufficient_user_authentication"'),))
    out = TRYTON.refuse(TRYTON.read(one), one, challenge)
    assert (out.status, out.header("content-type")) == (401, "application/problem+json")
    assert out.header("www-authenticate") == 'Bearer error="insufficient_user_authentication"'
    body = json.loads(out.body)
    assert body.keys() == {"type", "title", "status", "detail", "instance", "act", "link"}
    assert (body["status"], body["instance"], body["act"]) == (401, "/crm/rpc/", "act-1")


def test_a_navigation_gets_a_page_or_the_way_to_one() -> None:
    from dataclasses import replace

    one = csv("f=name").with_headers(add=NAVIGATION)
    call = TRYTON.read(one)
    assert call.client is Client.PAGE
    page = TRYTON.refuse(call, one, REFUSAL)
    assert (page.status, (page.header("content-type") or "").partition(";")[0]) == (403, "text/html")
    led = TRYTON.refuse(call, one, replace(REFUSAL, status=303, headers=(("location", "http://torwart.localhost:8401/act/act-1"),)))
    assert (led.status, led.header("location"), led.body) == (303, "http://torwart.localhost:8401/act/act-1", b"")


def test_the_message_bus_is_said_not_to_be_there() -> None:
    one = from_browser(request("POST", "/crm/bus", JSON, COOKIE, body=b'{"channels":["user:1"]}'))
    with pytest.raises(UnreadableError):
        TRYTON.read(one)
    assert TRYTON.refuse(None, one, REFUSAL) == Response(501)


def test_the_vocabulary_names_what_rules_may_ask_and_mask() -> None:
    known = TRYTON.vocabulary()
    assert {"name", "phone", "email", "vat_code", "city", "value"} <= known.fields
    assert {"phone", "mobile", "email", "value"} <= known.contact_fields <= known.fields
    assert "name" not in known.contact_fields
    assert known.record == frozenset(RECORD)
