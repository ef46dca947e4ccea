"""X24: a touch is proof, not a limit. What goes out on a day is bounded, however often the key is touched."""

from concurrent.futures import wait
from typing import Any

import httpx
import pytest

from deploy.demo.ceremony import act_of
from deploy.demo.tryton_rpc import TrytonSession
from tests.services.gateway import FIELDS, RunningFirm, phase, result

pytestmark = pytest.mark.slow
DAY_LIMIT = 300
"""Ten percent of the base of 3,000."""


def export(session: TrytonSession, ids: list[int]) -> httpx.Response:
    return session.post("model.party.party.export_data", ids, FIELDS, False, {})


def clients(answer: httpx.Response) -> list[Any]:
    """The rows of an export's clients, without the last one, which is its mark."""
    *rows, (mark, *_) = result(answer)
    assert mark.startswith("Torwart-Export ")
    return rows


def exported(firm: RunningFirm, login: str) -> set[Any]:
    """Rows of this person that the record says went out by export."""
    name = firm.person(login).pseudonym
    events = [e for e in firm.record() if e.get("user", {}).get("id") == name and phase(e) == "released"]
    return {e["torwart"]["act"]["id"] for e in events if e["torwart"]["act"]["action"] == "export"}


def test_after_three_hundred_no_touch_helps(firm: RunningFirm) -> None:
    book = firm.book("carla")
    with firm.log_in("carla") as carla:
        first = firm.confirmed(lambda: export(carla, book[:400]))
        assert len(clients(first)) == DAY_LIMIT
        next_one = export(carla, book[400:410])
        assert next_one.status_code in (401, 403)
        if next_one.status_code == 401:
            firm.touch(act_of(next_one))
            next_one = export(carla, book[400:410])
        assert next_one.status_code == 403
        assert not firm.leaks(next_one.content)


def test_every_road_shares_the_same_three_hundred(firm: RunningFirm) -> None:
    """250 by CSV, then search_read gets the rest and an export nothing."""
    book = firm.book("boris")
    with firm.log_in("boris") as boris, firm.http() as http:
        http.headers["authorization"] = boris.authorization
        csv = firm.confirmed(lambda: http.get(f"/crm/data/party.party?d={book[:250]}&f=name&f=email".replace(" ", "")))
        assert csv.text.count("@") == 250
        domain = [["id", "in", book[250:550]]]
        rest = firm.confirmed(lambda: boris.post("model.party.party.search_read", domain, 0, None, None, FIELDS, {}))
        assert len(result(rest)) == DAY_LIMIT - 250
        assert export(boris, book[:551]).status_code in (401, 403)


def test_two_touches_in_parallel_do_not_exceed_the_limit(firm: RunningFirm) -> None:
    book = firm.book("dmitri")
    with firm.log_in("dmitri") as dmitri:
        acts = [book[:200], book[200:400], book[400:600]]
        held = [export(dmitri, ids) for ids in acts]
        assert [answer.status_code for answer in held] == [401, 401, 401]
        assert all(firm.touch(act_of(answer)) for answer in held)
        racing = [firm.soon(lambda ids=ids: export(dmitri, ids)) for ids in acts]  # type: ignore[misc]
        wait(racing)
        answers = [one.result() for one in racing]
    rows = [row for answer in answers if answer.status_code == 200 and "result" in answer.json() for row in clients(answer)]
    assert 0 < len(rows) <= DAY_LIMIT


def test_one_touch_releases_one_act_however_many_ask(firm: RunningFirm) -> None:
    own = firm.book("emily")[:5]
    with firm.log_in("emily") as emily:
        assert firm.touch(act_of(export(emily, own)))
        racing = [firm.soon(lambda: export(emily, own)) for _ in range(10)]
        wait(racing)
        answers = [one.result() for one in racing]
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    assert len(exported(firm, "emily")) == 1


def test_what_was_signed_is_not_another_list(firm: RunningFirm) -> None:
    """E84: 20 of one list are signed; another list, more, and other fields each need their own touch."""
    book = firm.book("felix")
    with firm.log_in("felix") as felix:
        assert firm.touch(act_of(export(felix, book[:20])))
        for other in (book[20:40], book[:21], book[:19]):
            answer = export(felix, other)
            assert answer.status_code == 401
            firm.cancel(act_of(answer))
        more = felix.post("model.party.party.export_data", book[:20], [*FIELDS, "addresses/city"], False, {})
        assert more.status_code == 401
        firm.cancel(act_of(more))
        assert len(clients(export(felix, book[:20]))) == 20
