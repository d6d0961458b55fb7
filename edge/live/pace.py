"""When each picture leaves. Pure.

A fragment holds about a second of pictures and is there all at once. Sent at once, it would be a burst each second, and a viewer who plays
smoothly waits for the slowest picture anyway: so each picture leaves a constant time after it was taken - as long as a fragment takes to be
written. What is behind that schedule leaves at once; what is too far behind is passed over.
"""

from __future__ import annotations

from collections import deque

from edge.clock import NS_PER_MS
from edge.live.follow import Group
from edge.live.wire import Picture

LATE_GROUPS = 4
"""A link that is so far behind is not waited for."""
ROOM_GROUPS = 2
_EASE_NS = 10 * NS_PER_MS
"""For each fragment: one that came late once does not delay all others for ever."""


class Pace:
    """One thread. Times are CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, Picture]] = deque()
        self._delay_ns = 0
        self._longest_ns = 0

    @property
    def has_room(self) -> bool:
        return sum(picture.key for _, picture in self._waiting) < ROOM_GROUPS

    @property
    def init(self) -> bytes:
        """Of the next picture; b"" where none waits."""
        return self._waiting[0][0] if self._waiting else b""

    def put(self, group: Group, found_ns: int, *, awaited: bool) -> None:
        """awaited: it was found as soon as it was there. Pictures in front of the first key frame are left out: nothing shows them."""
        if not self._waiting and not group.pictures[0].key:
            return
        if awaited:
            age_ns = found_ns - group.boot_ns
            self._delay_ns = max(age_ns, self._delay_ns - _EASE_NS)
        self._longest_ns = group.duration_ns
        self._waiting += ((group.init, picture) for picture in group.pictures)

    def due(self, now_ns: int) -> Picture | None:
        """The next picture, when it is time for it."""
        if not self._waiting or now_ns < self._due_ns():
            return None
        return self._waiting.popleft()[1]

    def wait_ns(self, now_ns: int) -> int | None:
        """Until the next picture is due; None where none waits."""
        return max(0, self._due_ns() - now_ns) if self._waiting else None

    def is_late(self, now_ns: int) -> bool:
        return bool(self._waiting) and now_ns - self._due_ns() > LATE_GROUPS * self._longest_ns

    def clear(self) -> int:
        """Gives up all that waits; how many pictures."""
        count = len(self._waiting)
        self._waiting.clear()
        return count

    def drop_to_key(self) -> int:
        """So that the next picture is one that decoding can start at."""
        count = 0
        while self._waiting and not self._waiting[0][1].key:
            self._waiting.popleft()
            count += 1
        return count

    def _due_ns(self) -> int:
        return self._waiting[0][1].boot_ns + self._delay_ns
