"""X16: what a foreign or embedded page sends in a person's name is refused, opens no act and is counted against nobody."""

import pytest

from tests.services.gateway import FIELDS, RunningFirm, phase, reason, result
from tests.services.waiting import until

pytestmark = pytest.mark.slow
FOREIGN = {
    "another site's script": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    "a picture": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "a picture on our own page": {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "a frame": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    "a neighbour": {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    "a prefetch": {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch"},
    "a service worker": {"sec-fetch-site": "same-origin", "sec-fetch-mode": "same-origin", "sec-fetch-dest": "serviceworker"},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_page_opens_no_act(firm: RunningFirm, kind: str) -> None:
    own = ",".join(map(str, firm.book("boris")[:3]))
    with firm.log_in("boris") as boris, firm.http() as http:
        mark, before = len(firm.hop.seen), len(firm.record())
        http.headers.update({"authorization": boris.authorization, **FOREIGN[kind]})
        answer = http.get(f"/crm/data/party.party?d=[{own}]&f=phone")
    assert answer.status_code == 403
    assert firm.hop.since(mark) == []
    (event,) = firm.record()[before:]
    assert (event["event"]["action"], reason(event)) == ("refused", "cross_site")


def test_held_acts_are_told_only_to_a_page_that_sends_our_header(firm: RunningFirm) -> None:
    boris = firm.browser("boris")
    own = firm.book("boris")[:3]
    boris.listen()
    waiting = firm.soon(lambda: boris.post("model.party.party.export_data", own, FIELDS, True, {}))
    act_id = boris.held()
    assert boris.http.get("/.torwart/held").status_code == 401
    assert boris.http.get("/.torwart/held", headers={"x-torwart-held": "1", "sec-fetch-site": "cross-site"}).status_code == 401
    assert boris.http.post(f"/.torwart/held/{act_id}/cancel").status_code == 404
    felix = firm.browser("felix")
    assert felix.listen() == []
    assert felix.http.post(f"/.torwart/held/{act_id}/cancel", headers={"x-torwart-held": "1"}).status_code == 404
    assert firm.act_state(act_id) == "open"
    assert firm.touch(act_id)
    assert len(result(waiting.result(10))) == 5  # a head, three clients, the mark


def test_a_fourth_act_is_refused_and_says_so(firm: RunningFirm) -> None:
    carla = firm.browser("carla")
    book = firm.book("carla")
    carla.listen()
    waiting = [
        firm.soon(lambda party=party: carla.post("model.party.party.export_data", [party], FIELDS, True, {}))  # type: ignore[misc]
        for party in book[:3]
    ]
    acts = until(lambda: found if len(found := [a["id"] for a in carla.listen() if a["state"] == "open"]) == 3 else None)
    before = len(firm.record())
    fourth = carla.post("model.party.party.export_data", book[3:4], FIELDS, True, {})
    assert "drei" in fourth.text
    assert reason(firm.record()[-1]) == "too_many_open"
    assert len(firm.record()) > before
    for act_id in acts:
        firm.cancel(act_id)
    assert all(not firm.leaks(one.result(10).content) for one in waiting)
    ended = until(lambda: found if len(found := [e for e in firm.record() if phase(e) == "not_confirmed"]) >= 3 else None)
    assert {e["torwart"]["act"]["id"] for e in ended} >= set(acts)
