"""Group B of the hostile inputs, complete: each of its numbers and the tests that stand for it, and those that had none elsewhere."""

import importlib
from collections.abc import Callable, Sequence

import pytest

from gateway.exchange import Request, Response
from tests.faults.played_crm import CANARY
from tests.services.gate import Gate, answers, call
from tests.services.tryton_calls import result

WIRE, FRAMING, SIGN_IN = "hostile.test_identity_on_the_wire", "hostile.test_framing", "console.api.test_signin"
WITHDRAWAL, CREDENTIALS, X03 = "faults.test_withdrawal", "gateway.forward.test_credentials", "hostile.test_x03_on_the_wire"
HERE = "hostile.test_b_identity"
TESTS: dict[int, Sequence[tuple[str, str]]] = {
    26: [
        (WIRE, "test_a_claim_in_a_header_is_removed_or_refused"),
        (FRAMING, "test_identity_and_forwarding_headers_never_reach_the_crm"),
        (SIGN_IN, "test_the_list_says_from_where_in_words_of_ours"),
    ],
    27: [(WIRE, "test_a_nominated_header_does_not_take_ours_away"), (FRAMING, "test_connection_cannot_take_our_own_header_away")],
    28: [(WIRE, "test_a_colleague_s_key_or_touch_confirms_nothing")],
    29: [
        (WIRE, "test_a_session_fixed_before_the_sign_in_is_worth_nothing"),
        (SIGN_IN, "test_a_session_set_before_the_sign_in_is_nobody_s_after_it"),
        (SIGN_IN, "test_after_a_touch_the_session_has_a_new_id_and_the_old_one_is_nobody"),
        (X03, "test_a_sign_in_ends_the_session_that_its_browser_had_before"),
    ],
    30: [
        (WIRE, "test_who_is_gone_is_out_with_the_next_request"),
        (WITHDRAWAL, "test_a_withdrawal_acts_while_the_crm_is_still_thinking"),
        ("hostile.test_x09_proxy", "test_a_log_in_ends_with_a_freeze_a_cut_and_a_departure"),
        (CREDENTIALS, "test_a_log_in_counts_for_its_connection_until_it_is_withdrawn"),
    ],
    31: [(HERE, "test_the_pages_after_a_change_of_role_are_judged_by_the_new_one")],
    32: [(FRAMING, "test_an_ambiguous_request_is_refused_recorded_once_and_reaches_nobody"), (SIGN_IN, "test_strange_cookies_are_refused")],
    33: [(WIRE, "test_our_own_cookies_never_reach_the_crm"), (FRAMING, "test_our_cookies_never_reach_the_crm")],
    34: [(SIGN_IN, "test_a_sign_in_leads_to_our_own_pages_only")],
    35: [(WIRE, "test_there_is_no_door_for_probes"), ("hostile.test_x09_proxy", "test_its_own_address_is_no_page")],
}
"""Number -> module under `tests` and test."""
OWN = range(1, 101)
"""Clients of the manager; the other 900 are others'."""


@pytest.mark.parametrize("number", range(26, 36))
def test_every_number_has_its_tests(number: int) -> None:
    assert TESTS[number]
    for module, name in TESTS[number]:
        assert callable(getattr(importlib.import_module(f"tests.{module}"), name)), (module, name)


@pytest.mark.parametrize("meanwhile", [False, True], ids=["between two pages", "while the CRM is still thinking"])
async def test_the_pages_after_a_change_of_role_are_judged_by_the_new_one(gate: Gate, *, meanwhile: bool) -> None:
    """B31: an owner reads page after page; from the change on the contacts of others' clients are masked, as for any manager."""
    gate.own(*OWN)
    gate.people.change(gate.boris.id, {"roles": ["owner"]}, None)

    def page(start: int, *, changing: bool = False) -> tuple[Request, Callable[[Request], Response]]:
        clients = list(range(start, start + 5))
        rows = [{"id": client, "name": f"Name {client}", "email": f"{CANARY}-{client}@firma.example"} for client in clients]

        def crm(_request: Request) -> Response:
            if changing:
                gate.people.change(gate.boris.id, {"roles": ["manager"]}, None)
            return result(rows)

        return call("model.party.party.read", clients, ["name", "email"]), crm

    request, crm = page(501)
    first = await gate.ask(request, crm)
    assert first.body.count(CANARY.encode()) == 5, "an owner sees them"
    if not meanwhile:
        gate.people.change(gate.boris.id, {"roles": ["manager"]}, None)
    request, crm = page(601, changing=meanwhile)
    second = await gate.ask(request, crm)
    assert CANARY.encode() not in second.body
    request, _ = page(1)
    own = [{"id": client, "name": f"Name {client}", "email": f"{CANARY}-{client}@firma.example"} for client in range(1, 6)]
    third = await gate.ask(request, answers(own))
    assert third.body.count(CANARY.encode()) == 5, "the own ones are seen as ever"
