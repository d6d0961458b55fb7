"""Hours of the day as the configuration writes them: "22:00-06:00", from-until, the second excluded, over midnight where it is earlier."""

from __future__ import annotations

from collections.abc import Sequence

HOURS_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
DAY_MINUTES = 24 * 60


def minutes_of(text: str) -> tuple[int, int]:
    """Minutes since midnight. Raises ValueError for what HOURS_PATTERN refuses."""
    first, last = text.split("-")
    return _minute(first), _minute(last) % DAY_MINUTES


def quiet_minutes(ranges: Sequence[str]) -> frozenset[int]:
    """Every minute of the day that lies in one of them; a range from a time to the same time is the whole day."""
    found: set[int] = set()
    for text in ranges:
        first, last = minutes_of(text)
        length = (last - first) % DAY_MINUTES or DAY_MINUTES
        found.update((first + minute) % DAY_MINUTES for minute in range(length))
    return frozenset(found)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
