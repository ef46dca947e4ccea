"""A maker of authenticators: certificates of its own, and keys that it vouches for in each of the formats of WebAuthn."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from deploy.demo.software_key import Lies

AAGUID = "2d1f4e5a-0b6c-4d7e-8f90-a1b2c3d4e5f6"
NUMBER = bytes.fromhex(AAGUID.replace("-", ""))
OF_MODEL = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
SIGNER = "lists.maker.example"
type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def name(common: str, *, unit: str = "Authenticator Attestation") -> x509.Name:
    """As section 8.2.1 of WebAuthn wants it."""
    parts = ((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Maker"), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in (*parts, (NameOID.COMMON_NAME, common))])


def certificate(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    by: PrivateKey,
    *,
    ca: bool | None = False,
    path_length: int | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    days: tuple[int, int] = (-100, 3650),
) -> bytes:
    """DER. `ca` None: without basic constraints. `days`: from and until, counted from now."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + timedelta(days=days[0])).not_valid_after(now + timedelta(days=days[1]))
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Maker:
    """A root, an authority below it, and the key in all authenticators of one model."""

    def __init__(self, *, rsa_list: bool = False) -> None:
        self.root_key, self.between_key, self.leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.root_name, self.between_name = name("Maker Root"), name("Maker Authority")
        self.root = certificate(self.root_name, self.root_key, self.root_name, self.root_key, ca=True)
        self.between = certificate(self.between_name, self.between_key, self.root_name, self.root_key, ca=True, path_length=0)
        self.leaf = self.leaf_of()
        self.list_key: PrivateKey = rsa.generate_private_key(65537, 2048) if rsa_list else ec.generate_private_key(ec.SECP256R1())
        self.list_certificate = certificate(
            name("Lists"),
            self.list_key,
            self.between_name,
            self.between_key,
            extensions=[(x509.SubjectAlternativeName([x509.DNSName(SIGNER)]), False)],
        )

    def leaf_of(self, number: bytes | None = NUMBER, **how: Any) -> bytes:
        """The certificate of the model, or a faulty one."""
        extensions = [(x509.UnrecognizedExtension(OF_MODEL, b"\x04\x10" + number), False)] if number is not None else []
        subject, key = how.pop("subject", name("Maker Key")), how.pop("key", self.leaf_key)
        extensions += how.pop("extensions", [])
        return certificate(subject, key, self.between_name, self.between_key, extensions=extensions, **how)

    def packed(self, path: Sequence[bytes] | None = None) -> Lies:
        """A key of the model, vouched for."""

        def vouch(data: bytes, client_data_hash: bytes) -> tuple[str, Mapping[str, object]]:
            signature = self.leaf_key.sign(data + client_data_hash, ec.ECDSA(hashes.SHA256()))
            return "packed", {"alg": -7, "sig": signature, "x5c": list(path) if path is not None else [self.leaf, self.between]}

        return Lies(aaguid=NUMBER, vouch=vouch)

    def entry(self, *statuses: Mapping[str, Any], aaguid: str = AAGUID, roots: Sequence[bytes] | None = None) -> dict[str, Any]:
        """What the list says of the model."""
        statement = {
            "description": "Maker Key 5",
            "aaguid": aaguid,
            "attestationRootCertificates": [b64encode(root).decode() for root in (roots if roots is not None else [self.root])],
        }
        reports = [{"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2024-01-01"}, *statuses]
        return {"aaguid": aaguid, "metadataStatement": statement, "statusReports": reports, "timeOfLastStatusChange": "2024-01-01"}

    def blob(
        self,
        *entries: Mapping[str, Any],
        number: int = 7,
        next_update: date | None = None,
        header: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> bytes:
        """A signed list."""
        due = next_update or datetime.now(UTC).date() + timedelta(days=30)
        algorithm = "RS256" if isinstance(self.list_key, rsa.RSAPrivateKey) else "ES256"
        path = [b64encode(one).decode() for one in (self.list_certificate, self.between)]
        head = {"alg": algorithm, "typ": "JWT", "x5c": path, **(header or {})}
        body = {"legalHeader": "-", "no": number, "nextUpdate": due.isoformat(), "entries": list(entries), **(payload or {})}
        message = _part(json.dumps(head).encode()) + b"." + _part(json.dumps(body).encode())
        return message + b"." + _part(self._signed(message))

    def _signed(self, message: bytes) -> bytes:
        if isinstance(self.list_key, rsa.RSAPrivateKey):
            return self.list_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.list_key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def _part(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
