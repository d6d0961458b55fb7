"""What may be asked of a hold, checked before anything is done."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from edge.clock import NS_PER_MS, NS_PER_S, Reading, format_utc, parse_utc
from edge.errors import Refused
from edge.messages.hold import Hold

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXT_CHARS = 200
_AHEAD_DAYS = 31


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """start/end: RFC 3339; end may lie ahead by up to 31 days. case: reference of the proceedings. by: who asks. review: RFC 3339 or a
    date, when someone should look whether the hold is still needed. by_node_clock: start and end were told relative to now, and are meant
    so however wrong the node's clock may be."""

    id: str
    camera: str
    start: str
    end: str
    case: str
    by: str
    review: str | None = None
    by_node_clock: bool = False


def checked(request: HoldRequest, cameras: Container[str], now: Reading, boot: str) -> Hold:
    """The hold that is asked for. Raises Refused: bad_id, bad_text, unknown_camera, bad_range, bad_review."""
    if not is_id(request.id):
        raise Refused("bad_id", f"{request.id[:80]!r} is no id: letters, digits, . _ -, at most 64")
    check_text(request.case, request.by)
    if request.camera not in cameras:
        raise Refused("unknown_camera", f"there is no camera {request.camera[:80]!r} on this node")
    start_ns, end_ns = _instant(request.start, "bad_range"), _instant(request.end, "bad_range")
    # Without a clock nobody knows what lies ahead: then the range itself is at most so long.
    from_ns = now.utc_ns if now.dated or request.by_node_clock else start_ns
    if not start_ns < end_ns <= from_ns + _AHEAD_DAYS * 86_400 * NS_PER_S:
        raise Refused("bad_range", f"{request.start} to {request.end}: the end must follow the start, at most {_AHEAD_DAYS} days ahead")
    unset = request.by_node_clock and not now.dated
    return Hold(
        id=request.id,
        camera=request.camera,
        start=format_utc(start_ns),
        end=format_utc(end_ns),
        case=request.case,
        by=request.by,
        added=format_utc(now.utc_ns),
        review=None if request.review is None else format_utc(_instant(request.review, "bad_review")),
        boot=boot if unset else "",
        boot_offset_ms=now.offset_ns // NS_PER_MS if unset else None,
    )


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def told(text: str) -> str:
    """What names a folder in hold/, as it can be recorded: anybody may have made the folder, and its name need not be UTF-8."""
    return text.encode(errors="replace").decode()


def check_text(*texts: str) -> None:
    """Raises Refused (bad_text)."""
    for text in texts:
        if not text.strip() or len(text) > _TEXT_CHARS:
            raise Refused("bad_text", f"who, and which case or why, are needed, each of at most {_TEXT_CHARS} characters")


def _instant(text: str, code: str) -> int:
    """A date alone is its midnight UTC."""
    try:
        return parse_utc(text if "T" in text else f"{text}T00:00:00Z")
    except (ValueError, OverflowError) as error:
        raise Refused(code, f"{text[:80]!r} is no instant: {error}") from error
