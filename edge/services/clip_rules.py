"""By which rules clip jobs are carried out: from the configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.clock import Clock
from edge.config.hours import quiet_minutes
from edge.config.on_request import Upload
from edge.host.disk import Disk
from edge.upload.budget import DailyBudget
from edge.upload.pace import FairPace
from edge.upload.passage import LinkLag, Passage
from edge.upload.permit import MB, Permit
from edge.upload.send import Settings, settings_of

log = logging.getLogger(__name__)

SPENT = "uploaded.json"


@dataclass(frozen=True, slots=True)
class Rules:
    """jobs: at once. deadline_s: of each, where it has none of its own. lag: of the link, see LinkLag."""

    jobs: int
    deadline_s: float
    settings: Settings
    permit: Permit
    boot: str = ""
    lag: LinkLag = field(default_factory=LinkLag)
    pace: FairPace = field(default_factory=lambda: FairPace(0.0))

    def passage(self, urgent: bool) -> Passage:
        return Passage(self.pace, urgent=urgent, budget=self.permit.budget, lag=self.lag)


def rules_of(upload: Upload, zone_name: str, disk: Disk, clock: Clock, boot: str, state: Path) -> Rules:
    """state: the agent's folder."""
    zone, settings = _zone(zone_name), settings_of(upload)
    budget = DailyBudget(disk, state / SPENT, clock, zone, upload.daily_mb * MB) if upload.metered else None
    permit = Permit(clock, zone, quiet_minutes(upload.quiet_hours), budget)
    return Rules(upload.jobs, upload.deadline_h * 3600, settings, permit, boot, pace=FairPace(settings.bytes_per_s))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.error("this machine does not know the time zone %s: quiet hours and days of the upload budget are by UTC", name)
        return timezone.utc
