"""Connections that send nothing, or a request's head byte by byte, are closed: they would keep a descriptor for as long as they like."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient(seconds: float) -> type[H11Protocol]:
    """A protocol for uvicorn. A connection without a request under way is closed after at most twice `seconds` without a new one. Bodies
    are the receiver's business."""

    class Patient(H11Protocol):
        _last: object = None
        _look: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._look = self.loop.call_later(seconds, self._looked)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(exc)

        def _looked(self) -> None:
            under_way = self.cycle is not None and not self.cycle.response_complete
            if not under_way and self.cycle is self._last:
                self.transport.close()
                return
            self._last = None if under_way else self.cycle
            self._look = self.loop.call_later(seconds, self._looked)

    return Patient
