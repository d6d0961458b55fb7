"""What was asked, what is delivered, what is missing and why: clip.json beside the clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from edge.clip.shape import Plan, PlanPart
from edge.clock import format_utc
from edge.messages.clip import ClipFile, ClipRequest, GapSpan, Manifest


class Whole(Protocol):
    """A clip as far as the manifest states it, e.g. a VirtualClip."""

    @property
    def size(self) -> int: ...

    def etag(self) -> str: ...


def manifest(node: str, request: ClipRequest, plan: Plan, clips: Mapping[int, Whole]) -> Manifest:
    """clips: by the number of their part; one ClipFile each, in the mapping's order. A part without a clip could not be made: it is a gap
    of damaged footage. Hashes a clip whose etag is not known yet."""
    files = [_file(plan, plan.parts[part], clip) for part, clip in clips.items()]
    unread = [_unread(part) for number, part in enumerate(plan.parts) if number not in clips]
    gaps = sorted((*plan.gaps, *unread), key=lambda gap: gap.start)
    return Manifest(request=request, node=node, files=files, gaps=gaps)


def file_name(plan: Plan, part: PlanPart) -> str:
    """ "<camera>_<UTC of the first picture>.mp4", e.g. gate_20261122T130500.120Z.mp4; parts of one plan begin at different times."""
    moment = format_utc(part.delivered_start_utc_ns).replace("-", "").replace(":", "")
    return f"{plan.camera}_{moment}.mp4"


def _file(plan: Plan, part: PlanPart, clip: Whole) -> ClipFile:
    return ClipFile(
        name=file_name(plan, part),
        bytes=clip.size,
        sha256=clip.etag(),
        codec=part.codec,
        asked_start=format_utc(part.asked_start_utc_ns),
        asked_end=format_utc(part.asked_end_utc_ns),
        delivered_start=format_utc(part.delivered_start_utc_ns),
        delivered_end=format_utc(part.delivered_end_utc_ns),
        frames=part.frames,
        span=part.span,
        segments=part.segments(),
        clock=part.clock,
    )


def _unread(part: PlanPart) -> GapSpan:
    return GapSpan(start=format_utc(part.asked_start_utc_ns), end=format_utc(part.asked_end_utc_ns), reason="damaged")
