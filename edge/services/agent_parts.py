"""What an agent is made of."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock
from edge.command.authority import Authority
from edge.command.config_desk import ConfigDesk
from edge.command.dispatch import Verb
from edge.command.identify import Identify
from edge.command.ledger import Ledger
from edge.config.model import Mqtt
from edge.host.disk import Disk
from edge.journal.writer import JournalWriter
from edge.link.lane import Lane
from edge.link.port import Link
from edge.link.properties import Properties
from edge.link.publish import Direct
from edge.messages.clip import JobProgress
from edge.messages.health import HealthDocument
from edge.messages.records import AlarmRaised
from edge.messages.wire import NodeInfo, Response
from edge.ring.hold import Holds
from edge.ring.hold_alarms import HoldAlarms
from edge.services.agent_alarms import LinkAlarms
from edge.services.agent_health import HealthWatch
from edge.services.agent_history import HealthHistory
from edge.services.agent_voice import Wills
from edge.services.checkpoints import Checkpoints
from edge.services.clip_jobs import ClipJobs
from edge.services.errands import Errands
from edge.services.followed import FollowedVerbs
from edge.services.lifecycle import ServiceThread
from edge.services.link_certificates import CertificateWatch
from edge.services.link_note import LinkNotes
from edge.upload.jobs import Final, Job, JobStore

JOURNAL = "agent"

News = JobProgress | tuple[Job, Final] | tuple[HealthDocument, list[AlarmRaised]] | Response | Direct
Inbox = queue.Queue[News]
"""What other threads have to say. A Response: a later answer to a command that was accepted. A Direct: sent as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an agent is made of."""

    mqtt: Mqtt
    node: str
    boot: str
    disk: Disk
    past: Path
    """Where it is written down what stands: see agent_past."""
    clock: Clock
    journal: JournalWriter
    link: Link
    wills: Wills
    groups: Sequence[Sequence[Lane]]
    properties: Properties
    authority: Authority
    ledger: Ledger
    verbs: Mapping[str, Verb]
    followed: FollowedVerbs
    per_hour: int
    """Most commands of one operator, of each verb."""
    errands: Errands
    holds: Holds
    hold_alarms: HoldAlarms
    store: JobStore
    jobs: ClipJobs | None
    health: HealthWatch
    history: HealthHistory
    checkpoints: Checkpoints
    link_alarms: LinkAlarms
    certificates: CertificateWatch
    notes: LinkNotes
    config: ConfigDesk
    identify: Identify
    health_interval_s: float
    journal_days: float
    info: NodeInfo

    @property
    def threads(self) -> list[ServiceThread]:
        """Those that an agent cannot be without."""
        working = [self.health.thread, self.checkpoints.thread, self.errands.thread]
        return working if self.jobs is None else [*working, *self.jobs.threads]

    def stop_threads(self, deadline_s: float) -> None:
        """Each within its deadline; what they leave is done at the next start."""
        self.health.stop(deadline_s)
        if self.jobs is not None:
            self.jobs.stop(deadline_s)
        self.checkpoints.stop(deadline_s)
        self.errands.stop(deadline_s)
