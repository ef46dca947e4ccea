"""X1: a signature made on the CRM's origin, or anywhere but on Torwart's own host, is refused for every purpose."""

import pytest

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.keys import KeyRefusedError
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies

FOREIGN = [
    "http://crm.localhost:8400",
    "http://crm.torwart.localhost:8401",
    "http://torwart.localhost:8400",
    "https://torwart.localhost:8401",
    "http://torwart.localhost",
    "http://torwart.localhost.:8401",
    "null",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_act_is_confirmed_by_a_signature_from_elsewhere(ceremonies: Ceremonies, anna: Person, origin: str) -> None:
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), origin))
    assert ceremonies.stepup.take(act.id, act.digest) is None
    (event,) = ceremonies.house.events.of(EventAction.STEP_UP_REFUSED)
    assert event.document["torwart"]["words"]["cause"] == "origin"


@pytest.mark.parametrize("origin", FOREIGN)
def test_nobody_signs_in_by_a_signature_from_elsewhere(ceremonies: Ceremonies, anna: Person, origin: str) -> None:
    key = ceremonies.enrol(anna)
    options, state = ceremonies.sign_in.begin()
    with pytest.raises(KeyRefusedError):
        ceremonies.sign_in.complete(state, key.get(options, origin))
    assert ceremonies.house.events.of(EventAction.CONSOLE_LOGIN) == []


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_key_is_registered_from_elsewhere(ceremonies: Ceremonies, anna: Person, origin: str) -> None:
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, origin))
    assert ceremonies.keys.of(anna.id) == []


def test_a_page_that_embeds_torwart_gets_no_signature_accepted(ceremonies: Ceremonies, anna: Person) -> None:
    from deploy.demo.software_key import Lies

    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    for members in ({"crossOrigin": True, "topOrigin": "http://crm.localhost:8400"}, {"crossOrigin": True}):
        with pytest.raises(StepUpRefused):
            ceremonies.stepup.complete(act.id, key.get(ceremonies.stepup.begin(act.id), TORWART, lies=Lies(members=members)))
    assert ceremonies.stepup.take(act.id, act.digest) is None
