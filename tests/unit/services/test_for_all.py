from __future__ import annotations

from edge.link.inbox import CommandNews
from edge.services.for_all import JITTER_S, WAITING_MAX, ForAll


def news(number: int) -> CommandNews:
    return CommandNews("identify", str(number).encode(), retained=False, expiry_s=60, correlation=None, to_all=True)


def test_what_was_said_to_all_is_spread_over_some_seconds_and_comes_once() -> None:
    found: set[bytes] = set()
    moments = set()
    for town in range(20):
        waiting = ForAll()
        for number in range(WAITING_MAX):
            waiting.put(news(town * WAITING_MAX + number), now_s=100.0)
        for tenth in range(round(JITTER_S * 10) + 1):
            due = [each.token for each in waiting.due(100.0 + tenth / 10)]
            assert not found.intersection(due)
            found.update(due)
            moments.update([tenth] if due else [])
    assert len(found) == 20 * WAITING_MAX
    assert len(moments) > JITTER_S * 5, "not all at one time"


def test_a_flood_is_dropped() -> None:
    waiting = ForAll()
    for number in range(10 * WAITING_MAX):
        waiting.put(news(number), now_s=0.0)
    assert len(waiting.due(JITTER_S)) == WAITING_MAX
