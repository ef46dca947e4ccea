"""Who vouches for a key: each format, and what the library would let through."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from auth.attestation import vouched
from auth.client_data import CeremonyFault, decode
from auth.webauthn import read_attested
from deploy.demo.software_key import Lies, SoftwareKey
from tests.services.maker import NUMBER, OF_MODEL, Maker, certificate, name

MAKER = Maker()
ORIGIN = "http://torwart.localhost:8401"
OPTIONS = {"rp": {"id": "torwart.localhost"}, "user": {"id": "QQ"}, "challenge": "QQ"}
APPLE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
ANDROID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")


def _answer(lies, key=None):
    key = key or SoftwareKey()
    response = key.create(OPTIONS, ORIGIN, lies=lies)["response"]
    attested = read_attested(decode(response["attestationObject"]))
    return attested, hashlib.sha256(decode(response["clientDataJSON"])).digest()


def _refused(lies, key=None):
    with pytest.raises(CeremonyFault) as fault:
        vouched(*_answer(lies, key))
    return fault.value.cause


def _saying(kind, statement):
    return Lies(aaguid=NUMBER, vouch=lambda _data, _hash: (kind, statement))


def test_a_maker_vouches_for_its_key():
    assert vouched(*_answer(MAKER.packed())) == (MAKER.leaf, MAKER.between)
    assert vouched(*_answer(Lies())) == ()


@pytest.mark.parametrize(
    "leaf",
    [
        MAKER.leaf_of(bytes(16)),
        MAKER.leaf_of(None, extensions=[(x509.UnrecognizedExtension(OF_MODEL, NUMBER), False)]),
        MAKER.leaf_of(None, extensions=[(x509.UnrecognizedExtension(OF_MODEL, b"\x04\x10" + NUMBER), True)]),
        MAKER.leaf_of(ca=True),
        MAKER.leaf_of(ca=None),
        MAKER.leaf_of(subject=name("Maker Key", unit="Sales")),
        MAKER.leaf_of(key=MAKER.between_key),
        MAKER.leaf[:-1],
        b"",
    ],
    ids=[
        *("of another model", "no octets", "critical", "an authority", "says nothing about itself", "of another unit", "another key"),
        *("cut off", "nothing"),
    ],
)
def test_a_certificate_of_another_model_or_kind_vouches_for_nothing(leaf):
    assert _refused(MAKER.packed([leaf, MAKER.between])) in ("attestation", "attestation_model")


def test_a_certificate_that_names_no_model_may_vouch():
    leaf = MAKER.leaf_of(None)
    assert vouched(*_answer(MAKER.packed([leaf, MAKER.between]))) == (leaf, MAKER.between)


@pytest.mark.parametrize(
    ("kind", "statement", "cause"),
    [
        ("none", {"sig": b"x"}, "attestation"),
        ("packed", {}, "attestation"),
        ("packed", {"alg": -7, "sig": b"x", "x5c": []}, "attestation"),
        ("packed", {"alg": -7, "sig": b"x", "x5c": MAKER.leaf}, "attestation"),
        ("packed", {"alg": -7, "sig": b"x", "x5c": [1]}, "attestation"),
        ("packed", {"alg": -7, "sig": "x", "x5c": [MAKER.leaf]}, "attestation"),
        ("packed", {"alg": "ES256", "sig": b"x", "x5c": [MAKER.leaf]}, "attestation"),
        ("packed", {"alg": -257, "sig": b"x", "x5c": [MAKER.leaf]}, "attestation"),
        ("packed", {"alg": -7, "sig": b"x", "ecdaaKeyId": b"x"}, "attestation"),
        ("packed", {"alg": -7, "sig": b"x"}, "attestation"),
        ("tpm", {"alg": -7, "sig": b"x", "x5c": [MAKER.leaf], "certInfo": b"x", "pubArea": b"x"}, "attestation"),
        ("tpm", {}, "attestation"),
        ("fido-u2f", {"sig": b"x", "x5c": [MAKER.leaf]}, "attestation"),
        ("apple", {"x5c": [MAKER.leaf]}, "attestation"),
        ("android-key", {"alg": -7, "sig": b"x", "x5c": [MAKER.leaf]}, "signature"),
        ("android-key", {"alg": -7, "x5c": [MAKER.leaf]}, "attestation"),
        ("android-key", {}, "attestation"),
        ("android-safetynet", {}, "attestation_format"),
        ("compound", {}, "attestation_format"),
        ("", {}, "attestation_format"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused(kind, statement, cause):
    assert _refused(_saying(kind, statement)) == cause


def test_a_key_that_vouches_for_itself_has_nobody():
    key = SoftwareKey()

    def vouch(data, client_data_hash):
        return "packed", {"alg": -7, "sig": key._credentials[-1].key.sign(data + client_data_hash, ec.ECDSA(hashes.SHA256()))}

    assert vouched(*_answer(Lies(aaguid=NUMBER, vouch=vouch), key)) == ()


def _u2f(key, *, path):
    def vouch(data, client_data_hash):
        credential = key._credentials[-1]
        point = credential.key.public_key().public_numbers()
        public = b"\x04" + point.x.to_bytes(32) + point.y.to_bytes(32)
        message = b"\0" + data[:32] + client_data_hash + credential.id + public
        return "fido-u2f", {"sig": MAKER.leaf_key.sign(message, ec.ECDSA(hashes.SHA256())), "x5c": path}

    return vouch


def test_the_old_format_has_one_certificate_and_no_model():
    key = SoftwareKey()
    assert vouched(*_answer(Lies(vouch=_u2f(key, path=[MAKER.leaf])), key)) == (MAKER.leaf,)
    assert _refused(Lies(vouch=_u2f(key, path=[MAKER.leaf, MAKER.between])), key) == "attestation"
    assert _refused(Lies(aaguid=NUMBER, vouch=_u2f(key, path=[MAKER.leaf])), key) == "attestation"


def _apple(key, *, mine):
    def vouch(data, client_data_hash):
        nonce = b"\x30\x24\xa1\x22\x04\x20" + hashlib.sha256(data + client_data_hash).digest()
        about = key._credentials[-1].key if mine else MAKER.leaf_key
        return "apple", {"x5c": [MAKER.leaf_of(None, key=about, extensions=[(x509.UnrecognizedExtension(APPLE, nonce), False)])]}

    return vouch


def test_the_certificate_of_apple_is_about_the_key_itself():
    key = SoftwareKey()
    assert len(vouched(*_answer(Lies(aaguid=NUMBER, vouch=_apple(key, mine=True)), key))) == 1
    assert _refused(Lies(aaguid=NUMBER, vouch=_apple(key, mine=False)), key) == "attestation"


def _der(kind, inside):
    return bytes([kind]) + (bytes([len(inside)]) if len(inside) < 0x80 else b"\x82" + len(inside).to_bytes(2)) + inside


PURPOSE, ORIGIN_OF_KEY, EVERYBODY = b"\xa1", b"\xbf\x85\x3e", b"\xbf\x84\x58"
SIGN = PURPOSE + b"\x05\x31\x03\x02\x01\x02"
GENERATED = ORIGIN_OF_KEY + b"\x03\x02\x01\x00"


def _description(challenge, software, hardware):
    numbers = b"\x02\x01\x03\x0a\x01\x01\x02\x01\x04\x0a\x01\x01"
    return _der(0x30, numbers + _der(0x04, challenge) + _der(0x04, b"") + _der(0x30, software) + _der(0x30, hardware))


def _android(key, *, challenge=None, software=b"", hardware=SIGN + GENERATED, about=None, described=None):
    def vouch(data, client_data_hash):
        own = key._credentials[-1].key
        said = described if described is not None else _description(challenge or client_data_hash, software, hardware)
        leaf = certificate(
            name("Phone"),
            about or own,
            MAKER.between_name,
            MAKER.between_key,
            extensions=[(x509.UnrecognizedExtension(ANDROID, said), False)],
        )
        signature = own.sign(data + client_data_hash, ec.ECDSA(hashes.SHA256()))
        return "android-key", {"alg": -7, "sig": signature, "x5c": [leaf, MAKER.between]}

    return Lies(aaguid=NUMBER, vouch=vouch)


def test_a_phone_vouches_for_a_key_that_it_made_for_this_registration():
    key = SoftwareKey()
    assert len(vouched(*_answer(_android(key), key))) == 2
    assert len(vouched(*_answer(_android(key, software=SIGN, hardware=GENERATED), key))) == 2


@pytest.mark.parametrize(
    "how",
    [
        {"challenge": bytes(32)},
        {"about": MAKER.leaf_key},
        {"hardware": SIGN},
        {"hardware": GENERATED},
        {"hardware": SIGN + ORIGIN_OF_KEY + b"\x03\x02\x01\x02"},
        {"hardware": PURPOSE + b"\x08\x31\x06\x02\x01\x02\x02\x01\x00" + GENERATED},
        {"software": EVERYBODY + b"\x02\x05\x00"},
        {"hardware": SIGN + GENERATED + EVERYBODY + b"\x02\x05\x00"},
        {"hardware": SIGN + GENERATED + b"\xbf"},
        {"hardware": SIGN + GENERATED + b"\xbf\xff\xff\xff\xff\xff\xff\x01\x00"},
        {"described": b""},
        {"described": b"\x30\x00"},
        {"described": b"\x30\x84\xff\xff\xff\xff"},
        {"described": b"\x30\x05\x02\x01"},
    ],
)
def test_a_phone_that_says_something_else_vouches_for_nothing(how):
    key = SoftwareKey()
    assert _refused(_android(key, **how), key) == "attestation"
