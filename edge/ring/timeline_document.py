"""A timeline as JSON, for programs: times in RFC 3339 UTC."""

from __future__ import annotations

from typing import Any

from edge.clock import NS_PER_S, format_utc
from edge.ring.timeline import Timeline


def covered_ns(timeline: Timeline) -> int:
    """How much of the range has footage."""
    return sum(span.end_utc_ns - span.start_utc_ns for span in timeline.spans)


def as_document(timeline: Timeline, most: int | None = None) -> dict[str, Any]:
    """most: of each list only the newest so many; then `left_out` says how many of them are not told."""
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
            "until": None if each.until_utc_ns is None else format_utc(each.until_utc_ns),
            "score": each.score,
            "zones": each.zones,
        }
        for each in timeline.events
    ]
    lists: dict[str, list[dict[str, Any]]] = {"spans": spans, "gaps": gaps, "events": events}
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
