"""The list of models of the FIDO Alliance: who signed it, whether it is of today, and what it says."""

import json
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.metadata import ROOT, SIGNER, WITHDRAWN, MetadataError, Report, read_metadata, read_root
from tests.services.maker import AAGUID, Maker
from tests.services.maker import SIGNER as MAKERS

NOW = datetime.now(UTC)
MAKER, BY_RSA = Maker(), Maker(rsa_list=True)
BLOB = MAKER.blob(MAKER.entry())
EXAMPLE = json.loads((Path(__file__).parents[1] / "data" / "mds3_example.json").read_text(encoding="utf-8"))["data"]
EXAMPLE_ROOT = b64decode(EXAMPLE["EXAMPLE_CA"])
EXAMPLE_MODEL = "0132d110-bf4e-4208-a403-ab4f5f12efe5"


def _read(blob, maker=MAKER, signer=MAKERS, **how):
    return read_metadata(blob, maker.root, signer, how.pop("now", NOW), **how)


def test_the_example_of_the_alliance_is_out_of_date():
    blob = EXAMPLE["EXAMPLE_BLOB"].encode()
    with pytest.raises(MetadataError, match="out of date since 2020-03-30"):
        read_metadata(blob, EXAMPLE_ROOT, None, NOW)
    found = read_metadata(blob, EXAMPLE_ROOT, None, NOW, old=True)
    assert (found.number, found.next_update, found.is_old(NOW.date())) == (15, date(2020, 3, 30), True)
    (model,) = found.models  # the other entry is of UAF, which is no WebAuthn
    assert (model.aaguid, model.name, len(model.roots)) == (EXAMPLE_MODEL, "FIDO Alliance Sample FIDO2 Authenticator", 1)
    with pytest.raises(MetadataError, match="not signed by"):
        read_metadata(blob, EXAMPLE_ROOT, SIGNER, NOW, old=True)
    with pytest.raises(MetadataError, match="trusted root"):
        read_metadata(blob, read_root(ROOT), SIGNER, NOW, old=True)


@pytest.mark.parametrize("maker", [MAKER, BY_RSA], ids=["ES256", "RS256"])
def test_a_list_with_a_right_signature_is_read(maker):
    revoked = {"status": "REVOKED", "effectiveDate": "2026-02-01"}
    found = _read(maker.blob(maker.entry(revoked)), maker)
    (model,) = found.models
    assert (found.number, model.aaguid, model.roots) == (7, AAGUID, (maker.root,))
    assert model.reports[-1] == Report("REVOKED", "2026-02-01", None)
    assert _read(b"\n" + maker.blob(maker.entry()) + b"\r\n", maker).models[0].withdrawn(()) is None


def test_a_list_is_out_of_date_the_day_after():
    blob = MAKER.blob(MAKER.entry(), next_update=NOW.date())
    assert not _read(blob).is_old(NOW.date())
    with pytest.raises(MetadataError, match="out of date"):
        _read(blob, now=NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"", "no list"),
        (b"a.b", "no list"),
        (b"a.b.c.d", "no list"),
        (b"*.b.c", "cannot be read"),
        (b"\xff.b.c", "cannot be read"),
        (b"W10.W10.W10", "cannot be read"),
        (MAKER.blob(header={"alg": "none"}), "not known here"),
        (MAKER.blob(header={"alg": "HS256"}), "not known here"),
        (MAKER.blob(header={"alg": "RS256"}), "signature"),
        (MAKER.blob(header={"x5c": None}), "not known here"),
        (MAKER.blob(header={"x5c": []}), "not known here"),
        (MAKER.blob(header={"x5c": [5]}), "certificates in the file cannot"),
        (MAKER.blob(header={"x5c": ["*"]}), "certificates in the file cannot"),
        (MAKER.blob(header={"x5c": ["AAAA"]}), "trusted root"),
        (BY_RSA.blob(), "trusted root"),
        (MAKER.blob(payload={"no": "7"}), "another form"),
        (MAKER.blob(payload={"no": True}), "another form"),
        (MAKER.blob(payload={"nextUpdate": "soon"}), "another form"),
        (MAKER.blob(payload={"entries": {}}), "another form"),
        (MAKER.blob(payload={"entries": [5]}), "another form"),
        (MAKER.blob({"aaguid": AAGUID, "metadataStatement": {}}), "another form"),
    ],
)
def test_every_fault_is_one_sentence_that_says_what_to_do(blob, words):
    with pytest.raises(MetadataError, match=words):
        _read(blob)


def test_a_list_that_somebody_else_signed_under_the_same_root_is_refused():
    """The root signs for the whole world: a certificate for another name must not sign a list."""
    with pytest.raises(MetadataError, match=r"not signed by mds\.fidoalliance\.org"):
        _read(MAKER.blob(MAKER.entry()), signer=SIGNER)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_byte_anywhere_is_refused(data):
    blob = BLOB
    place = data.draw(st.integers(0, len(blob) - 1))
    byte = data.draw(st.sampled_from([one for one in b"ABCDEFGHabcdefgh0123-_." if one != blob[place]]))
    try:
        found = _read(blob[:place] + bytes([byte]) + blob[place + 1 :])
    except MetadataError:
        return
    assert found == _read(blob), "a bit that base64 does not use"


def test_a_report_about_one_certificate_is_about_no_other():
    stolen = {"status": "ATTESTATION_KEY_COMPROMISE", "certificate": " " + urlsafe_b64encode(b"\0\0\0").decode() + "\n"}
    (model,) = _read(MAKER.blob(MAKER.entry(stolen))).models
    assert model.withdrawn((b"\0\0\0",)) == "ATTESTATION_KEY_COMPROMISE"
    assert model.withdrawn((MAKER.leaf, MAKER.between)) is None


@pytest.mark.parametrize("status", sorted(WITHDRAWN))
def test_a_model_is_withdrawn_by_any_status_of_that_kind(status):
    (model,) = _read(MAKER.blob(MAKER.entry({"status": status}))).models
    assert model.withdrawn(()) == status


def test_the_root_that_is_shipped_is_the_one_of_the_alliance():
    root = x509.load_der_x509_certificate(read_root(ROOT))
    assert "GlobalSign Root CA - R3" in root.subject.rfc4514_string()
    assert root.not_valid_after_utc > NOW


def test_a_root_is_read_from_pem_or_der(tmp_path):
    der, pem = tmp_path / "root.der", tmp_path / "root.pem"
    der.write_bytes(MAKER.root)
    pem.write_bytes(x509.load_der_x509_certificate(MAKER.root).public_bytes(serialization.Encoding.PEM))
    assert read_root(der) == read_root(pem) == MAKER.root
    for path, data in ((tmp_path / "none", None), (tmp_path / "junk", b"junk"), (tmp_path / "broken", b"-----BEGIN CERTIFICATE-----\n")):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(MetadataError, match="holds no certificate"):
            read_root(path)
