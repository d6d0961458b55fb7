"""HTTP connections that send nothing, or a request's head byte by byte, are closed: they would keep a descriptor as long as they like."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0


class PatientProtocol(H11Protocol):
    """For uvicorn; runs in the event loop's thread. A request line and its headers are here within `request_s`, or the connection is
    closed. Bodies are the application's business, and a kept-alive connection between two requests uvicorn's."""

    request_s = REQUEST_S
    _request_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        self._await_request()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        if self._request_timer is None and self.conn.their_state is h11.IDLE:
            self._request_timer = self.loop.call_later(self.request_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None


def patient(seconds: float) -> type[PatientProtocol]:
    """With another patience."""
    return type("Patient", (PatientProtocol,), {"request_s": seconds})
