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
    released_case: str = ""
    since: str | None = None
    """Footage that began before was due for destruction when the hold was made, and is not held by it. None: nothing was."""
    beyond: int | None = None
    """Segments from this number on are over the quota and not held (those that are linked are)."""
    boot: str = ""
    """The range is by the unset clock of this boot: times relative to "now" on a node that did not know the time. "" for true UTC."""
    boot_offset_ms: int | None = None
    """utc - monotonic of that unset clock."""


class HeldRange(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorder reads of a hold.json: enough to keep the range from being erased before it is linked."""

    camera: str
    start: str
    end: str
    released_by: str | None = None
    since: str | None = None
    beyond: int | None = None
    boot: str = ""
    boot_offset_ms: int | None = None
