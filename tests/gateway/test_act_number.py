"""Every refusal, in whatever shape its client gets it, shows the number that `torwart policy explain` takes, and no more of the rules."""

from itertools import product

import pytest

from gateway.crm.profile import Client
from gateway.crm.profiles.tryton_texts import refused
from gateway.forward.answers import Answers
from gateway.forward.framing import Asked
from gateway.pages import denial_page, return_page, way_out_page
from gateway.refusals import Refusals
from policies.reasons import REASONS, Because

ACT = "yUdvJZ8MZ1VdgkdKAUNdvw"
REFUSALS = Refusals("https://torwart.example", "de")
REASON_CODES = sorted(REASONS)


@pytest.mark.parametrize("code", REASON_CODES)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_refusal_of_the_crm_shows_the_number_in_every_shape(code: str, language: str) -> None:
    refusal = REFUSALS.denied(Because(REASONS[code]), ACT, language)
    for client, in_rpc, at_login in product(Client, (True, False), (True, False)):
        answer = refused(client, refusal, 7, in_rpc=in_rpc, at_login=at_login, instance="/x/")
        assert ACT.encode() in answer.body, (client, in_rpc, at_login)


@pytest.mark.parametrize("client", Client)
def test_what_is_held_shows_the_number_or_leads_to_it(client: Client) -> None:
    because = Because(REASONS["export_needs_key"], {"asked": 3, "allowed": 2})
    for get in (True, False):
        refusal = REFUSALS.challenge(because, ACT, "de", client, get=get)
        answer = refused(client, refusal, 7, in_rpc=False, at_login=False, instance="/x/")
        assert ACT in answer.body.decode() or (answer.header("location") or "").endswith(f"/act/{ACT}")


@pytest.mark.parametrize("code", REASON_CODES)
@pytest.mark.parametrize("headers", [(("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")), (("accept", "*/*"),)])
def test_a_refusal_on_the_way_out_shows_the_number(code: str, headers: tuple[tuple[str, str], ...]) -> None:
    asked = Asked("POST", "https", "cloud.example", 443, "/", "HTTP/1.1", headers, "127.0.0.1", "c1")
    answer = Answers(REFUSALS).stopped(asked, Because(REASONS[code]), ACT, "en")
    assert ACT.encode() in answer.body


def test_a_refused_tunnel_shows_the_number() -> None:
    assert ACT.encode() in Answers(REFUSALS).stopped(None, Because(REASONS["frozen"]), ACT, None).body


def test_the_number_stands_apart_as_text_to_be_read_out() -> None:
    refusal = REFUSALS.denied(Because(REASONS["not_for_you"]), ACT, "de")
    for page in (denial_page(refusal), way_out_page(refusal), return_page(ACT, "de")):
        assert f"<bdi>{ACT}</bdi>".encode() in page


def test_no_refusal_says_a_rule_or_a_status() -> None:
    """attacks X32: before a talk and for everybody else the page is the same but for its number."""
    pages = {
        denial_page(REFUSALS.denied(Because(REASONS[code], {"asked": 3}), ACT, "en"))
        for code in ("export_not_before_talk", "export_not_now")
    }
    assert len(pages) == 1
