"""TLS for the CRM's public name: the certificate of the installation, TLS 1.2 and 1.3, HTTP/1.1 only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from OpenSSL import SSL

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""TLS 1.2 with forward secrecy and authenticated encryption only (RFC 9325, section 4.2); TLS 1.3 has no others."""


class CertificateError(Exception):
    """The certificate or key cannot be used; the text says what to do."""


def server_context(certificate: Path, key: Path) -> SSL.Context:
    """The context of the listener. Raises CertificateError."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_cipher_list(CIPHERS)
    context.set_alpn_select_callback(choose_http1)
    try:
        context.use_certificate_chain_file(str(certificate))
    except SSL.Error:
        raise CertificateError(f"{certificate}: not a readable PEM certificate chain; give the file of the CRM's public name") from None
    try:
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except SSL.Error:
        raise CertificateError(f"{key}: not the readable PEM key of {certificate}; give the key that belongs to it") from None
    return context


def choose_http1(_: SSL.Connection, offered: list[bytes]) -> Any:
    """HTTP/1.1 is all that is spoken here (ALPN, RFC 7301)."""
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS
