"""The pictures of a clip: when each was taken, and when it is shown. Pure."""

from __future__ import annotations

from itertools import accumulate

from edge.bmff.flat import clip_starts, first_offset
from edge.bmff.fragment import ns_of
from edge.clip.cuts import Run
from edge.clock import NS_PER_MS

NAME_GRAIN_NS = NS_PER_MS
"""Times are told in whole milliseconds, cut off: who asks for a picture's told time means that picture."""


class Pictures:
    """Times on the clip are ticks from its first picture, in presentation order."""

    def __init__(self, run: Run) -> None:
        self._cuts = run.cuts
        self._closing = run.closing
        pieces = run.pieces
        self._starts = clip_starts(pieces)
        self._first_offset = first_offset(pieces)

    def shown_at(self, utc_ns: int) -> int:
        """Where the picture on display at `utc_ns` begins; the first one where that is earlier."""
        limit_ns = utc_ns + NAME_GRAIN_NS
        begun = [place for place, cut in enumerate(self._cuts) if cut.start_utc_ns < limit_ns]
        candidates = [picture for place in begun[-1:] for picture in self._of(place) if picture[0] < limit_ns]
        return max(candidates)[1] if candidates else 0

    def end(self) -> int:
        """Where the last picture ends; the closing access unit is one."""
        last = self._closing or self._cuts[-1]
        shown = self._starts[-1] + last.footage.index.fragment_ctos(last.place)[0] - self._first_offset
        return shown + (last.footage.index.fragment_durations(last.place)[0] if self._closing else 0)

    def last_utc_ns(self) -> int:
        """When the last picture was taken."""
        return self._closing.start_utc_ns if self._closing else max(self._of(len(self._cuts) - 1))[0]

    def _of(self, place: int) -> list[tuple[int, int]]:
        """(UTC, shown at) of each picture of a fragment, in decoding order."""
        cut = self._cuts[place]
        index = cut.footage.index
        ctos = index.fragment_ctos(cut.place)
        decoded = accumulate(index.fragment_durations(cut.place)[:-1], initial=0)
        shown = [time + cto - ctos[0] for time, cto in zip(decoded, ctos, strict=True)]
        offset = self._starts[place] + ctos[0] - self._first_offset
        return [(cut.start_utc_ns + ns_of(time), offset + time) for time in shown]
