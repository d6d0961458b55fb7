"""Evidence locks on disk: <data>/hold/<id>/hold.json."""

from __future__ import annotations

import msgspec


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """start/end: RFC 3339 UTC. segments: sequence numbers linked so far."""

    id: str
    camera: str
    start: str
    end: str
    case: str
    by: str
    added: str
    review: str | None = None
    segments: list[int] = []
    bytes: int = 0
