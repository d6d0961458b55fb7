"""Alarms about the link itself. They go to the journal like all others, and from there to their topics."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from edge.errors import StorageError
from edge.link.lane import Lane
from edge.link.port import SESSION_TAKEN_OVER, Cause, Connected, Disconnected, Subscribed, Unreachable
from edge.messages.records import AlarmRaised, Facts, Record

log = logging.getLogger(__name__)

PREFIX = "link_"
TAKEOVERS = 2
TAKEOVERS_WITHIN_S = 600.0
STANDS_S = {"link_identity": 3600.0, "link_set_aside": 86_400.0}
"""Alarms about something that happened: they clear so long after it happened last."""
REFUSED_AFTER_S = 30.0
"""A broker that is being set up refuses for a moment: an alarm is what lasts."""
CAUSES: dict[Cause, tuple[str, str]] = {
    "refused": ("link_refused", "is the certificate revoked or expired, the password changed? renew it; it is read at the next attempt"),
    "untrusted": (
        "link_broker_untrusted",
        "is its certificate expired, of another name or authority? is this node's clock right?",
    ),
}
_TEXT_MAX = 500

Severity = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class _Refusal:
    cause: Cause
    since_s: float
    text: str


class Journal(Protocol):
    def append(self, facts: Facts, camera: str | None = None) -> Record: ...


class LinkAlarms:
    """One thread. Only edges are recorded. `standing`: those raised by the process before this one."""

    def __init__(self, journal: Journal, standing: Iterable[AlarmRaised], now_s: float) -> None:
        self._journal = journal
        self._active = {alarm.code: alarm for alarm in standing}
        self._clear_at_s = {code: now_s + STANDS_S[code] for code in self._active if code in STANDS_S}
        self._takeovers_s: list[float] = []
        self._refusal: _Refusal | None = None

    def connected(self, news: Connected) -> None:
        self._refusal = None
        for code, _ in CAUSES.values():
            self.set(code, None, "broker and node take each other again", "")
        self.subscribed(news)

    def subscribed(self, news: Connected | Subscribed) -> None:
        named = ", ".join(f"{pattern} (0x{code:02x})" for pattern, code in news.refused)
        text = f"the broker refuses the subscription to {named}" if named else "the broker takes all subscriptions"
        self.set("link_subscription_refused", "critical" if named else None, text, "check the broker's access list")

    def unreachable(self, news: Unreachable, now_s: float) -> None:
        """Of the same cause the first time counts, and the newest words. An attempt that failed otherwise says nothing about it."""
        if news.cause:
            last = self._refusal
            since_s = last.since_s if last is not None and last.cause == news.cause else now_s
            self._refusal = _Refusal(news.cause, since_s, news.text)

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
        if self._refusal is not None and now_s - self._refusal.since_s >= REFUSED_AFTER_S:
            code, todo = CAUSES[self._refusal.cause]
            self.set(code, "critical", self._refusal.text, todo)
        refused = [f"{lane.name} (0x{lane.refusal:02x})" for lane in lanes if lane.refusal >= 0x80]
        text = f"the broker refuses records of {', '.join(refused)}" if refused else "the broker takes all records"
        self.set("link_records_refused", "warning" if refused else None, text, "check the broker's access list and limits")
        forked = [lane.name for lane in lanes if lane.forked]
        if forked:
            text = f"the centre knows more of {', '.join(forked)} than this node"
            self.set("link_journal_forked", "critical", text, "was the disk replaced by an older copy?")
        for code in [code for code, at_s in self._clear_at_s.items() if now_s >= at_s]:
            del self._clear_at_s[code]
            self.set(code, None, "it did not happen again", "")

    def _happened(self, code: str, severity: Severity, text: str, todo: str, now_s: float) -> None:
        self._clear_at_s[code] = now_s + STANDS_S[code]
        self.set(code, severity, text, todo)

    def set(
        self, code: str, severity: Severity | None, text: str, todo: str, *, value: float | None = None, threshold: float | None = None
    ) -> None:
        """severity None: it is over. Recorded where it differs from before, also where the journal refused it before."""
        standing = self._active.get(code)
        if severity == (standing.severity if standing is not None else None):
            return
        active = severity is not None
        alarm = AlarmRaised(
            code=code,
            active=active,
            severity=severity or (standing.severity if standing is not None else "warning"),
            text=text[:_TEXT_MAX],
            todo=todo if active else "",
            value=value,
            threshold=threshold,
        )
        log.log(logging.ERROR if active else logging.INFO, "%s: %s", code, text)
        try:
            self._journal.append(alarm)
        except StorageError as error:
            log.error("alarm %s is not recorded: %s", code, error)
            return
        self._active.pop(code, None)
        if active:
            self._active[code] = alarm
