"""What this process's journal says about the signing key: one record a change, and an alarm while there is trouble."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Protocol

import msgspec

from edge.errors import StorageError
from edge.messages.evidence import KeyNews
from edge.messages.records import AlarmRaised, Facts, Record

log = logging.getLogger(__name__)

CODE = "seal_key"
TROUBLE = ("missing", "broken")
FLAPPING_CHANGES = 3
FLAPPING_S = 3600.0
TODO = "look at the key and its certificate: `edge key show`"
_TEXT_MAX = 500


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


class KeyStanding:
    """Any thread. `standing`: the alarm, where the process before this one left it raised."""

    def __init__(self, journal: Journal, standing: Iterable[AlarmRaised] = ()) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._said: KeyNews | None = None
        self._raised = any(alarm.code == CODE for alarm in standing)
        self._changes_s: list[float] = []

    @property
    def state(self) -> str:
        """The state last recorded; "" before the first."""
        return self._said.state if self._said is not None else ""

    def say(self, news: KeyNews, now_s: float) -> None:
        """Recorded where it differs in state or in key from what was said before. A key that comes and goes more often than three times
        an hour is called broken until it has been good for an hour. A journal that refuses is told the next time."""
        with self._lock:
            if self._said is not None and _same(self._said, news):
                self._alarm(news)
                return
            if self._said is not None and self._flaps(news, now_s):
                return
            try:
                self._journal.append(msgspec.structs.replace(news, text=news.text[:_TEXT_MAX]))
            except StorageError as error:
                log.error("the state of the signing key is not recorded: %s", error)
                return
            log.log(logging.ERROR if news.state in TROUBLE else logging.INFO, "signing key: %s %s", news.state, news.text)
            if self._said is not None:
                self._changes_s.append(now_s)
            self._said = news
            self._alarm(news)

    def _flaps(self, news: KeyNews, now_s: float) -> bool:
        self._changes_s = [at_s for at_s in self._changes_s if now_s - at_s < FLAPPING_S]
        return news.state not in TROUBLE and len(self._changes_s) >= FLAPPING_CHANGES

    def _alarm(self, news: KeyNews) -> None:
        active = news.state in TROUBLE
        if active == self._raised:
            return
        text = (
            f"journals are not signed: {news.text}" if active else "the signing key can be used" if news.state == "in_force" else news.text
        )
        alarm = AlarmRaised(code=CODE, active=active, severity="warning", text=text[:_TEXT_MAX], todo=TODO if active else "")
        try:
            self._journal.append(alarm)
        except StorageError as error:
            log.error("alarm %s is not recorded: %s", CODE, error)
        else:
            self._raised = active


def _same(said: KeyNews, news: KeyNews) -> bool:
    return (said.state, said.adapter, said.fingerprint) == (news.state, news.adapter, news.fingerprint)
