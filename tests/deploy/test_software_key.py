"""The demo's software key behaves like a browser with a hardware key."""

import json

import pytest
from fido2.webauthn import AttestationObject, AuthenticatorData, CollectedClientData

from auth.client_data import decode, encode
from deploy.demo.software_key import Lies, SoftwareKey, SoftwareKeyError

ORIGIN = "http://torwart.localhost:8401"
CREATE = {"rp": {"id": "torwart.localhost"}, "user": {"id": "dXNlcg"}, "challenge": encode(b"c" * 32)}
GET = {"rpId": "torwart.localhost", "challenge": encode(b"d" * 32)}


def test_its_answers_are_read_by_a_library_that_it_does_not_use() -> None:
    key = SoftwareKey()
    made, used = key.create(CREATE, ORIGIN)["response"], key.get(GET, ORIGIN)["response"]
    attested = AttestationObject(decode(made["attestationObject"])).auth_data
    assert attested.credential_data is not None
    assert attested.is_user_verified()
    data, client = AuthenticatorData(decode(used["authenticatorData"])), CollectedClientData(decode(used["clientDataJSON"]))
    assert (client.origin, client.challenge, client.type) == (ORIGIN, b"d" * 32, "webauthn.get")
    attested.credential_data.public_key.verify(data + client.hash, decode(used["signature"]))


def test_it_counts_every_use() -> None:
    key = SoftwareKey()
    key.create(CREATE, ORIGIN)
    counters = [AuthenticatorData(decode(key.get(GET, ORIGIN)["response"]["authenticatorData"])).counter for _ in range(3)]
    assert counters == [2, 3, 4]


def test_it_uses_only_a_credential_that_is_allowed_and_of_this_host() -> None:
    key = SoftwareKey()
    first, second = (key.create(CREATE, ORIGIN)["id"] for _ in range(2))
    assert key.get({**GET, "allowCredentials": [{"id": first, "type": "public-key"}]}, ORIGIN)["id"] == first
    assert key.get(GET, ORIGIN)["id"] == second
    for options in ({**GET, "rpId": "crm.localhost"}, {**GET, "allowCredentials": [{"id": "QQ"}]}):
        with pytest.raises(SoftwareKeyError):
            key.get(options, ORIGIN)


def test_it_goes_on_counting_after_being_written_down() -> None:
    key = SoftwareKey()
    key.create(CREATE, ORIGIN)
    again = SoftwareKey.from_json(json.loads(json.dumps(key.to_json())))
    assert AuthenticatorData(decode(again.get(GET, ORIGIN)["response"]["authenticatorData"])).counter == 2


def test_it_lies_when_told_to() -> None:
    key = SoftwareKey()
    key.create(CREATE, ORIGIN)
    answer = key.get(GET, ORIGIN, user_verified=False, lies=Lies(members={"crossOrigin": True}, backed_up=True, counter=7))["response"]
    data = AuthenticatorData(decode(answer["authenticatorData"]))
    assert (data.is_user_verified(), data.is_backed_up(), data.counter) == (False, True, 7)
    assert CollectedClientData(decode(answer["clientDataJSON"])).cross_origin
