"""What an edit list (ISO/IEC 14496-12, 8.6.6) does to what a player shows."""

from __future__ import annotations

from edge.seal.container_mp4_track import Track
from edge.seal.findings import Findings

NS_PER_S = 1_000_000_000
_NORMAL_RATE = 0x1_0000
_ROUNDING_NS = NS_PER_S // 10

Shown = tuple[int, int | None]
"""Composition times, nanoseconds, from and up to (None: the end)."""


def shown(track: Track, movie_scale: int, findings: Findings) -> Shown | None:
    """The part that is played; None where all is. Edits that play footage in another order or at another speed are told, and so are those
    that leave out a part in the middle."""
    edits = [edit for edit in track.edits if edit.media_time >= 0]
    if any(edit.rate != _NORMAL_RATE for edit in edits):
        findings.add("contradicts", "edit_speed")
    begin_ns, end_ns = None, None
    for edit in edits:
        start_ns = edit.media_time * NS_PER_S // track.timescale
        if begin_ns is None:
            begin_ns = start_ns
        elif end_ns is None or start_ns < end_ns - _ROUNDING_NS:
            findings.add("contradicts", "edit_order")
        elif start_ns > end_ns + _ROUNDING_NS:
            findings.add("gap", "edit_hides", ms=(start_ns - end_ns) // 1_000_000)
        end_ns = start_ns + edit.duration * NS_PER_S // movie_scale if edit.duration else None
    return None if begin_ns is None else (begin_ns, end_ns)
