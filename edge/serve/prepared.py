"""Clips that were asked for: found and hashed once, then at hand for every range of their bytes.

The SHA-256 of a clip stands in the record of its export, which comes before its first byte. So the footage is read twice, the first time
here. That takes a while for a long clip; an asker who has waited long enough is told to come again, and the work goes on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import msgspec

from edge.clip.found import Found
from edge.clip.virtual import VirtualClip
from edge.clock import NS_PER_S, Clock, monotonic_s, parse_utc
from edge.errors import NotFound, Refused
from edge.messages.clip import ClipRequest
from edge.ring.query import RingReader

WAIT_S = 20.0
"""For a clip to be prepared, before the asker is told to come again."""
KEEP_S = 600.0
"""Since it was asked for last."""
SETTLED_S = 60
"""Footage so old lies on the disk with all that belongs to a clip of it; a younger clip is found anew after UNSETTLED_KEEP_S."""
UNSETTLED_KEEP_S = 10.0
KEPT_MAX = 8
WAITING_MAX = 4


@dataclass(slots=True)
class _Held:
    work: asyncio.Future[Found]
    used_s: float
    settled: bool


class PreparedClips:
    """look: `find_clips` but for its last two arguments; `worker`, one thread, runs it. ring: a reader for one clip. The methods belong to
    the event loop's thread."""

    def __init__(
        self, look: Callable[[RingReader, ClipRequest], Found], ring: Callable[[], RingReader], clock: Clock, worker: Executor
    ) -> None:
        self._look, self._ring, self._clock, self._worker = look, ring, clock, worker
        self._held: OrderedDict[tuple[str, str, str], _Held] = OrderedDict()

    async def find(self, request: ClipRequest, wait_s: float = WAIT_S) -> Found:
        """With the manifest for this request. Raises Refused (preparing, busy, bad_range), StorageError, IntegrityError."""
        key = (request.camera, request.start, request.end)
        self._forget_old()
        held = self._held.get(key) or self._begin(key, request)
        held.used_s = monotonic_s()
        self._held.move_to_end(key)
        try:
            found = await asyncio.wait_for(asyncio.shield(held.work), wait_s)
        except asyncio.TimeoutError:
            remedy = "ask again in some seconds, with the same words: the work goes on"
            raise Refused("preparing", "the footage is being read and hashed", remedy=remedy) from None
        return Found(found.disk, found.plan, found.clips, msgspec.structs.replace(found.manifest, request=request), found.segment)

    def forget(self, request: ClipRequest) -> None:
        """Its footage is not what it was: the next asker gets what there is then."""
        self._held.pop((request.camera, request.start, request.end), None)

    def _begin(self, key: tuple[str, str, str], request: ClipRequest) -> _Held:
        if sum(not each.work.done() for each in self._held.values()) >= WAITING_MAX:
            raise Refused("busy", f"{WAITING_MAX} clips are being prepared", remedy="ask again in some seconds")
        work = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._worker, self._look, self._ring(), request))
        work.add_done_callback(lambda done: self._ended(key, done))
        settled = self._clock.read().utc_ns - parse_utc(request.end) > SETTLED_S * NS_PER_S
        held = self._held[key] = _Held(work, monotonic_s(), settled)
        return held

    def _ended(self, key: tuple[str, str, str], work: asyncio.Future[Found]) -> None:
        """A failure is told to those who wait, and tried again by the next one. `exception` also says that somebody looked at it."""
        held = self._held.get(key)
        if (work.cancelled() or work.exception() is not None) and held is not None and held.work is work:
            del self._held[key]

    def _forget_old(self) -> None:
        now_s = monotonic_s()
        for key, held in list(self._held.items()):
            if held.work.done() and now_s - held.used_s > (KEEP_S if held.settled else UNSETTLED_KEEP_S):
                del self._held[key]
        for key in [key for key, held in self._held.items() if held.work.done()][: max(0, len(self._held) - KEPT_MAX)]:
            del self._held[key]


def are_there(clips: Sequence[VirtualClip]) -> bool:
    """Whether all segments of the clips still are. Raises StorageError for any other trouble of the disk."""
    try:
        return all(segment.file.size > 0 for clip in clips for segment in clip.segments())
    except NotFound:
        return False
