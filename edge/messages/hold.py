"""Evidence locks on disk: <data>/hold/<id>/hold.json."""

from __future__ import annotations

import msgspec


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """start/end: RFC 3339 UTC. segments: sequence numbers that are linked and recorded so far; bytes: of these.

    recorded: the journal has its first HoldAdded. released_by/why: the release was decided; what is left of the hold is on its way out.
    """

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
    recorded: bool = False
    released_by: str | None = None
    released_why: str = ""
