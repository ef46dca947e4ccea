"""The forward proxy end to end: a real proxy, a real scanner with a real index, a real server outside."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from audit_store.manifests import Export, Manifests
from auth.sealed_database import open_sealed
from detectors.mark import Mark, marker
from policies import reasons
from policies.reasons import Because
from tests.services.way_out import WayOut, clients_of, email, multipart, rows

FORM = "application/x-www-form-urlencoded"
STOPPED = Because(reasons.CLIENTS_LEAVE).for_employee("de")


async def test_a_list_of_clients_in_a_form_is_stopped_and_recorded(way_out: WayOut) -> None:
    body, kind = multipart("liste.csv", rows(*range(1, 10)))
    answer = await way_out.send("POST", "cloud", "/upload", body, content_type=kind)
    assert answer.status == 403
    assert answer.problem["detail"] == STOPPED
    assert way_out.far.arrivals.seen == []
    (act,) = way_out.acts()
    assert act["torwart"]["act"]["phase"] == "denied"
    assert clients_of(act) == {str(number) for number in range(1, 10)}
    assert act["destination"]["domain"] == "cloud.localhost"
    assert act["torwart"]["channel"] == "cloud"
    assert act["file"]["extension"] == "csv"
    assert answer.problem["act"] == act["torwart"]["act"]["id"]
    assert email(3).encode() not in json.dumps(way_out.record()).encode()


async def test_an_ordinary_file_goes_out_and_is_recorded_before(way_out: WayOut) -> None:
    body, kind = multipart("rechnung.txt", b"Rechnung Nr. 4711\n" * 20)
    answer = await way_out.send("POST", "cloud", "/upload", body, content_type=kind)
    assert answer.status == 201
    (arrival,) = way_out.far.arrivals.seen
    assert arrival.body == body
    (act,) = way_out.acts()
    assert act["torwart"]["act"]["phase"] == "allowed"
    assert act["torwart"]["clients"]["asked_count"] == 0


async def test_a_page_comes_through_byte_for_byte_and_leaves_no_record(way_out: WayOut) -> None:
    answer = await way_out.send("GET", "cloud", "/page")
    assert answer.status == 200
    assert answer.body == bytes(range(256)) * 400
    assert answer.headers["x-own"] == "kept"
    assert "alt-svc" not in answer.headers
    assert way_out.acts() == []


async def test_a_small_form_without_clients_goes_out_without_a_word(way_out: WayOut) -> None:
    answer = await way_out.send("POST", "paste", "/new", b"text=hallo", content_type="application/x-www-form-urlencoded")
    assert answer.status == 200
    assert way_out.acts() == []


async def test_no_credential_and_no_proxy_header_reaches_the_server(way_out: WayOut) -> None:
    await way_out.send(
        "POST", "paste", "/new", b"text=hallo", content_type="application/x-www-form-urlencoded", proxy_connection="x", via="y"
    )
    (arrival,) = way_out.far.arrivals.seen
    assert {"proxy-authorization", "proxy-connection", "via", "transfer-encoding"} & set(arrival.headers) == set()


@pytest.mark.parametrize("log_in", [None, "guessed", ""])
async def test_nobody_gets_through_without_a_log_in(way_out: WayOut, log_in: str | None) -> None:
    answer = await way_out.send("GET", "cloud", "/", log_in=log_in)
    assert answer.status == 407
    assert answer.headers["proxy-authenticate"].startswith('Basic realm="Torwart"')
    assert way_out.far.arrivals.seen == []


async def test_base64_in_json_is_read(way_out: WayOut) -> None:
    content = base64.b64encode(rows(*range(1, 8))).decode()
    body = json.dumps({"attachments": [{"name": "x", "content": content}]}).encode()
    answer = await way_out.send("POST", "webmail", "/api/send", body, content_type="application/json")
    assert answer.status == 403
    assert way_out.acts()[0]["torwart"]["channel"] == "webmail"
    assert way_out.far.arrivals.seen == []


async def test_a_raw_attachment_is_read(way_out: WayOut) -> None:
    answer = await way_out.send("PUT", "messenger", "/attachments/photo.jpg", rows(*range(1, 8)), content_type="image/jpeg")
    assert answer.status == 403
    (act,) = way_out.acts()
    assert (act["torwart"]["channel"], act["file"]["extension"]) == ("messenger", "jpg")


async def test_clients_in_a_query_are_read(way_out: WayOut) -> None:
    query = "&".join(f"m{number}={email(number)}" for number in range(1, 8))
    answer = await way_out.send("GET", "paste", f"/collect?{query}")
    assert answer.status == 403
    assert way_out.far.arrivals.seen == []


async def test_one_own_client_goes_out_and_is_counted(way_out: WayOut) -> None:
    body = f"An: {email(1)}\n\nIhre Rechnung".encode()
    answer = await way_out.send("POST", "webmail", "/collect", body, content_type="text/plain")
    assert answer.status == 200
    (act,) = way_out.acts()
    assert act["torwart"]["act"]["phase"] == "allowed"
    assert act["torwart"]["usage"]["sent_day"] == 1


async def test_a_navigation_gets_a_page_with_the_way_to_its_explanation(way_out: WayOut) -> None:
    body, kind = multipart("liste.csv", rows(*range(1, 10)))
    answer = await way_out.send(
        "POST", "cloud", "/upload", body, content_type=kind, accept="text/html", sec_fetch_mode="navigate", sec_fetch_dest="document"
    )
    assert answer.status == 403
    assert answer.headers["content-type"].startswith("text/html")
    act_id = way_out.acts()[0]["torwart"]["act"]["id"]
    assert f"http://torwart.localhost:{way_out.firm.torwart}/why/{act_id}".encode() in answer.body


@pytest.mark.parametrize("name", ["x_data", "cookie", "user_agent", "if_none_match", "authorization", "sec_own"])
async def test_a_list_in_a_header_is_read(way_out: WayOut, name: str) -> None:
    values = ",".join(email(number) for number in range(1, 20))
    answer = await way_out.send("GET", "paste", "/collect", **{name: values})
    assert answer.status == 403
    assert way_out.acts()[0]["torwart"]["route"] == "proxy head"
    assert way_out.far.arrivals.seen == []


async def test_sealed_cookies_and_tokens_go_through(way_out: WayOut) -> None:
    sealed = base64.b64encode(b"PK\x03\x04" + bytes(range(256)) * 8).decode()
    answer = await way_out.send("GET", "paste", "/collect", cookie=f"session={sealed}", authorization=f"Bearer {sealed}")
    assert answer.status == 200
    assert way_out.acts() == []


async def test_a_list_split_over_head_address_and_body_is_one_list(way_out: WayOut) -> None:
    query = "&".join(f"m={email(number)}" for number in (1, 2))
    filler = "a" * 100
    answer = await way_out.send("POST", "paste", f"/collect?{query}", email(3).encode(), x_a=f"{email(4)} {filler}", x_b=email(5))
    assert answer.status == 403
    assert clients_of(way_out.acts()[0]) == {"1", "2", "3", "4", "5"}


async def test_a_mark_names_its_export_where_no_client_is_left_and_an_invented_one_names_none(way_out: WayOut) -> None:
    export = Export("mailing", "P-BORIS", datetime.now(UTC), frozenset(map(str, range(1, 41))), frozenset(), ("name",), "0" * 64)
    engine = open_sealed(way_out.firm.state / "torwart.db", way_out.firm.state)
    marks: list[Mark] = []

    def marking(name: str) -> tuple[str, str]:
        marks.append(marker(way_out.firm.state).make(name, "Boris Berg", export.at))
        return marks[-1].code, "0" * 64

    name = Manifests(engine).put(export, marking)
    engine.dispose()
    invented = str(marks[0])[:-4] + ("AAAA" if not marks[0].code.endswith("AAAA") else "BBBB")
    assert (await way_out.send("POST", "paste", "/new", f"text={quote(invented)}".encode(), content_type=FORM)).status == 200
    assert way_out.acts() == []
    assert (await way_out.send("POST", "paste", "/new", f"text={quote(str(marks[0]))}".encode(), content_type=FORM)).status == 200
    (act,) = way_out.acts()
    assert act["torwart"]["exports"] == [{"name": name, "act": "mailing", "clients": 0, "marked": True}]
    assert "Berg" not in json.dumps(way_out.record())
    body, kind = multipart("liste.csv", rows(*range(1, 10)) + f"\r\n{marks[0]};;".encode())
    assert (await way_out.send("POST", "cloud", "/upload", body, content_type=kind)).status == 403
    assert way_out.acts()[-1]["torwart"]["exports"] == [{"name": name, "act": "mailing", "clients": 9, "marked": True}]
