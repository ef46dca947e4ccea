"""Our script in the CRM's page: in its head, once, whatever policy stands in the answer or in the page itself; in nothing else."""

import re

import pytest

from gateway.exchange import Response
from gateway.shell import Shell

SHELL = Shell("crm.localhost:8400")
PAGE = b"<!doctype html><html><head><title>CRM</title></head><body>x</body></html>"


def page(body: bytes = PAGE, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str) -> Response:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return SHELL.with_script(Response(status, (("content-type", kind), *more), body))


def test_the_script_stands_at_the_end_of_the_head_and_the_rest_is_untouched() -> None:
    body = page().body
    tag = re.search(rb'<script src="/\.torwart/page\.js" defer nonce="[\w-]+"></script>', body)
    assert tag is not None
    assert body.replace(tag[0], b"") == PAGE
    assert body[tag.end() :].startswith(b"</head>")


@pytest.mark.parametrize(
    "response",
    [page(status=404), page(kind="application/json"), page(kind="text/plain"), page(b"<p>no head</p>"), page(kind="")],
)
def test_anything_else_stays_as_it_was(response: Response) -> None:
    assert b".torwart" not in response.body


def test_the_nonce_is_new_in_every_answer_and_the_same_in_policy_and_tag() -> None:
    answers = [page(content_security_policy="script-src 'self'") for _ in range(2)]
    nonces = []
    for answer in answers:
        policy = answer.header("content-security-policy")
        assert policy is not None
        (nonce,) = re.findall(r"'nonce-([\w-]+)'", policy)
        assert f'nonce="{nonce}"'.encode() in answer.body
        nonces.append(nonce)
    assert len(set(nonces)) == 2


def test_a_policy_that_only_reports_hears_of_no_attack() -> None:
    answer = page(content_security_policy_report_only="script-src 'none'; report-uri /csp")
    assert "'nonce-" in str(answer.header("content-security-policy-report-only"))
    assert "report-uri /csp" in str(answer.header("content-security-policy-report-only"))


def test_a_policy_in_the_page_lets_the_script_in_too() -> None:
    head = (
        b"<head><META content=\"default-src 'self'; connect-src 'none'\" HTTP-EQUIV='content-security-policy'><meta charset='utf-8'></head>"
    )
    body = page(head).body
    (nonce,) = re.findall(rb'defer nonce="([\w-]+)"', body)
    assert b"script-src &#x27;self&#x27; &#x27;nonce-" + nonce in body
    assert b"connect-src crm.localhost:8400/.torwart/" in body
    assert b"<meta charset='utf-8'>" in body


@pytest.mark.parametrize(
    "text",
    [
        b'<script>var x = \'<meta http-equiv="Content-Security-Policy" content="default-src none">\'</script>',
        b'<!-- <meta http-equiv="Content-Security-Policy" content="default-src \'none\'"> -->',
    ],
)
def test_what_only_looks_like_a_policy_keeps_every_byte(text: bytes) -> None:
    assert text in page(b"<head>" + text + b"</head>").body
