"""Whether a chain of certificates leads to a root that is trusted (RFC 5280, section 6, as much of it as attestation and metadata need).

Revocation lists are not asked: nothing of a registration leaves the house. The metadata says which models and certificates were withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtensionOID

MAX_CERTIFICATES = 6
"""Of one chain without its root; chains of authenticators have one to three."""
LEAST_RSA_BITS = 2048
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""A critical extension that is not among these makes a certificate useless (RFC 5280, section 4.2)."""
_BAD = (
    *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion),
    x509.UnsupportedGeneralNameType,
)


def read_certificate(der: bytes) -> x509.Certificate:
    """A certificate. Raises ValueError for bytes that are none."""
    try:
        found = x509.load_der_x509_certificate(der)
        list(found.extensions)  # a broken one raises here
    except _BAD:
        raise ValueError("not a certificate") from None
    return found


def leads_to(path: Sequence[bytes], roots: Iterable[bytes], at: datetime) -> bool:
    """Whether a chain, its leaf first, ends at one of these roots and every certificate of it was good at that time.

    A root may be the leaf itself: then this very certificate is trusted.
    """
    try:
        chain = [read_certificate(der) for der in path]
    except ValueError:
        return False
    if not 0 < len(chain) <= MAX_CERTIFICATES:
        return False
    for der in roots:
        try:
            root = read_certificate(der)
        except ValueError:
            continue
        whole = chain if chain[-1] == root else [*chain, root]
        if _holds(whole, at):
            return True
    return False


def _holds(chain: Sequence[x509.Certificate], at: datetime) -> bool:
    """Leaf first, root last: dates, names, signatures, and who may issue."""
    for place, certificate in enumerate(chain):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc or not _strong(certificate):
            return False
        if any(extension.critical and extension.oid not in _UNDERSTOOD for extension in certificate.extensions):
            return False
        if place > 0 and not _may_issue(certificate, below=place - 1, is_root=place == len(chain) - 1):
            return False
    try:
        for certificate, issuer in pairwise(chain):
            certificate.verify_directly_issued_by(issuer)
    except _BAD:
        return False
    return True


def _may_issue(certificate: x509.Certificate, below: int, *, is_root: bool) -> bool:
    """`below`: certificates between this one and the leaf. A root that says nothing about itself is one because it is trusted."""
    limits = _extension(certificate, x509.BasicConstraints)
    if limits is None:
        return is_root
    usage = _extension(certificate, x509.KeyUsage)
    if not limits.ca or (usage is not None and not usage.key_cert_sign):
        return False
    return limits.path_length is None or limits.path_length >= below


def _strong(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except _BAD:
        return False
    if isinstance(key, RSAPublicKey):
        return key.key_size >= LEAST_RSA_BITS
    return not isinstance(key, EllipticCurvePublicKey) or key.key_size >= 256


def _extension[T: x509.ExtensionType](certificate: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
