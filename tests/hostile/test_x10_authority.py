"""Attacks X10: the authority that opens TLS is one per installation, readable by nobody else, and leaves its folder never."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from auth.config_file import ConfigError
from auth.installation import check_rights
from gateway.forward.authority import AUTHORITY_DAYS, CERTIFICATE, KEY, LEAF_DAYS, Authority


def folder_of(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ca"


def test_folder_and_key_are_for_nobody_else(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    Authority(folder, "torwart.firma.example")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {KEY: 0o600, CERTIFICATE: 0o600}
    check_rights(tmp_path / "state" / "ca")


def test_two_installations_have_two_authorities_and_one_keeps_its_own(tmp_path: Path) -> None:
    first, second = (Authority(tmp_path / name, "torwart.firma.example") for name in ("a", "b"))
    assert first.file.read_bytes() != second.file.read_bytes()
    before = first.file.read_bytes()
    assert Authority(tmp_path / "a", "torwart.firma.example").file.read_bytes() == before


def test_its_certificate_says_what_it_may_and_no_more(tmp_path: Path) -> None:
    found = x509.load_pem_x509_certificate(Authority(folder_of(tmp_path), "torwart.firma.example").file.read_bytes())
    constraints = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)
    assert "torwart.firma.example" in found.subject.rfc4514_string()
    assert found.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=AUTHORITY_DAYS)
    assert isinstance(found.public_key(), ec.EllipticCurvePublicKey)


@pytest.mark.parametrize(
    "host", ["web.example", "a" * 63 + "." + "b" * 63 + ".example", "xn--bcher-kva.example", "192.0.2.7", "2001:db8::7"]
)
def test_a_leaf_is_short_names_one_host_and_is_signed_by_it(tmp_path: Path, host: str) -> None:
    authority = Authority(folder_of(tmp_path), "torwart.firma.example")
    leaf = authority.leaf(host).certificate
    issuer = x509.load_pem_x509_certificate(authority.file.read_bytes())
    leaf.verify_directly_issued_by(issuer)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=LEAF_DAYS)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == [host]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    identifier = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert identifier == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_a_leaf_is_made_anew_before_it_ends(tmp_path: Path) -> None:
    authority = Authority(folder_of(tmp_path), "torwart.firma.example")
    now = datetime.now(UTC)
    first = authority.leaf("web.example", now).certificate
    assert authority.leaf("web.example", now + timedelta(days=10)).certificate == first
    assert authority.leaf("web.example", now + timedelta(days=20)).certificate != first


def test_no_leaf_outlives_the_authority(tmp_path: Path) -> None:
    authority = Authority(folder_of(tmp_path), "torwart.firma.example")
    late = authority.leaf("web.example", authority.ends - timedelta(days=1)).certificate
    assert late.not_valid_after_utc <= authority.ends
    with pytest.raises(ValueError, match="expired"):
        authority.leaf("other.example", authority.ends)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / KEY).chmod(0o640), "chmod 600"),
        (lambda folder: (folder / CERTIFICATE).chmod(0o604), "chmod 600"),
        (lambda folder: folder.chmod(0o750), "chmod 700"),
        (lambda folder: (folder / KEY).unlink(), "is missing"),
        (lambda folder: (folder / CERTIFICATE).unlink(), "is missing"),
        (lambda folder: (folder / KEY).write_bytes(b"nothing"), "cannot be read"),
        (lambda folder: (folder / CERTIFICATE).write_bytes(b"nothing"), "cannot be read"),
        (lambda folder: (folder / KEY).rename(folder / "moved") and (folder / KEY).symlink_to(folder / "moved"), "ours alone"),
    ],
)
def test_a_spoilt_authority_refuses_the_start_in_one_line(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    folder = folder_of(tmp_path)
    Authority(folder, "torwart.firma.example")
    spoil(folder)
    with pytest.raises(ConfigError) as error:
        Authority(folder, "torwart.firma.example")
    assert said in str(error.value)
    assert len(error.value.errors) == 1


def test_a_foreign_key_is_no_authority_here(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    Authority(folder, "torwart.firma.example")
    Authority(tmp_path / "other", "torwart.firma.example")
    (folder / KEY).write_bytes((tmp_path / "other" / KEY).read_bytes())
    with pytest.raises(ConfigError, match="do not belong together"):
        Authority(folder, "torwart.firma.example")


def test_its_key_is_in_no_text_of_it(tmp_path: Path) -> None:
    authority = Authority(folder_of(tmp_path), "torwart.firma.example")
    key = (folder_of(tmp_path) / KEY).read_text(encoding="ascii")
    middle = key.splitlines()[1]
    assert middle not in authority.file.read_text(encoding="ascii")
    assert middle not in repr(authority) + repr(vars(authority)) + repr(authority.leaf("web.example"))
