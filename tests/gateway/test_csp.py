"""The CRM's policy with our script: let in where it would be stopped, nothing else let in, nothing of the CRM's own taken."""

import pytest

from gateway.csp import admitted

PLACE = "crm.firma.example:8443"
SCRIPT, CALLS = f"{PLACE}/.torwart/page.js", f"{PLACE}/.torwart/"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", "default-src 'self'; script-src 'self' 'nonce-N'"),
        ("default-src 'none'", f"default-src 'none'; script-src 'nonce-N'; connect-src {CALLS}"),
        ("script-src 'self'", "script-src 'self' 'nonce-N'"),
        ("script-src 'none'", "script-src 'nonce-N'"),
        ("script-src 'nonce-abc' 'strict-dynamic'", "script-src 'nonce-abc' 'strict-dynamic' 'nonce-N'"),
        ("script-src 'sha256-abc='", "script-src 'sha256-abc=' 'nonce-N'"),
        ("script-src 'nonce-abc' 'unsafe-inline'", "script-src 'nonce-abc' 'unsafe-inline' 'nonce-N'"),
        ("script-src 'self' 'unsafe-inline'", "script-src 'self' 'unsafe-inline'"),
        ("script-src https://cdn.example 'unsafe-inline'", f"script-src https://cdn.example 'unsafe-inline' {SCRIPT}"),
        ("script-src-elem 'self'; script-src 'none'", "script-src-elem 'self' 'nonce-N'; script-src 'none'"),
        ("img-src 'self'; frame-ancestors 'none'", "img-src 'self'; frame-ancestors 'none'"),
        ("connect-src https://api.example", f"connect-src https://api.example {CALLS}"),
        ("connect-src 'self' wss://x.example", "connect-src 'self' wss://x.example"),
        ("connect-src *", "connect-src *"),
        ("SCRIPT-SRC 'SELF'", "SCRIPT-SRC 'SELF' 'nonce-N'"),
        ("script-src 'self'; script-src *", "script-src 'self' 'nonce-N'; script-src *"),
        (
            "script-src 'self', default-src 'none'",
            f"script-src 'self' 'nonce-N', default-src 'none'; script-src 'nonce-N'; connect-src {CALLS}",
        ),
        ("", ""),
        (";;", ""),
    ],
)
def test_what_is_added(policy: str, expected: str) -> None:
    assert admitted(policy, "N", PLACE) == expected


@pytest.mark.parametrize("policy", ["default-src 'none'", "script-src 'self'", "script-src https://cdn.example 'unsafe-inline'", ""])
def test_nothing_is_loosened(policy: str) -> None:
    said = set(admitted(policy, "N", PLACE).replace(";", " ").split()) - set(policy.replace(";", " ").split())
    assert said <= {"'nonce-N'", SCRIPT, CALLS, "script-src", "connect-src", "'self'"}
    assert "'unsafe-inline'" not in said
    assert "'unsafe-eval'" not in said
