"""Reaching the broker's host: addresses, TLS, and a socket that notices a half-dead link."""

from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path
from typing import Any

from edge.errors import ConfigError, TryAgain
from edge.link.port import Cause

log = logging.getLogger(__name__)

TCP_USER_TIMEOUT_MS = 15_000
HANDSHAKE_S = 20.0
"""For each of its messages."""
Version = tuple[int, int, int] | None
"""What changes when a file is replaced; None while there is none."""
_REFUSALS = ("certificate", "unknown_ca", "access_denied", "handshake_failure", "protocol_version")
"""Alerts (RFC 8446, 6.2) by which a broker says that it will not have this node as it is."""


class Addresses:
    """Resolves in the caller's thread; when the resolver fails, the addresses that worked last are used again."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._known: list[str] = []
        self._turn = 0

    def next(self) -> str:
        """One address; the next call gives the next one. Raises TryAgain when the name never resolved."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            if not self._known:
                raise TryAgain(f"the name {self._host} does not resolve: {error}") from error
        else:
            self._known = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        self._turn += 1
        return self._known[self._turn % len(self._known)]


class ToldSocket(ssl.SSLSocket):
    """refusal: the alert by which the peer ended the connection. With TLS 1.3 a server refuses a client's certificate after the handshake,
    and MQTT libraries tell that as a connection lost."""

    refusal = ""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.refusal = (error.reason or str(error)).lower().replace("_", " ")
            raise


class NamedContext(ssl.SSLContext):
    """Checks the certificate against the configured host name, whatever address was dialled. latest: the socket made last, for whoever has
    to close it after a handshake that failed."""

    server_name: str
    latest: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **keywords: Any) -> ssl.SSLSocket:
        """With the handshake done: it may take longer than paho lets a TCP connection take."""
        keywords["server_hostname"] = self.server_name
        self.latest = super().wrap_socket(*args, **keywords)
        self.latest.settimeout(HANDSHAKE_S)
        self.latest.do_handshake()
        return self.latest


def tls_context(host: str, ca: Path | None, certificate: Path | None, key: Path | None) -> NamedContext:
    """TLS 1.2 or newer, peer and host name verified, own certificate where given. Raises ConfigError for files that cannot be used."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = host
    context.sslsocket_class = ToldSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"[mqtt] TLS files cannot be used: {error}", remedy="check ca, certificate and key") from error
    return context


class Tls:
    """The link's certificates. Any file of them may be replaced at any time; it is read at the next connection. Raises ConfigError at first
    for files that cannot be used; later ones that cannot are told, and those before stay in use."""

    def __init__(self, host: str, ca: Path | None, certificate: Path | None, key: Path | None) -> None:
        self._host, self._files = host, (ca, certificate, key)
        self._seen = self.versions()
        self._context = tls_context(host, *self._files)

    def current(self) -> NamedContext:
        seen = self.versions()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = tls_context(self._host, *self._files)
            except ConfigError as error:
                log.error("%s; the certificates before stay in use", error)
            else:
                log.info("the link's certificates were renewed")
        return self._context

    def versions(self) -> list[Version]:
        return [version_of(path) for path in self._files]


def version_of(path: Path | None) -> Version:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)


def cause_of(error: OSError) -> tuple[Cause, str]:
    """What a failure to connect means for whoever has to mend it, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "untrusted", f"the broker's certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        reason = (error.reason or "").lower()
        if any(word in reason for word in _REFUSALS):
            return "refused", f"the broker refuses this node's certificate: {reason.replace('_', ' ')}"
    return "", f"no connection: {error}"


def tune(sock: socket.socket) -> None:
    """Unacknowledged bytes end the connection after 15 s (tcp(7), TCP_USER_TIMEOUT) instead of two keep-alives; small messages leave
    at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
