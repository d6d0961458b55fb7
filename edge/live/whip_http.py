"""WHIP's HTTP (RFC 9725): an SDP offer is posted, the answer describes the receiver, DELETE ends the session."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from edge.host.origin import on_our_origin, origin
from edge.live.refusal import TIMEOUT_S, Refusal
from edge.live.tls import TlsTrouble, connect

_ANSWER_BYTES = 64 << 10
_REDIRECTS = 3
_AGAIN = (307, 308)
_NO = (401, 403)


class Endpoint:
    """One session of one endpoint. One thread. token: "" or a bearer token. ca: path of a PEM file, "" for the system's authorities."""

    def __init__(self, url: str, token: str, ca: str) -> None:
        self._url, self._ca = url, ca
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._resource: str | None = None

    def offer(self, sdp: str) -> str:
        """The answer's SDP. Raises Refusal."""
        url = self._url
        for _ in range(1 + _REDIRECTS):
            status, location, body = self._ask("POST", url, sdp.encode())
            target = on_our_origin(url, location) if location else None
            if status in (http.client.OK, http.client.CREATED):
                self._resource = target
                return body.decode(errors="replace")
            if status in _NO:
                raise Refusal("auth", f"the WHIP endpoint does not take the token (HTTP {status})")
            if status not in _AGAIN:
                raise Refusal("refused", f"the WHIP endpoint answers HTTP {status}")
            if target is None:
                raise Refusal("refused", "the WHIP endpoint sends to another host: write that address into live.url")
            url = target
        raise Refusal("refused", f"the WHIP endpoint sends on more than {_REDIRECTS} times")

    def delete(self) -> None:
        """Whatever comes of it: a receiver also ends a session that it hears nothing of."""
        if self._resource is not None:
            with suppress(Refusal):
                self._ask("DELETE", self._resource, None)

    def _ask(self, method: str, url: str, body: bytes | None) -> tuple[int, str, bytes]:
        """(status, Location or "", body)."""
        parts = urlsplit(url)
        scheme, host, port = origin(url)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        headers = self._headers | ({"Content-Type": "application/sdp"} if body is not None else {})
        try:
            connection.sock = connect(host, port, self._ca) if scheme == "https" else socket.create_connection((host, port), TIMEOUT_S)
            connection.sock.settimeout(TIMEOUT_S)
            connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read(_ANSWER_BYTES)
        except TlsTrouble as trouble:
            raise Refusal(trouble.code, str(trouble)) from trouble
        except ValueError as error:
            raise Refusal("refused", "the token has letters in it that HTTP cannot carry") from error
        except (OSError, http.client.HTTPException) as error:
            raise Refusal("unreachable", f"the WHIP endpoint: {getattr(error, 'strerror', None) or type(error).__name__}") from error
        finally:
            connection.close()
