"""HTTP/1.1 for uploads: one kept-alive connection to one origin, streamed bodies, a deadline on every step.

Foreign errors (OSError, http.client, ssl) end here: they become `Broken`, which the state machine answers with a back-off.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge.config.cross import is_loopback
from edge.config.on_request import Upload
from edge.config.secrets import read_first_line
from edge.errors import ConfigError
from edge.host.origin import on_our_origin, origin
from edge.upload.sigv4 import Signer
from edge.upload.steps import Broken, Reply
from edge.upload.tls import TlsFiles
from edge.upload.wire import Count, Wire, dial

Read = Callable[[], None]
"""Called before each piece of an answer that is read and hashed; may raise."""
Body = Callable[[], Iterator[bytes | bytearray | memoryview]]

_REDIRECTS = (307, 308)
_MOST_REDIRECTS = 3
_MOST_ANSWER_BYTES = 64 << 10
_ASK_FIRST_BYTES = 256 << 10
"""A PUT is not divided: from here on it is worth a round trip to ask whether it will be taken at all."""
_INVITATION_S = 3.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where uploads go: the creation URL, a bearer token ("" for none), TLS (None: plain http), who signs each request (None: nobody)."""

    url: str
    token: str = ""
    tls: TlsFiles | None = None
    signer: Signer | None = None


def target_of(settings: Upload) -> Target:
    """Raises ConfigError: plain http off loopback, unreadable or world-readable token, certificate trouble."""
    token = read_first_line(Path(settings.token_file), "upload.token_file") if settings.token_file else ""
    if not re.fullmatch(r"[!-~]*", token):
        raise ConfigError(f"upload.token_file: {settings.token_file}: a bearer token is ASCII without blanks (RFC 6750)")
    signer = None
    if settings.method == "s3":
        key_id, colon, secret = token.partition(":")
        if not (key_id and colon and secret):
            raise ConfigError(f"upload.token_file: {settings.token_file}: for s3 its first line is ACCESS_KEY_ID:SECRET_ACCESS_KEY")
        token, signer = "", Signer(key_id, secret, settings.region)
    scheme, host, _ = origin(settings.url)
    if scheme == "http":
        if not is_loopback(host):
            raise ConfigError(f"[upload] url {settings.url}: plain http leaves this machine", remedy="use https")
        return Target(settings.url, token, None, signer)
    return Target(settings.url, token, TlsFiles(settings.ca, settings.certificate, settings.key), signer)


class Http:
    """Requests to one origin, one after another on one connection. One thread; `close` when done. count: told of all bytes that go and
    come."""

    def __init__(
        self, target: Target, connect_timeout_s: float = 20.0, progress_timeout_s: float = 20.0, count: Count = lambda count: None
    ) -> None:
        self._target = target
        self._count = count
        self._connect_timeout_s = connect_timeout_s
        self._progress_timeout_s = progress_timeout_s
        self._invitation_s = min(_INVITATION_S, progress_timeout_s / 4)
        self._asks_first = True
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None, length: int = 0, read: Read | None = None
    ) -> Reply | Broken:
        """`body` gives exactly `length` bytes, afresh at each call (a kept-alive connection the server has closed is replaced once;
        a redirect within the origin is followed, with the method kept). A large PUT asks first (Expect: 100-continue), so that a refusal
        costs no body. Where requests are signed, one that is refused for our clock is sent once more by the server's. What `body` raises
        passes through."""
        signer = self._target.signer
        for _ in range(_MOST_REDIRECTS):
            answer = self._once(method, url, headers, body, length, read)
            if isinstance(answer, Reply) and answer.status == 417 and self._asks_first:
                self._asks_first = False
                continue
            if isinstance(answer, Reply) and answer.status == 403 and signer and signer.learn(answer.headers.get("date", "")):
                continue
            if not isinstance(answer, Reply) or answer.status not in _REDIRECTS:
                return answer
            onward = on_our_origin(url, answer.headers.get("location", ""))
            if onward is None or onward == url:
                return answer
            url = onward
        return Broken(f"more than {_MOST_REDIRECTS} redirects")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Body | None, length: int, read: Read | None) -> Reply | Broken:
        reused = self._connection is not None
        sent = _Sent()
        try:
            return self._exchange(method, url, headers, body, length, sent, read)
        except (ConnectionResetError, BrokenPipeError) as error:
            if not reused or sent.bytes:
                return self._broken(error, sent, fresh=not reused)
        except (OSError, http.client.HTTPException) as error:
            return self._broken(error, sent, fresh=not reused and isinstance(error, ssl.SSLError))
        try:
            return self._exchange(method, url, headers, body, length, sent, read)
        except (OSError, http.client.HTTPException) as error:
            return self._broken(error, sent, fresh=True)

    def _broken(self, error: OSError | http.client.HTTPException, sent: _Sent, fresh: bool = False) -> Broken:
        """A server that refuses a client's certificate says so only after its own part of the TLS 1.3 handshake, or just hangs up."""
        theirs = fresh and self._target.tls and not sent.bytes and not isinstance(error, ssl.SSLCertVerificationError)
        hint = "; over TLS this is also how a server refuses our certificate" if theirs else ""
        return Broken(_words(error) + hint, sent.bytes)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None, length: int, sent: _Sent, read: Read | None
    ) -> Reply:
        whole = False
        try:
            connection, wire = self._connected()
            asks = body is not None and method == "PUT" and length >= _ASK_FIRST_BYTES and self._asks_first
            self._send_head(connection, method, url, {**headers, "Expect": "100-continue"} if asks else headers, length if body else None)
            invited = not asks or wire.invited(self._invitation_s)
            if body is not None and invited:
                self._send_body(wire, body, sent)
            answer = self._answer(connection, wire, sent, read)
            whole = invited  # else the announced body is still owed on this connection
            return answer
        finally:
            if not whole:
                self.close()

    def _connected(self) -> tuple[http.client.HTTPConnection, Wire]:
        connection = self._connection
        if connection is None:
            _, host, port = origin(self._target.url)
            tls = self._target.tls.context() if self._target.tls else None
            connection = http.client.HTTPConnection(host, port)
            connection.sock = dial(host, port, tls, self._connect_timeout_s, self._progress_timeout_s, self._count)
            self._connection = connection
        wire = connection.sock
        if not isinstance(wire, Wire):
            raise http.client.NotConnected
        return connection, wire

    def _send_head(
        self, connection: http.client.HTTPConnection, method: str, url: str, headers: Mapping[str, str], length: int | None
    ) -> None:
        parts = urlsplit(url)
        connection.putrequest(
            method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", parts.netloc.rpartition("@")[2])
        if self._target.token:
            connection.putheader("Authorization", f"Bearer {self._target.token}")
        signature = self._target.signer.sign(method, url, headers) if self._target.signer else {}
        for name, value in {**headers, **signature}.items():
            connection.putheader(name, value)
        if length is not None or method == "POST":
            connection.putheader("Content-Length", str(length or 0))
        connection.endheaders()

    def _send_body(self, wire: Wire, body: Body, sent: _Sent) -> None:
        """A server that refuses half-way closes; its answer may still be there to be read."""
        for piece in body():
            try:
                wire.sendall(piece)
            except (BrokenPipeError, ConnectionResetError) as error:
                sent.cut = error
                return
            sent.bytes += len(piece)

    def _answer(self, connection: http.client.HTTPConnection, wire: Wire, sent: _Sent, read: Read | None) -> Reply:
        wire.expect()
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            if sent.cut is not None:
                raise sent.cut from error
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        size, sha256 = _hashed(response, wire, read) if read is not None and response.status == http.HTTPStatus.OK else (0, None)
        reply = Reply(response.status, headers, sent.bytes, size, sha256)
        if response.will_close or sent.cut or len(response.read(_MOST_ANSWER_BYTES)) == _MOST_ANSWER_BYTES:
            self.close()
        response.close()
        return reply


def _hashed(response: http.client.HTTPResponse, wire: Wire, read: Read) -> tuple[int, str]:
    """Bytes and SHA-256 (hex) of the answer's whole body. Raises IncompleteRead for a cut one."""
    digest = hashlib.sha256()
    size = 0
    while True:
        read()
        wire.expect()
        piece = response.read(_MOST_ANSWER_BYTES)
        if not piece:
            break
        digest.update(piece)
        size += len(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return size, digest.hexdigest()


@dataclass(slots=True)
class _Sent:
    bytes: int = 0
    cut: OSError | None = None


def _words(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate does not verify: {error.verify_message}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
