"""Alarms about the link itself. They go to the journal like all others, and from there to their topics."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from edge.errors import StorageError
from edge.link.lane import Lane
from edge.link.port import SESSION_TAKEN_OVER, Disconnected
from edge.messages.records import AlarmRaised, Facts, Record

log = logging.getLogger(__name__)

PREFIX = "link_"
TAKEOVERS = 2
TAKEOVERS_WITHIN_S = 600.0
STANDS_S = {"link_identity": 3600.0, "link_set_aside": 86_400.0}
"""Alarms about something that happened: they clear so long after it happened last."""


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


class LinkAlarms:
    """One thread. Only edges are recorded. `standing`: those raised by the process before this one."""

    def __init__(self, journal: Journal, standing: Iterable[AlarmRaised], now_s: float) -> None:
        self._journal = journal
        self._active = {alarm.code: alarm for alarm in standing}
        self._clear_at_s = {code: now_s + STANDS_S[code] for code in self._active if code in STANDS_S}
        self._takeovers_s: list[float] = []

    def disconnected(self, news: Disconnected, now_s: float) -> None:
        if news.code == SESSION_TAKEN_OVER:
            self.taken_over(now_s)

    def taken_over(self, now_s: float) -> None:
        """Another client was seen under this node's name. Once may be an echo of a process before this one; again and again it is a second
        device."""
        self._takeovers_s = [at_s for at_s in self._takeovers_s if now_s - at_s < TAKEOVERS_WITHIN_S] + [now_s]
        if len(self._takeovers_s) >= TAKEOVERS:
            text = "another client uses this node's identity at the broker"
            self._happened("link_identity", "critical", text, "find the second device; withdraw its certificate", now_s)

    def set_aside(self, what: str, now_s: float) -> None:
        text = f"{what}: the connection broke each time it was sent; it stays in the journal here"
        self._happened("link_set_aside", "warning", text, "read the record on the node", now_s)

    def look(self, lanes: Sequence[Lane], now_s: float) -> None:
        """Call every few seconds."""
        refused = [f"{lane.name} (0x{lane.refusal:02x})" for lane in lanes if lane.refusal >= 0x80]
        text = f"the broker refuses {', '.join(refused)}" if refused else "the broker takes all records"
        self._set("link_refused", bool(refused), "warning", text, "check the broker's access list and limits")
        forked = [lane.name for lane in lanes if lane.forked]
        if forked:
            text = f"the centre knows more of {', '.join(forked)} than this node"
            self._set("link_journal_forked", True, "critical", text, "was the disk replaced by an older copy?")
        for code in [code for code, at_s in self._clear_at_s.items() if now_s >= at_s]:
            del self._clear_at_s[code]
            self._set(code, False, self._active[code].severity, "it did not happen again", "")

    def _happened(self, code: str, severity: str, text: str, todo: str, now_s: float) -> None:
        self._clear_at_s[code] = now_s + STANDS_S[code]
        self._set(code, True, severity, text, todo)

    def _set(self, code: str, active: bool, severity: str, text: str, todo: str) -> None:
        if active == (code in self._active):
            return
        alarm = AlarmRaised(
            code=code, active=active, severity="critical" if severity == "critical" else "warning", text=text, todo=todo if active else ""
        )
        log.log(logging.ERROR if active else logging.INFO, "%s: %s", code, text)
        try:
            self._journal.append(alarm)
        except StorageError as error:
            log.error("alarm %s is not recorded: %s", code, error)
            return
        if active:
            self._active[code] = alarm
        else:
            del self._active[code]
