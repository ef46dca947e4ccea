"""The options are what a browser's `parse...FromJSON` takes."""

import json

from auth.client_data import decode
from auth.keys import ALGORITHMS
from auth.options import creation_options, request_options
from auth.tables import Person
from tests.services.house import RP_ID, Ceremonies


def test_both_kinds_of_options_are_json_and_demand_user_verification(ceremonies: Ceremonies, anna: Person) -> None:
    ceremonies.enrol(anna)
    registered = ceremonies.keys.of(anna.id)
    creation = creation_options(RP_ID, anna, b"c" * 32, ALGORITHMS, 300, registered)
    request = request_options(RP_ID, b"c" * 32, 119.5, registered)
    for options in (creation, request):
        assert json.loads(json.dumps(options)) == options
        assert decode(options["challenge"]) == b"c" * 32
    assert creation["authenticatorSelection"]["userVerification"] == request["userVerification"] == "required"
    assert creation["excludeCredentials"] == request["allowCredentials"]
    assert request["allowCredentials"][0]["transports"] == ["usb"]
    assert (creation["timeout"], request["timeout"]) == (300_000, 119_500)


def test_the_user_handle_says_nothing_about_the_person(anna: Person) -> None:
    handle = creation_options(RP_ID, anna, b"c" * 32, ALGORITHMS, 300, [])["user"]["id"]
    assert len(decode(handle)) == 32
    for word in (anna.id, anna.email, anna.name, anna.pseudonym):
        assert word.encode() not in decode(handle)
