"""X5 as a probe: whatever a manager asks about another's client, the answers are the same when the hidden value is another one."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo.tryton_rpc import TrytonSession
from tests.services.gateway import FIELDS, RunningFirm, phase, reason

pytestmark = pytest.mark.slow
FIRST, SECOND = "+49 171 5550001", "+49 30 98765432"
PARTY, CONTACT = "model.party.party", "model.party.contact_mechanism"


def questions(party: int, contact: int) -> Iterator[tuple[str, list[Any]]]:
    """Everything that a person could ask to find out a number; FIRST is the guess."""
    for name in (
        "rec_name",
        "contact_mechanisms",
        "contact_mechanisms.value",
        "contact_mechanisms.value_compact",
        "contact_mechanisms.rec_name",
    ):
        for operator, value in (
            ("ilike", "+49 171 555%"),
            ("like", "%5550001"),
            ("=", FIRST),
            ("in", [FIRST]),
            (">=", "+49 1"),
            ("<", "+49 2"),
        ):
            yield f"{PARTY}.search", [[["id", "=", party], [name, operator, value]], 0, 10, None]
            yield f"{PARTY}.search_count", [[["id", "=", party], [name, operator, value]]]
    for name in ("value", "value_compact", "rec_name", "party", "party.rec_name"):
        yield f"{CONTACT}.search", [[["id", "=", contact], [name, "ilike", "+49 171 555%"]], 0, 10, None]
    nested = ["OR", [["contact_mechanisms", "where", [["value", "like", "+49 171%"]]]], ["id", "=", -1]]
    yield f"{PARTY}.search", [[["id", "=", party], nested], 0, 10, None]
    yield f"{PARTY}.search_read", [[["id", "=", party], ["rec_name", "ilike", "%5550001%"]], 0, 10, None, ["name"]]
    yield f"{PARTY}.export_data_domain", [[["id", "=", party], ["rec_name", "ilike", "%5550001%"]], ["name"], 0, None, None, False]
    yield f"{PARTY}.autocomplete", ["+49 171 5550001", [], 10, None]
    yield f"{CONTACT}.autocomplete", ["+49 171 5550001", [], 10, None]
    yield "model.ir.model.global_search", ["+49 171 5550001", 10, None]
    yield f"{CONTACT}.search", [[["id", "in", [contact, 1]]], 0, 10, [["value", "ASC"]]]
    yield f"{PARTY}.search", [[["id", "in", [party, 1]]], 0, 10, [["phone", "ASC"]]]
    for names in (FIELDS, ["mobile", "rec_name", "full_name"], ["contact_mechanisms.value", "contact_mechanisms.rec_name"]):
        yield f"{PARTY}.read", [[party], names]
    everything = ["value", "value_compact", "url", "rec_name", "other_value", "website", "email", "skype", "sip", "party.phone"]
    yield f"{CONTACT}.read", [[contact], everything]
    yield f"{CONTACT}.search_read", [[["party", "=", party]], 0, None, None, everything]
    new = {"id": -1, "type": "phone", "value": FIRST, "party": None}
    yield f"{CONTACT}.on_change_notify", [new]
    yield f"{CONTACT}.on_change_with_url", [{"id": -1, "type": "phone", "value": FIRST}]
    yield f"{CONTACT}.pre_validate", [new]
    yield f"{PARTY}.default_get", [["name", "phone"], False]


def asked(anna: TrytonSession, party: int, contact: int) -> list[str]:
    """All answers, without the ids that are new each time."""
    answers = []
    for method, params in questions(party, contact):
        answer = anna.post(method, *params, {})
        body = re.sub(r'"(?:id|act|link|_timestamp)": ?"?[^",}]*"?', "", answer.text)
        answers.append(f"{method} {json.dumps(params)[:80]} {answer.status_code} {len(body)} {body}")
    return answers


def test_no_answer_depends_on_a_hidden_number(firm: RunningFirm) -> None:
    foreign = firm.others("anna")[10]
    with firm.crm.log_in("oskar") as direct, firm.log_in("anna") as anna:
        (contact, *_) = direct.call(f"{CONTACT}.search", [["party", "=", foreign], ["type", "in", ["phone", "mobile"]]], 0, 1, None, {})
        rounds = []
        for value in (FIRST, SECOND):
            direct.call(f"{CONTACT}.write", [contact], {"value": value}, {})
            assert direct.call(f"{CONTACT}.read", [contact], ["value"], {})[0]["value"] == value
            rounds.append(asked(anna, foreign, contact))
    for first, second in zip(*rounds, strict=True):
        assert first == second
    assert not any("5550001" in line.partition(" 200 ")[2] and '"result"' in line for line in rounds[0] if "on_change" not in line)


def test_a_question_on_a_masked_field_is_refused_and_the_field_named_only_in_the_record(firm: RunningFirm) -> None:
    """C43: filter and order."""
    with firm.log_in("boris") as boris:
        for domain, order in (([["contact_mechanisms.value", "like", "+49 17%"]], None), ([], [["contact_mechanisms.value", "ASC"]])):
            mark, before = len(firm.hop.seen), len(firm.record())
            answer = boris.post(f"{PARTY}.search", domain, 0, 10, order, {})
            assert answer.status_code in (400, 403)
            assert "contact" not in answer.text.lower()
            assert firm.hop.since(mark) == []
            (event,) = firm.record()[before:]
            assert phase(event) == "denied"
    before = len(firm.record())
    with firm.log_in("boris") as boris:
        boris.post(f"{PARTY}.search", [["contact_mechanisms.value", "like", "+49 17%"]], 0, 10, None, {})
    denied = next(e for e in firm.record()[before:] if reason(e) == "masked_question")
    assert denied["torwart"]["resource"]["questioned_fields"]
