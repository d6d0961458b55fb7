"""A timeline as JSON, for programs: times in RFC 3339 UTC."""

from __future__ import annotations

from typing import Any

from edge.clock import NS_PER_S, format_utc
from edge.ring.timeline import Timeline


def covered_ns(timeline: Timeline) -> int:
    """How much of the range has footage."""
    return sum(span.end_utc_ns - span.start_utc_ns for span in timeline.spans)


def _text(utc_ns: int | None) -> str | None:
    return None if utc_ns is None else format_utc(utc_ns)


def as_document(timeline: Timeline, most: int | None = None, *, motion_only: bool = False) -> dict[str, Any]:
    """motion_only: without spans and gaps. most: of each list only the newest so many; then `left_out` says how many are not told."""
    spans = [
        {"start": format_utc(each.start_utc_ns), "end": format_utc(each.end_utc_ns), "segments": each.segments, "undated": each.undated}
        for each in timeline.spans
    ]
    gaps = [
        {"start": format_utc(each.start_utc_ns), "end": format_utc(each.end_utc_ns), "reason": each.reason, "text": each.text}
        for each in timeline.gaps
    ]
    events = [
        {
            "id": each.id,
            "since": format_utc(each.since_utc_ns),
            "until": _text(each.until_utc_ns),
            "score": each.score,
            "zones": each.zones,
            "path": each.path,
            "mark_from": _text(each.mark_from_ns),
            "mark_until": _text(each.mark_until_ns),
        }
        for each in timeline.events
    ]
    lists: dict[str, list[dict[str, Any]]] = {"spans": spans, "gaps": gaps, "events": events}
    if motion_only:
        lists = {"events": events}
    left_out = {name: len(each) - most for name, each in lists.items() if most is not None and len(each) > most}
    kept = {name: each if most is None else each[-most:] for name, each in lists.items()}
    return {
        "camera": timeline.camera,
        "start": format_utc(timeline.start_utc_ns),
        "end": format_utc(timeline.end_utc_ns),
        "covered_s": round(covered_ns(timeline) / NS_PER_S, 3),
        **kept,
        **({"left_out": left_out} if left_out else {}),
    }
