"""On what terms a job was accepted, who called it off, and until when it may take. Pure."""

from __future__ import annotations

import msgspec

from edge.clock import NS_PER_S, Reading, format_utc, parse_utc
from edge.errors import Refused

AHEAD_MAX_S = 86_400
"""How far ahead the end of an asked range may lie."""
SETTLE_NS = 5 * NS_PER_S
"""After the asked end: two GOPs and the write of the second, so that the closing picture can be there."""
GRACE_NS = 60 * NS_PER_S
"""After the asked end the clip is made of what is there, however late the camera is."""
WORDS_MAX = 200
_JUMP_NS = 60 * NS_PER_S


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """jobs/<id>/terms.json; a job without it was accepted on the terms below.

    accepted: UTC, by the node's clock; boot, boot_ns: the same instant on the clock that nobody sets. deadline: RFC 3339 UTC, "" for none
    but within_s, which counts the time since acceptance while the agent runs, over all boots; None: the configured one. awaits: the end
    lay ahead; the footage is pinned as it is recorded, and the plan is made when the end has passed. expects_bytes: what it will keep.
    """

    urgent: bool = False
    accepted: str = ""
    boot: str = ""
    boot_ns: int = 0
    deadline: str = ""
    within_s: float | None = None
    awaits: bool = False
    expects_bytes: int = 0


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """jobs/<id>/cancel.json. id: of the command, "" for one made on the node. t: UTC by the node's clock."""

    by: str
    why: str
    t: str
    id: str = ""


def limit_s(terms: Terms, configured_s: float, spent_s: float, now: Reading, boot: str) -> float:
    """How long the job may take in all, on the clock of `spent_s`. A deadline that was asked for counts also while no agent runs: within
    the boot of its acceptance by the clock that nobody sets, later by the instant, while the clock is dated."""
    limit = configured_s if terms.within_s is None else terms.within_s
    if not terms.deadline:
        return limit
    if terms.boot == boot and terms.within_s is not None:
        return min(limit, spent_s + terms.within_s - (now.boot_ns - terms.boot_ns) / NS_PER_S)
    if now.dated:
        return min(limit, spent_s + (parse_utc(terms.deadline) - now.utc_ns) / NS_PER_S)
    return limit


def is_over(terms: Terms, end_ns: int, newest_ns: int, now: Reading, boot: str) -> bool:
    """Whether a range that lay ahead is recorded by now, or never will be. newest_ns: how far the camera's footage reaches.

    Both clocks must say so where both can: a clock set forward by mistake ends nothing before its time, one set back only makes it later.
    A clock that is not trusted says nothing.
    """
    if not now.dated:
        return False
    if terms.boot == boot and now.boot_ns - terms.boot_ns < end_ns - parse_utc(terms.accepted) - _JUMP_NS:
        return False
    behind_ns = now.utc_ns - end_ns
    return behind_ns >= GRACE_NS or (behind_ns >= SETTLE_NS and newest_ns >= end_ns + SETTLE_NS // 2)


def check_why(by: str, why: str) -> None:
    """Raises Refused: bad_words for what cannot stand in a record or on a line as it is."""
    for name, word in (("who", by), ("why", why)):
        if not word.strip() or len(word) > WORDS_MAX or not word.isprintable():
            raise Refused("bad_words", f"{name} must be 1 to {WORDS_MAX} printable characters on one line")


def waits_until(end_ns: int) -> str:
    return f"waits until {format_utc(end_ns)}, when the footage asked for is recorded"
