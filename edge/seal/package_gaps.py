"""Gaps of a package: those that its statement declares, those that nothing explains."""

from __future__ import annotations

import msgspec

from edge.clock import format_utc, parse_utc
from edge.messages.package import Statement
from edge.seal.verification import GapFound

SLACK_NS = 2_000_000_000
"""Ranges are stated by their first and last picture, gaps by when they were noticed."""

_Range = tuple[int, int]


def declared_gaps(statement: Statement) -> list[GapFound]:
    return [GapFound(why="declared", start=gap.start, end=gap.end, explained=True, reason=gap.reason) for gap in statement.gaps]


def explained(gap: GapFound, statement: Statement) -> GapFound:
    """The gap, with the reason of a declared one that lies over it."""
    found = _range(gap.start, gap.end)
    if found is None:
        return gap
    for declared in statement.gaps:
        other = _range(declared.start, declared.end)
        if other is not None and other[0] - SLACK_NS <= found[0] and found[1] <= other[1] + SLACK_NS:
            return msgspec.structs.replace(gap, explained=True, reason=declared.reason)
    return gap


def undeclared_gaps(statement: Statement) -> list[GapFound]:
    """Parts of the asked range that no file covers and no declared gap explains."""
    asked = _range(statement.request.start, statement.request.end)
    if asked is None:
        return []
    covered = [_range(file.delivered_start, file.delivered_end) for file in statement.files]
    covered += [_range(gap.start, gap.end) for gap in statement.gaps]
    found: list[GapFound] = []
    at = asked[0]
    for start, end in sorted(each for each in covered if each is not None):
        if start - at > SLACK_NS:
            found.append(GapFound(why="undeclared", start=format_utc(at), end=format_utc(min(start, asked[1]))))
        at = max(at, end)
        if at >= asked[1]:
            break
    if asked[1] - at > SLACK_NS:
        found.append(GapFound(why="undeclared", start=format_utc(at), end=format_utc(asked[1])))
    return found


def _range(start: str, end: str) -> _Range | None:
    """None where it does not read."""
    try:
        return parse_utc(start), parse_utc(end)
    except (ValueError, OverflowError):
        return None
