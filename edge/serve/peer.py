"""A connection whose other end proved who it is: uvicorn's protocol with the peer's certificate handed to the application.

ASGI has no place for a client certificate in common use, and a header could be written by anybody. What the application is given comes from
the TLS layer of this very connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import msgspec

from edge.host.patience import PatientProtocol
from edge.serve.answers import Trouble

CERTIFICATE, ABORT = "peer_certificate", "abort"
"""Names in the scope's state: what ssl.SSLObject.getpeercert() gives, and a function that cuts the connection at once."""
CONNECTIONS_MAX = 64


class PeerProtocol(PatientProtocol):
    """Runs in the event loop's thread."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: Any = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert() if tls is not None else None
        self.app_state = {**self.app_state, CERTIFICATE: certificate or {}, ABORT: transport.abort}
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()

    def send_400_response(self, msg: str) -> None:
        """As its parent's, in the shape of all other trouble. The parser's own words stay here."""
        told = Trouble(code="bad_request", text="this is not HTTP/1.1 as this node reads it", remedy="mend the client, or send less")
        content = msgspec.json.encode(told)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), (b"connection", b"close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=content), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
