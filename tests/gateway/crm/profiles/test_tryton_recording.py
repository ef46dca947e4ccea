"""The recorded session, call by call."""

from collections import Counter

import orjson
import pytest

from gateway.crm.profile import Call, CallKind, Client
from policies.decision import Obligations
from policies.request import Action, Channel
from tests.services.tryton_calls import TRYTON
from tests.services.tryton_recording import BROWSER_CALLS, Recorded, calls


@pytest.fixture(scope="module")
def recorded() -> list[Recorded]:
    return calls()


@pytest.fixture(scope="module")
def read(recorded: list[Recorded]) -> list[Call]:
    return [TRYTON.read(one.request) for one in recorded]


def test_every_call_of_the_recording_is_read(read: list[Call]) -> None:
    assert len(read) == 66
    assert Counter(call.kind for call in read) == {CallKind.PUBLIC: 3, CallKind.LOGIN: 3, CallKind.SYSTEM: 39, CallKind.DATA: 21}


def test_the_browser_s_calls_come_from_the_web_client_and_the_others_from_a_script(read: list[Call]) -> None:
    assert {call.client for call in read[:BROWSER_CALLS]} == {Client.APP}
    assert {call.client for call in read[BROWSER_CALLS:]} == {Client.SCRIPT}
    assert {call.channel for call in read[:BROWSER_CALLS]} == {Channel.WEB}
    assert [call.channel for call in read[BROWSER_CALLS:]] == [
        Channel.API,
        Channel.DOWNLOAD,
        Channel.API,
        Channel.API,
        Channel.API,
        Channel.REST,
    ]


def test_every_data_call_is_classed_by_its_effect(read: list[Call]) -> None:
    acts = {place: call.action for place, call in enumerate(read) if call.kind is CallKind.DATA}
    searches = (20, 21, 24, 25, 41, 42, 44, 45, 47, 49, 50, 52, 54)
    assert acts == dict.fromkeys(searches, Action.SEARCH) | {
        22: Action.LIST,
        23: Action.LIST,
        33: Action.READ,
        61: Action.EXPORT,
        62: Action.EXPORT,
        63: Action.LIST,
        64: Action.GRANT_ACCESS,
        65: Action.LIST,
    }


def test_the_sign_ins_name_their_account_and_give_the_token_alone(recorded: list[Recorded], read: list[Call]) -> None:
    assert [read[place].account for place in (3, 4, 60)] == ["admin"] * 3
    assert TRYTON.credential_issued(read[3], recorded[3].response) is None
    for place, kind in ((4, "session"), (60, "token")):
        issued = TRYTON.credential_issued(read[place], recorded[place].response)
        assert issued is not None
        credential, account = issued
        assert (credential.kind, account) == (kind, "admin")
        assert len(credential.secret) == 64
        assert credential.secret in recorded[place].response.body.decode() + str(recorded[place].response.headers)


def test_the_calls_after_a_sign_in_present_the_secret_that_it_issued(recorded: list[Recorded], read: list[Call]) -> None:
    browser, script = (TRYTON.credential_issued(read[place], recorded[place].response) for place in (4, 60))
    assert browser is not None
    assert script is not None
    assert {c.credential.secret for c in read[5:BROWSER_CALLS] if c.credential} == {browser[0].secret}
    assert {c.credential.secret for c in read[61:65] if c.credential} == {script[0].secret}
    assert read[65].credential is not None
    assert read[65].credential.kind == "api_key"


def test_two_hundred_clients_are_shown_in_the_browser_s_part(recorded: list[Recorded], read: list[Call]) -> None:
    shown: set[str] = set()
    taken: set[str] = set()
    for one, call in zip(recorded[:BROWSER_CALLS], read, strict=False):
        if call.kind is CallKind.DATA:
            delivered = TRYTON.answer(call, one.answer_to(call.upstream)).release(Obligations())
            shown |= delivered.shown
            taken |= delivered.taken
    assert len(shown) == 200
    assert taken == {"1213"}


def test_an_answer_without_duties_goes_out_with_every_value_that_came(recorded: list[Recorded], read: list[Call]) -> None:
    for place in (20, 21, 22, 23, 33, 41, 65):
        call, response = read[place], recorded[place].response
        assert orjson.loads(TRYTON.answer(call, response).release(Obligations()).response.body) == orjson.loads(response.body)


def test_the_script_s_exports_are_counted_by_the_column_that_was_added_and_lose_it_again(
    recorded: list[Recorded], read: list[Call]
) -> None:
    for place, clients in ((61, 231), (62, 265)):
        call, response = read[place], recorded[place].response
        answer = TRYTON.answer(call, recorded[place].answer_to(call.upstream))
        assert len(answer.ids) == len(answer.contact_ids) == clients
        delivered = answer.release(Obligations())
        if place == 61:
            assert delivered.response.body == response.body
        else:
            assert delivered.response.body.count(b"@") == response.body.count(b"@")
        assert b"ID" not in delivered.response.body


def test_an_answer_to_an_export_without_the_column_that_was_asked_for_does_not_go_out(recorded: list[Recorded], read: list[Call]) -> None:
    from gateway.crm.profile import UninspectableError

    for place in (61, 62, 63):
        with pytest.raises(UninspectableError):
            TRYTON.answer(read[place], recorded[place].response)


def test_the_script_s_contacts_are_counted_by_their_clients(recorded: list[Recorded], read: list[Call]) -> None:
    answer = TRYTON.answer(read[63], recorded[63].answer_to(read[63].upstream))
    assert len(answer.ids) == len(answer.contact_ids) == 50
    assert answer.fields == {"value", "party.name"}
    assert b'"party":' not in answer.release(Obligations()).response.body.replace(b'"party.":', b"")
