"""FIDO's list of authenticator models (Metadata Service, version 3.1), read from the file that its web site gives out.

The checks of a file, which never leaves it to the network to say who signed it:

 1. it is a signed token of three parts (RFC 7515) and not too large
 2. its algorithm is ES256 or RS256, and its certificates stand in it
 3. the certificates lead to the root that is trusted, and the first one has the name of who may sign
 4. the signature is right
 5. the list has a number, a day for the next one, and entries
 6. it is not out of date

That its number is not smaller than that of the list before is asked by `auth.key_models`.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from auth.certificates import leads_to, read_certificate
from auth.client_data import CeremonyFault, decode

MAX_BYTES = 64 * 1024 * 1024
"""The list of 2026 has about 7 MB, most of it pictures."""
ROOT = Path(__file__).with_name("fido_metadata_root.pem")
"""GlobalSign Root CA - R3, by which the FIDO Alliance has its list signed (https://fidoalliance.org/metadata/)."""
SIGNER = "mds.fidoalliance.org"
"""The root signs for the whole world, so the name in the certificate says that it was the FIDO Alliance."""
WITHDRAWN = frozenset(
    {
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    }
)
"""Statuses after which nobody should trust a model any more (Metadata Service, section 3.1.4)."""


class MetadataError(Exception):
    """The list cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became known of a model."""

    status: str
    since: str | None
    """Day, `2024-09-03`; None where the list does not say."""
    certificate: str | None
    """Base64 of the one certificate that it is about; None: the whole model."""


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of authenticator."""

    aaguid: str | None
    """None for the old ones, which are known by the key of their certificate."""
    identifiers: tuple[str, ...]
    """Hexadecimal key identifiers of the certificates of such old ones."""
    name: str
    roots: tuple[bytes, ...]
    """Certificates that vouch for it, DER."""
    reports: tuple[Report, ...]

    def withdrawn(self, path: Sequence[bytes]) -> str | None:
        """The status by which nobody may trust a key of this model, whose certificates these are; None: nothing is known against it."""
        known = set(path)
        for report in self.reports:
            if report.status in WITHDRAWN and (report.certificate is None or _der(report.certificate) in known):
                return report.status
        return None


@dataclass(frozen=True, slots=True)
class Metadata:
    """The list."""

    number: int
    next_update: date
    models: tuple[Model, ...]

    def is_old(self, today: date) -> bool:
        """Whether a newer list has to be there by now."""
        return self.next_update < today


def read_root(path: Path) -> bytes:
    """The root that is trusted, from a PEM or DER file. Raises MetadataError."""
    try:
        data = path.read_bytes()
        found = x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else read_certificate(data)
    except (OSError, ValueError):
        raise MetadataError(f"{path} holds no certificate — name the file of the root that signs the list") from None
    return found.public_bytes(serialization.Encoding.DER)


def read_metadata(blob: bytes, root: bytes, signer: str | None, now: datetime, *, old: bool = False) -> Metadata:
    """The list in a file, if all of it is right. `signer`: the name that its certificate must have; None: any.

    `old`: one that is out of date is taken too. Raises MetadataError.
    """
    if len(blob) > MAX_BYTES:  # 1
        raise MetadataError(f"the file has more than {MAX_BYTES // 1024**2} MB — it is no list of the FIDO Alliance")
    parts = blob.strip().split(b".")
    if len(parts) != 3:
        raise MetadataError("the file is no list of the FIDO Alliance — download it again, without opening or changing it")
    header, path = _header(parts[0])
    if not leads_to(path, [root], now):  # 3
        raise MetadataError("the certificates in the file do not lead to the trusted root, or are out of date — download it again")
    leaf = read_certificate(path[0])
    if signer is not None and signer not in _names(leaf):  # 3
        raise MetadataError(f"the file was not signed by {signer} — download it from there")
    if not _is_signed(leaf, header["alg"], parts[0] + b"." + parts[1], _part(parts[2])):  # 4
        raise MetadataError("the signature of the file is wrong: it was changed — download it again")
    found = _list(_json(parts[1]))  # 5
    if not old and found.is_old(now.astimezone(UTC).date()):  # 6
        raise MetadataError(
            f"the list is out of date since {found.next_update}: what became known later is not in it — download a newer one"
        )
    return found


def _header(part: bytes) -> tuple[Mapping[str, Any], list[bytes]]:
    header = _json(part)
    certificates = header.get("x5c")
    if header.get("alg") not in ("ES256", "RS256") or not isinstance(certificates, list) or not certificates:  # 2
        raise MetadataError("the file is signed in a way that is not known here (ES256 and RS256 are, with their certificates)")
    try:
        return header, [b64decode(one, validate=True) for one in certificates]
    except (TypeError, binascii.Error, ValueError):
        raise MetadataError("the certificates in the file cannot be read — download it again") from None


def _part(part: bytes) -> bytes:
    try:
        return decode(part.decode("ascii", "replace"), limit=MAX_BYTES)
    except CeremonyFault:
        raise MetadataError("the file cannot be read — download it again") from None


def _json(part: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(_part(part))
    except (ValueError, RecursionError):
        raise MetadataError("the file cannot be read — download it again") from None
    if not isinstance(found, dict):
        raise MetadataError("the file cannot be read — download it again")
    return found


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        return []


def _is_signed(certificate: x509.Certificate, algorithm: str, message: bytes, signature: bytes) -> bool:
    """By ES256 or RS256 (RFC 7518, sections 3.3 and 3.4), and nothing else that the key could do.

    The Alliance's own example has the pair of ES256 as DER, so that is read too.
    """
    key = certificate.public_key()
    try:
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return True
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
            plain = len(signature) == 64
            pair = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:])) if plain else signature
            key.verify(pair, message, ec.ECDSA(hashes.SHA256()))
            return True
    except InvalidSignature:
        pass
    return False


def _list(payload: Mapping[str, Any]) -> Metadata:
    try:
        number, entries = payload["no"], payload["entries"]
        if type(number) is not int or not isinstance(entries, list):
            raise TypeError
        models = [model for entry in entries if (model := _model(entry)) is not None]
        return Metadata(number, date.fromisoformat(payload["nextUpdate"]), tuple(models))
    except (LookupError, TypeError, ValueError, AttributeError):
        raise MetadataError("the list in the file has another form than that of the FIDO Alliance — download it again") from None


def _model(entry: Mapping[str, Any]) -> Model | None:
    """None for what is no authenticator of WebAuthn (UAF), or says nothing about itself."""
    statement, aaguid = entry.get("metadataStatement"), entry.get("aaguid")
    identifiers = tuple(str(one).lower() for one in entry.get("attestationCertificateKeyIdentifiers") or ())
    if statement is None or not (aaguid or identifiers):
        return None
    return Model(
        aaguid=str(aaguid).lower() if aaguid else None,
        identifiers=identifiers,
        name=str(statement["description"])[:200],
        roots=tuple(_der(one) for one in statement["attestationRootCertificates"]),
        reports=tuple(
            Report(str(one["status"]), one.get("effectiveDate"), one.get("certificate") or one.get("batchCertificate"))
            for one in entry["statusReports"]
        ),
    )


def _der(text: str) -> bytes:
    """Base64 as the list writes it, with blanks and line ends here and there."""
    return b64decode("".join(text.split()))
