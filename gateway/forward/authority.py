"""The installation's own certificate authority, by which the proxy opens TLS for the machines that trust it (attacks X10).

    state/ca/authority.key      its key, 0600; leaves this folder never
    state/ca/torwart-ca.pem     its certificate: what the firm's machines are told to trust

One authority per installation, made at the first start. Whoever has the key can read all TLS of those machines.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from auth.config_file import ConfigError

FOLDER, CERTIFICATE, KEY = "ca", "torwart-ca.pem", "authority.key"
AUTHORITY_DAYS = 730
LEAF_DAYS = 30
RENEW_DAYS = 15
"""A leaf with less than this left is made anew."""
KEPT_LEAVES = 512
_BACKDATED = timedelta(hours=1)
"""For machines whose clock is behind."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate for one host."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """Issues certificates for the hosts that people open. `file` is the public certificate."""

    def __init__(self, folder: Path, installation: str) -> None:
        """Take up the authority of a folder, or found one. `installation` names it for people, for example Torwart's host.

        Raises ConfigError when key or certificate are missing, readable by others, do not belong together, or have expired.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file = folder / CERTIFICATE
        if not self.file.exists() and not (folder / KEY).exists():
            _found(folder, installation)
        self._key, self._certificate = _read(folder)
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        """One key for all leaves of this run; it is never written anywhere."""
        self._leaves: OrderedDict[str, Leaf] = OrderedDict()

    @property
    def ends(self) -> datetime:
        """Until when the authority is good."""
        return self._certificate.not_valid_after_utc

    def leaf(self, host: str, now: datetime | None = None) -> Leaf:
        """A certificate for a host name or address. Raises ValueError for what cannot be one."""
        now = now or datetime.now(UTC)
        known = self._leaves.get(host)
        if known is not None and known.certificate.not_valid_after_utc > now + timedelta(days=RENEW_DAYS):
            self._leaves.move_to_end(host)
            return known
        leaf = self._leaves[host] = self._issue(host, now)
        if len(self._leaves) > KEPT_LEAVES:
            self._leaves.popitem(last=False)
        return leaf

    def _issue(self, host: str, now: datetime) -> Leaf:
        if now >= self.ends:
            raise ValueError("the authority has expired")
        name: x509.GeneralName
        try:
            name = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)] if len(host) <= 64 else [])
        key = self._leaf_key
        authority_id = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(min(now + timedelta(days=LEAF_DAYS) - _BACKDATED, self.ends))
            .add_extension(x509.SubjectAlternativeName([name]), critical=not subject.rdns)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Leaf(certificate, key)


def _found(folder: Path, installation: str) -> None:
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Torwart"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Torwart way out of {installation}"[:64]),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    _write(folder / KEY, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))


def _read(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    for path, right in ((folder, 0o700), (folder / KEY, 0o600), (folder / CERTIFICATE, 0o600)):
        try:
            facts = path.lstat()
        except FileNotFoundError:
            raise ConfigError([f"{path}: is missing — put it back from where it was moved, or move both files of {folder} away"]) from None
        if stat.S_ISLNK(facts.st_mode) or stat.S_IMODE(facts.st_mode) & ~right or facts.st_uid != os.geteuid():
            raise ConfigError([f"{path}: must be ours alone — chown {os.geteuid()} {path}; chmod {right:o} {path}"])
    try:
        key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    except (ValueError, TypeError):
        raise ConfigError([f"{folder}: key or certificate cannot be read — put both back as they were"]) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        raise ConfigError([f"{folder}: key and certificate do not belong together — put both back as they were"])
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        words = "move both files away: a new authority is made, and the machines must be told to trust it"
        raise ConfigError([f"{folder / CERTIFICATE}: has expired — {words}"])
    return key, certificate


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature, False, False, False, False, key_cert_sign, crl_sign, False, False)
