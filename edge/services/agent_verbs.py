"""Which verbs a node obeys, and what carries each of them out. What is answered later comes through the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.clip.holes import Missing, missing_of
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clock import Clock
from edge.command.clip import ClipVerb
from edge.command.dispatch import Verb
from edge.command.hold import HoldVerb, ReleaseVerb
from edge.config.model import NodeConfig
from edge.host.disk import Disk
from edge.journal.writer import JournalWriter
from edge.messages.clip import ClipRequest
from edge.ring.hold import Holds
from edge.ring.layout import NodeFolders
from edge.ring.query import RingReader
from edge.services.agent_parts import Inbox
from edge.upload.jobs import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What verbs are made of. state: the agent's own folder on the data partition."""

    config: NodeConfig
    folders: NodeFolders
    state: Path
    disk: Disk
    clock: Clock
    boot: str
    journal: JournalWriter
    ring: RingReader
    holds: Holds
    store: JobStore
    inbox: Inbox


def verbs_of(shop: Workshop) -> dict[str, Verb]:
    clip = ClipVerb(
        [camera.id for camera in shop.config.camera],
        lambda request: _plan(shop.ring, request),
        shop.store,
        shop.clock,
        deliverable=shop.config.upload is not None,
    )
    return {"clip": clip, "hold": HoldVerb(shop.holds), "release": ReleaseVerb(shop.holds)}


def _plan(ring: RingReader, request: ClipRequest) -> Plan:
    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(ring.timeline(request.camera, start_ns, end_ns), end_ns)

    return plan_clip(ring, request, missing=missing)
