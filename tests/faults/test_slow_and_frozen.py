"""What happens between question and answer: a slow CRM, a freeze, a client that has gone. Nothing of it releases anything."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from deploy.demo.ceremony import act_of
from tests.services.gateway import FIELDS, Founded, RunningFirm, error, phase, reason, result, running_firm
from tests.services.waiting import until

pytestmark = pytest.mark.slow
NO_TOUCH_SECONDS = 5.0
"""Far above the second that the issue allows, far below the two minutes after which a held act ends by itself."""


@pytest.fixture(autouse=True)
def healed(firm: RunningFirm) -> Iterator[None]:
    yield
    firm.hop.healed()


def freeze(firm: RunningFirm, login: str) -> None:
    with firm.people() as people:
        person = people.by_account(login)
        assert person is not None
        people.freeze(person.id, None)


def test_a_crm_that_is_too_slow_is_given_up(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("slow") / "run"
    with running_firm(founded, folder, more="  upstream_timeout_seconds: 3\n") as firm, firm.log_in("sabine") as sabine:
        firm.hop.delay_seconds = 9.0
        answer = sabine.post("model.party.party.read", [1], FIELDS, {})
        assert answer.status_code == 502
        assert not firm.leaks(answer.content)
        assert reason(firm.record()[-1]) == "upstream_down"


def test_a_freeze_while_the_crm_thinks_gives_nothing_out(firm: RunningFirm) -> None:
    with firm.log_in("felix") as felix:
        own = firm.book("felix")[:3]
        mark = len(firm.hop.seen)
        firm.hop.delay_seconds = 1.5
        waiting = firm.soon(lambda: felix.post("model.party.party.read", own, FIELDS, {}))
        until(lambda: firm.hop.since(mark))
        freeze(firm, "felix")
        answer = waiting.result(10)
        assert answer.status_code in (401, 403)
        assert not firm.leaks(answer.content)
        assert phase(firm.record()[-1]) == "denied"
        firm.hop.healed()
        assert felix.post("model.party.party.read", own, FIELDS, {}).status_code in (401, 403)


def test_a_freeze_ends_a_held_act_at_once(firm: RunningFirm) -> None:
    dmitri = firm.browser("dmitri")
    own = firm.book("dmitri")[:3]
    dmitri.listen()
    waiting = firm.soon(lambda: dmitri.post("model.party.party.export_data", own, FIELDS, True, {}))
    act_id = dmitri.held()
    freeze(firm, "dmitri")
    answer = waiting.result(NO_TOUCH_SECONDS)
    assert not firm.leaks(answer.content)
    assert answer.status_code == 401 or error(answer)
    ends = [event for event in firm.record() if event["torwart"].get("act", {}).get("id") == act_id]
    assert [phase(event) for event in ends if phase(event)][-1] in ("not_confirmed", "denied")


def test_a_client_that_goes_while_its_act_is_held_gets_nothing_and_leaves_a_note(firm: RunningFirm) -> None:
    carla = firm.browser("carla")
    own = firm.book("carla")[:3]
    carla.listen()
    body = json.dumps({"id": 1, "method": "model.party.party.export_data", "params": [own, FIELDS, True, {}]})
    head = f"POST /crm/rpc/ HTTP/1.1\r\nHost: crm.localhost:{firm.gateway.port}\r\nCookie: {carla.cookie}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head += "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\r\n"
    with socket.create_connection(("127.0.0.1", firm.gateway.port)) as connection:
        connection.sendall((head + body).encode())
        act_id = carla.held()
    ended = until(lambda: [e for e in firm.record() if phase(e) == "not_confirmed" and e["torwart"]["act"]["id"] == act_id])
    assert len(ended) == 1
    assert firm.act_state(act_id) == "cancelled"
    assert not any(phase(e) == "released" and e["torwart"]["act"]["id"] == act_id for e in firm.record())


def test_a_touch_after_the_cancellation_comes_too_late(firm: RunningFirm) -> None:
    with firm.log_in("carla") as carla:
        own = firm.book("carla")[5:8]
        held = carla.post("model.party.party.export_data", own, FIELDS, True, {})
        act_id = act_of(held)
        assert firm.touch(act_id)
        firm.cancel(act_id)
        again = carla.post("model.party.party.export_data", own, FIELDS, True, {})
        assert again.status_code == 401
        firm.cancel(act_of(again))


def test_twenty_lists_at_once_do_not_pass_the_limit(firm: RunningFirm) -> None:
    """The limit on others' clients: 450 of them a day at most, the key from 300 on, and only one of them may be touched for."""
    others = firm.others("emily")
    pages = [others[start : start + 40] for start in range(0, 800, 40)]
    with firm.log_in("emily") as emily:
        together = threading.Barrier(len(pages))

        def ask(page: list[int]) -> int:
            together.wait()
            answer = emily.post("model.party.party.read", page, ["name", "email"], {})
            return len(result(answer)) if answer.status_code == 200 else 0

        racing = [firm.threads.submit(ask, page) for page in pages]
        wait(racing)
    shown = sum(one.result() for one in racing)
    assert 0 < shown < 300


def test_the_gateway_says_good_bye_to_acts_that_wait(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> None:
    """X15: a restart ends what waits, and a touch from before it is worth nothing."""
    with running_firm(founded, tmp_path_factory.mktemp("restart") / "run") as firm, firm.log_in("anna") as anna:
        own = firm.book("anna")[:3]
        act_id = act_of(anna.post("model.party.party.export_data", own, FIELDS, True, {}))
        assert firm.touch(act_id)
        firm.gateway.kill()
        time.sleep(0.1)
        firm.gateway.start()
        answer = anna.post("model.party.party.export_data", own, FIELDS, True, {})
        assert answer.status_code == 401
        assert act_of(answer) != act_id
        assert firm.act_state(act_id) == "expired"
