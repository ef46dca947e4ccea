"""What an authenticator says about itself at registration, and who vouches for it (WebAuthn section 8).

The library verifies each statement; added here is what it leaves out:

 a. one certificate, and no number of a model, in the old format of U2F (section 8.6)
 b. the certificate of a packed statement, or a TPM's, is of the model that the authenticator names, where it names one (8.2.1, 8.3.1)
 c. the certificate of Apple's statement is about the credential's own key (8.8)
 d. Android's statement as a whole (8.4, `auth.android_key`)
"""

from __future__ import annotations

from cryptography import x509

from auth.android_key import FORMAT as ANDROID_KEY
from auth.android_key import check_android_key
from auth.certificates import MAX_CERTIFICATES, read_certificate
from auth.client_data import CeremonyFault
from auth.webauthn import Attested, same_key, verify_statement

NO_MODEL = "00000000-0000-0000-0000-000000000000"
_OF_MODEL = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""id-fido-gen-ce-aaguid: an octet string of 16 bytes (section 8.2.1)."""
_OCTETS = b"\x04\x10"


def vouched(attested: Attested, client_data_hash: bytes) -> tuple[bytes, ...]:
    """The certificates that vouch for the authenticator, its own first; none where nobody does. Raises CeremonyFault."""
    verify = check_android_key if attested.format == ANDROID_KEY else verify_statement  # d
    path = verify(attested, client_data_hash)
    if len(path) > MAX_CERTIFICATES:
        raise CeremonyFault("attestation")
    if not path:
        return ()
    try:
        own = read_certificate(path[0])
    except ValueError:
        raise CeremonyFault("attestation") from None
    if attested.format == "fido-u2f" and (len(path) != 1 or attested.credential.aaguid != NO_MODEL):  # a
        raise CeremonyFault("attestation")
    if not _names_model(own, attested.credential.aaguid):  # b
        raise CeremonyFault("attestation_model")
    if attested.format == "apple" and not same_key(attested, own):  # c
        raise CeremonyFault("attestation")
    return path


def _names_model(certificate: x509.Certificate, aaguid: str) -> bool:
    """True also for a certificate that names no model. U2F's names one, where the authenticator itself cannot."""
    try:
        found = certificate.extensions.get_extension_for_oid(_OF_MODEL)
    except x509.ExtensionNotFound:
        return True
    if not isinstance(found.value, x509.UnrecognizedExtension) or found.critical:
        return False
    return aaguid == NO_MODEL or found.value.value == _OCTETS + bytes.fromhex(aaguid.replace("-", ""))
