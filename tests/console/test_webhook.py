import hmac
import json
from datetime import UTC, datetime

import pytest

from console.delivery import DeliveryError
from console.webhook import WebhookChannel, signature
from deploy.demo.tryton_process import free_port
from tests.console.test_notice import STOPPED, notice
from tests.services.post import Hook

AT = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)
KEY = bytes(range(32))


def test_the_receiver_can_verify_what_it_got_with_the_key_alone(hook: Hook):
    told = notice(STOPPED)
    WebhookChannel(hook.url, KEY).send(told, AT)
    (posted,) = hook.posted
    timestamp = posted.headers["Torwart-Timestamp"]
    assert timestamp == str(int(AT.timestamp()))
    expected = hmac.new(KEY, timestamp.encode() + b"." + posted.body, "sha256").hexdigest()
    assert posted.headers["Torwart-Signature"] == f"v1={expected}"
    assert json.loads(posted.body) == told.payload()
    assert posted.headers["Content-Type"] == "application/json"


def test_a_changed_time_body_or_key_has_another_signature():
    assert len({signature(KEY, "1", b"{}"), signature(KEY, "2", b"{}"), signature(KEY, "1", b"[]"), signature(bytes(32), "1", b"{}")}) == 4


@pytest.mark.parametrize("status", [302, 400, 500])
def test_an_answer_other_than_2xx_is_a_failed_delivery(hook: Hook, status: int):
    hook.status = status
    with pytest.raises(DeliveryError, match=f"^the web hook answered {status}$"):
        WebhookChannel(hook.url, KEY).send(notice(STOPPED), AT)


def test_a_redirect_is_not_followed(hook: Hook):
    hook.status, hook.location = 307, hook.url + "/elsewhere"
    with pytest.raises(DeliveryError):
        WebhookChannel(hook.url, KEY).send(notice(STOPPED), AT)
    assert len(hook.posted) == 1


def test_nobody_there_is_a_failed_delivery():
    with pytest.raises(DeliveryError, match="ConnectError"):
        WebhookChannel(f"http://127.0.0.1:{free_port()}/", KEY).send(notice(STOPPED), AT)
