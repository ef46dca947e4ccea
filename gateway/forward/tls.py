"""TLS on both sides of the forward proxy: certificates of our authority towards clients, verified servers on the other side."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from pathlib import Path

from OpenSSL import SSL

from gateway.forward.authority import Authority
from gateway.tls import CIPHERS, choose_http1

_HOST_FLAGS = 0x4 | 0x20
"""`X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT` of OpenSSL: alternative names only (RFC 9525)."""


class Tls:
    """Makes the connections' TLS states."""

    def __init__(self, authority: Authority, trusted: Path | None) -> None:
        """`trusted`: PEM file with authorities beside those of the machine. Raises SSL.Error for one that cannot be read."""
        self._authority = authority
        self._server_context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._server_context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._server_context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        self._server_context.set_verify(SSL.VERIFY_PEER, None)
        self._server_context.set_default_verify_paths()
        if trusted is not None:
            self._server_context.load_verify_locations(str(trusted))
        self._server_context.set_alpn_protos([b"http/1.1"])
        self._contexts = lru_cache(maxsize=512)(self._client_context)

    def towards_client(self, host: str) -> SSL.Connection:
        """We are this host to the client. Raises ValueError for a host that no certificate can name."""
        leaf = self._authority.leaf(host)
        connection = SSL.Connection(self._contexts(host, leaf.certificate.serial_number))
        connection.set_accept_state()
        return connection

    def towards_server(self, host: str) -> SSL.Connection:
        """The server must prove to be this host."""
        connection = SSL.Connection(self._server_context)
        connection.set_connect_state()
        param = SSL._lib.SSL_get0_param(connection._ssl)  # type: ignore[attr-defined]
        SSL._lib.X509_VERIFY_PARAM_set_hostflags(param, _HOST_FLAGS)  # type: ignore[attr-defined]
        try:
            address = ipaddress.ip_address(host).packed
        except ValueError:
            name = host.encode("ascii")
            connection.set_tlsext_host_name(name)
            done = SSL._lib.X509_VERIFY_PARAM_set1_host(param, name, len(name))  # type: ignore[attr-defined]
        else:
            done = SSL._lib.X509_VERIFY_PARAM_set1_ip(param, address, len(address))  # type: ignore[attr-defined]
        if done != 1:
            raise ValueError("the server's name cannot be verified")
        return connection

    def _client_context(self, host: str, _serial: int) -> SSL.Context:
        leaf = self._authority.leaf(host)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
        context.set_cipher_list(CIPHERS)
        context.set_alpn_select_callback(choose_http1)
        context.use_certificate(leaf.certificate)
        context.use_privatekey(leaf.key)
        return context
