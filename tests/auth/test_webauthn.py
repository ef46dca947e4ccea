"""The one file that knows the library of FIDO2."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey, EdDSA
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


CURVE, EDWARDS, NUMBERS = (
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
)
KEYS: list[tuple[CoseKey, bytes]] = [
    (ES256.from_cryptography_key(CURVE.public_key()), CURVE.sign(b"message", ec.ECDSA(SHA256()))),
    (EdDSA.from_cryptography_key(EDWARDS.public_key()), EDWARDS.sign(b"message")),
    (RS256.from_cryptography_key(NUMBERS.public_key()), NUMBERS.sign(b"message", padding.PKCS1v15(), SHA256())),
]


@pytest.mark.parametrize(("key", "signature"), KEYS, ids=["ES256", "EdDSA", "RS256"])
def test_a_key_of_each_kind_that_is_offered_signs_one_message(key: CoseKey, signature: bytes) -> None:
    public = cbor.encode(dict(key))
    for _ in range(2):  # the second time it is loaded already
        verify_signature(public, b"message", signature)
        for message, told in ((b"massage", signature), (b"message", signature[:-1]), (b"message", b""), (b"message", KEYS[0][1][::-1])):
            with pytest.raises(CeremonyFault, match="signature"):
                verify_signature(public, message, told)


@pytest.mark.parametrize(
    "change", [{3: -47}, {3: -9}, {3: -35}, {3: -19}, {3: -37}, {3: 0}, {-1: 2}, {-1: 3}, {-2: b"x" * 32}, {-2: "x"}], ids=str
)
@pytest.mark.parametrize(("key", "signature"), KEYS[:1], ids=["ES256"])
def test_another_algorithm_curve_or_point_verifies_nothing(key: CoseKey, signature: bytes, change: dict[int, object]) -> None:
    with pytest.raises(CeremonyFault, match=r"algorithm|signature"):
        verify_signature(cbor.encode({**key, **change}), b"message", signature)


@pytest.mark.parametrize(
    ("flags", "behind", "cause"),
    [
        (0x05, b"", None),
        (0x85, cbor.encode({"credProtect": 2}), None),
        (0x05, b"x", "malformed"),
        (0x05, cbor.encode({}), "malformed"),
        (0x85, b"", "malformed"),
        (0x85, cbor.encode({}) + b"x", "malformed"),
        (0x45, b"", "malformed"),
    ],
)
def test_behind_the_fixed_part_stands_what_the_flags_say_to_the_last_byte(flags: int, behind: bytes, cause: str | None) -> None:
    raw = b"h" * 32 + bytes([flags]) + (7).to_bytes(4) + behind
    assert _cause(read_signed, raw) == cause
    if cause is None:
        found = read_signed(raw)
        assert (found.rp_id_hash, found.counter, found.user_verified, found.backup_eligible) == (b"h" * 32, 7, True, False)
    assert _cause(read_signed, raw[:36]) == "malformed"
