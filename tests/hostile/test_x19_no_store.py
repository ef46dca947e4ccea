"""X19, C52, A24: what was judged is kept by no cache and found again by no validator."""

import json

import httpx
import pytest

from deploy.demo.ceremony import act_of
from tests.services.gateway import FIELDS, RunningFirm

pytestmark = pytest.mark.slow
STALE = {"if-none-match": '"x"', "if-modified-since": "Mon, 23 Nov 2026 10:00:00 GMT", "if-range": '"x"'}
KEPT_BACK = {"etag", "last-modified", "x-tryton-cache", "expires", "age", "alt-svc", "server", "content-range"}


def test_no_judged_answer_may_be_stored(firm: RunningFirm) -> None:
    own = firm.book("anna")[0]
    answers: list[httpx.Response] = []
    with firm.log_in("anna") as anna, firm.http() as http:
        for method, params in (
            ("model.party.party.read", ([own], FIELDS, {})),
            ("model.party.party.search", ([], 0, 5, None, {})),
            ("model.party.party.fields_get", ([], {})),
            ("model.party.party.default_get", (["name"], False, {})),
            ("model.party.party.export_data", ([own], FIELDS, False, {})),
            ("model.party.party.nothing", ({},)),
        ):
            answers.append(anna.post(method, *params))
        headers = {"authorization": f"Bearer {firm.firm.rest_key}", **STALE}
        answers.append(http.get(f"/crm/rest/model/party.party/{own}?f=name", headers=headers))
        answers.append(http.get("/crm/data/party.party?f=name&d=[1]", headers={"authorization": anna.authorization, **STALE}))
        for held in (answers[4], answers[-1]):
            firm.cancel(act_of(held))
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.request.url
        # The description of a form may stay in the web client's own memory: no client is in it.
        allowed = {"x-tryton-cache"} if answer in answers[2:4] else set()
        assert not KEPT_BACK & set(answer.headers) - allowed, answer.headers
    assert not any(sent.header(name) for sent in firm.hop.seen for name in STALE)


def test_a_number_that_exists_and_one_that_does_not_look_alike_where_a_person_may_not_see(firm: RunningFirm) -> None:
    """A24: the length of a masked answer says nothing about the value either."""
    first, second = firm.others("anna")[:2]
    with firm.log_in("anna") as anna:
        masked = [anna.post("model.party.party.read", [party], ["email"], {}) for party in (first, second)]
        values = [answer.json()["result"][0]["email"] for answer in masked]
        gone = [anna.post("model.party.party.delete", [party], {}) for party in (first, 999_999)]
    assert values[0] == values[1]
    assert gone[0].status_code == gone[1].status_code == 403
    told = [{key: value for key, value in json.loads(answer.text).items() if key not in ("act", "link")} for answer in gone]
    assert told[0] == told[1]
