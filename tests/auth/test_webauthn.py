"""The one file that knows the library of FIDO2."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import auth
from auth.client_data import CeremonyFault, decode
from auth.webauthn import read_attested, read_signed, verify_signature
from deploy.demo.software_key import SoftwareKey

OPTIONS = {"rp": {"id": "torwart.localhost"}, "user": {"id": "QQ"}, "challenge": "QQ"}
ANSWER = SoftwareKey().create(OPTIONS, "http://torwart.localhost:8401")
OBJECT = decode(ANSWER["response"]["attestationObject"])

CAUSES = (None, "malformed", "algorithm", "credential_id")


def test_no_other_file_of_this_folder_imports_it():
    folder = Path(auth.__file__).parent
    knows = {path.name for path in folder.glob("*.py") if "fido2" in path.read_text(encoding="utf-8").replace("auth.webauthn", "")}
    assert knows == {"webauthn.py"}


def test_what_an_authenticator_says_is_read():
    found = read_attested(OBJECT)
    assert (found.format, dict(found.statement)) == ("none", {})
    assert (found.credential.id, found.credential.algorithm) == (decode(ANSWER["id"]), -7)
    assert found.credential.aaguid == "00000000-0000-0000-0000-000000000000"
    assert (found.signed.user_present, found.signed.user_verified, found.signed.backup_eligible) == (True, True, False)
    assert read_signed(found.signed.raw) == found.signed


def _cause(read, data):
    try:
        read(data)
    except CeremonyFault as fault:
        return fault.cause
    return None


@given(st.binary(max_size=300))
def test_what_cannot_be_read_is_one_fault(data):
    for read in (read_attested, read_signed):
        assert _cause(read, data) in CAUSES


@given(st.integers(0, len(OBJECT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_read_or_one_fault(place, by):
    assert _cause(read_attested, OBJECT[:place] + bytes([OBJECT[place] ^ by]) + OBJECT[place + 1 :]) in CAUSES


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_signature_that_is_none_is_one_fault(key, signature):
    for public in (key, read_attested(OBJECT).credential.public_key):
        with pytest.raises(CeremonyFault):
            verify_signature(public, b"message", signature)
