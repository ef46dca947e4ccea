"""The gateway's own paths: odd spellings are nobody's, and none of them is a fault."""

import pytest

from gateway.exchange import Reply
from tests.services.gate import Gate
from tests.services.tryton_calls import request


@pytest.mark.parametrize("cookie", ["torwart_listen=x", 'torwart_listen="a.\\351"', 'torwart_listen="s1.\xe9"', "torwart_listen=s1.00"])
async def test_a_cookie_that_we_did_not_give_opens_nothing(gate: Gate, cookie: str) -> None:
    step = await gate.assembled.handler.before(request("GET", "/.torwart/held", ("cookie", cookie), ("x-torwart-held", "1")))
    assert isinstance(step, Reply)
    assert step.response.status == 401


@pytest.mark.parametrize(
    "path", ["/.torwart/why/\u20ac", "/.torwart/why/a?b", "/.torwart/go/" + "a" * 65, "/.torwart/open/a b", "/.torwart"]
)
async def test_a_path_that_names_no_act_is_not_found(gate: Gate, path: str) -> None:
    step = await gate.assembled.handler.before(request("GET", path))
    assert isinstance(step, Reply)
    assert step.response.status == 404
    assert step.response.header("location") is None
