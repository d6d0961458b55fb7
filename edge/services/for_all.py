"""Commands that were sent to all nodes wait here for a moment, so that a town does not answer in one breath."""

from __future__ import annotations

import logging
import secrets

from edge.link.inbox import CommandNews

log = logging.getLogger(__name__)

JITTER_S = 5.0
WAITING_MAX = 20


class ForAll:
    """The agent's main thread. What waits is lost with the process: whoever asked all asks again."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, CommandNews]] = []

    def put(self, news: CommandNews, now_s: float) -> None:
        """Of more than WAITING_MAX the newest is dropped."""
        if len(self._waiting) >= WAITING_MAX:
            log.warning("a command to all on cmd/%s is dropped: %d wait already", news.verb, WAITING_MAX)
            return
        self._waiting.append((now_s + secrets.randbelow(round(JITTER_S * 1000)) / 1000, news))

    def due(self, now_s: float) -> list[CommandNews]:
        """Each once."""
        ready = [news for due_s, news in self._waiting if due_s <= now_s]
        self._waiting = [each for each in self._waiting if each[0] > now_s]
        return ready
