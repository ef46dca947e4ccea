"""Chains of certificates: dates, names, signatures, and who may issue."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from auth.certificates import MAX_CERTIFICATES, leads_to, read_certificate
from tests.services.maker import Maker, certificate, name

NOW = datetime.now(UTC)
MAKER = Maker()
CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
SIGNS_NOTHING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _between(**how):
    return certificate(MAKER.between_name, MAKER.between_key, MAKER.root_name, MAKER.root_key, **{"ca": True, **how})


def test_a_chain_leads_to_its_root_only():
    other = Maker()
    assert leads_to([MAKER.leaf, MAKER.between], [other.root, MAKER.root], NOW)
    assert leads_to([MAKER.leaf, MAKER.between, MAKER.root], [MAKER.root], NOW), "the root may stand in it"
    assert leads_to([MAKER.leaf], [MAKER.leaf], NOW), "this very certificate is trusted"
    assert leads_to([MAKER.leaf], [MAKER.between], NOW)
    assert not leads_to([MAKER.leaf, MAKER.between], [other.root], NOW)
    assert not leads_to([MAKER.leaf, MAKER.between], [], NOW)
    assert not leads_to([MAKER.leaf], [MAKER.root], NOW), "a link is missing"
    assert not leads_to([MAKER.between, MAKER.leaf], [MAKER.root], NOW)
    assert not leads_to([], [MAKER.root], NOW)
    assert not leads_to([b"", MAKER.between], [MAKER.root], NOW)
    assert not leads_to([MAKER.leaf, MAKER.between], [b"no certificate"], NOW)
    assert not leads_to([MAKER.leaf] * (MAX_CERTIFICATES + 1), [MAKER.leaf], NOW)


@pytest.mark.parametrize(
    ("between", "good"),
    [
        (_between(), True),
        (_between(path_length=0), True),
        (_between(ca=False), False),
        (_between(ca=None), False),
        (_between(days=(-100, -1)), False),
        (_between(days=(1, 100)), False),
        (_between(extensions=[(SIGNS_NOTHING, True)]), False),
        (_between(extensions=[(CRITICAL, True)]), False),
        (_between(extensions=[(CRITICAL, False)]), True),
        (certificate(MAKER.between_name, MAKER.between_key, MAKER.root_name, MAKER.between_key, ca=True), False),
        (certificate(MAKER.between_name, MAKER.between_key, name("Somebody"), MAKER.root_key, ca=True), False),
    ],
    ids=[
        *("good", "path length enough", "no authority", "says nothing about itself", "over", "not yet", "may not sign certificates"),
        *("a critical extension that nobody understands", "one that is not critical", "another signature", "another issuer's name"),
    ],
)
def test_an_authority_in_between(between, good):
    assert leads_to([MAKER.leaf, between], [MAKER.root], NOW) is good


def test_the_path_length_counts_what_stands_below():
    below_key = ec.generate_private_key(ec.SECP256R1())
    below = certificate(name("Below"), below_key, MAKER.between_name, MAKER.between_key, ca=True)
    leaf = certificate(name("Leaf"), MAKER.leaf_key, name("Below"), below_key)
    assert leads_to([leaf, below, _between()], [MAKER.root], NOW)
    assert leads_to([leaf, below, _between(path_length=1)], [MAKER.root], NOW)
    assert not leads_to([leaf, below, _between(path_length=0)], [MAKER.root], NOW)


def test_every_certificate_is_asked_at_the_time_of_the_registration():
    short = MAKER.leaf_of(days=(-10, -5))
    assert leads_to([short, MAKER.between], [MAKER.root], NOW - timedelta(days=7))
    assert not leads_to([short, MAKER.between], [MAKER.root], NOW)
    expired = certificate(MAKER.root_name, MAKER.root_key, MAKER.root_name, MAKER.root_key, ca=True, days=(-50, -1))
    assert not leads_to([MAKER.leaf, MAKER.between], [expired], NOW)


def test_weak_keys_vouch_for_nothing():
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- that is the point
    assert not leads_to([MAKER.leaf_of(key=weak), MAKER.between], [MAKER.root], NOW)


def test_what_is_no_certificate_is_one_error():
    for junk in (b"", b"\0", MAKER.leaf[:-1], MAKER.leaf + b"\0", b"-----BEGIN CERTIFICATE-----"):
        with pytest.raises(ValueError, match="not a certificate"):
            read_certificate(junk)
