"""X19: after a freeze the browser of whoever was cut keeps nothing of the CRM but its cookie."""

from auth.sessions import LOGOUT
from policies.request import Status
from tests.services.gate import Gate, answers, call
from tests.services.tryton_calls import TOKEN

ASKED = call("model.party.party.read", [1], ["name"])
KNOWN = answers([{"id": 1, "name": "A"}])
CLEAR = '"cache", "storage"'


async def test_a_frozen_person_s_browser_is_told_to_forget(gate: Gate) -> None:
    gate.own(1)
    assert (await gate.ask(ASKED, KNOWN)).header("clear-site-data") is None
    gate.people.freeze(gate.boris.id, None)
    refused = await gate.ask(ASKED, KNOWN)
    assert refused.header("clear-site-data") == CLEAR
    assert b"Name" not in refused.body
    gate.people.unfreeze(gate.boris.id, None)
    assert (await gate.ask(ASKED, KNOWN)).header("clear-site-data") is None


async def test_so_is_the_browser_of_somebody_who_has_left(gate: Gate) -> None:
    gate.own(1)
    gate.people.set_status(gate.boris.id, Status.GONE, None)
    assert (await gate.ask(ASKED, KNOWN)).header("clear-site-data") == CLEAR


async def test_a_sign_out_and_a_stranger_are_told_nothing_of_the_kind(gate: Gate) -> None:
    gate.own(1)
    session = gate.assembled.handler.directory.session(TOKEN)
    assert session is not None
    gate.assembled.handler.signin.sessions.end(session.id, LOGOUT)
    assert (await gate.ask(ASKED, KNOWN)).header("clear-site-data") is None
    stranger = call("model.party.party.read", [1], ["name"], headers=(("x-other", "1"),))
    assert (await gate.ask(stranger, KNOWN)).header("clear-site-data") is None
