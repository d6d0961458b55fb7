"""Which verbs a node obeys, and what carries each of them out. What is answered later comes through the inbox."""

from __future__ import annotations

from dataclasses import dataclass

from edge.audit.journals import NodeJournals
from edge.clip.holes import Missing, missing_of
from edge.clip.plan import plan_clip
from edge.clip.shape import Plan
from edge.clock import Clock
from edge.command.clip import ClipVerb
from edge.command.dispatch import Verb
from edge.command.hold import HoldVerb, ReleaseVerb
from edge.command.looking import Reports, Snapshots, Timelines
from edge.config.model import NodeConfig
from edge.host.disk import Disk
from edge.messages.clip import ClipRequest
from edge.ring.hold import Holds
from edge.ring.layout import NodeFolders
from edge.ring.query import RingReader
from edge.services.errands import Errand, Errands
from edge.services.live_sessions import LiveSessions
from edge.upload.jobs import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What verbs are made of."""

    config: NodeConfig
    folders: NodeFolders
    disk: Disk
    clock: Clock
    boot: str
    ring: RingReader
    holds: Holds
    store: JobStore
    errands: Errands
    live: LiveSessions
    org: str


def verbs_of(shop: Workshop) -> dict[str, Verb]:
    return {
        "clip": _clip(shop),
        "hold": HoldVerb(shop.holds),
        "release": ReleaseVerb(shop.holds),
        "live": shop.live.verb,
        **{name: shop.errands.verb(name, errand) for name, errand in _errands(shop).items()},
    }


def _errands(shop: Workshop) -> dict[str, Errand]:
    node, cameras = shop.config.node, {camera.id: camera.name for camera in shop.config.camera}

    def ring() -> RingReader:
        """Of that thread."""
        return RingReader(shop.disk, shop.folders.data, shop.clock, shop.boot, shop.config.retention.days)

    journals = NodeJournals(shop.disk, shop.folders.journals)
    return {
        "timeline": Timelines(cameras, ring),
        "snapshot": Snapshots(shop.org, node.id, cameras, ring, shop.disk, shop.clock),
        "report": Reports(node.id, node.place, cameras, journals, node.timezone, shop.clock),
    }


def _clip(shop: Workshop) -> ClipVerb:
    return ClipVerb(
        [camera.id for camera in shop.config.camera],
        lambda request: _plan(shop.ring, request),
        shop.store,
        shop.clock,
        deliverable=shop.config.upload is not None,
    )


def _plan(ring: RingReader, request: ClipRequest) -> Plan:
    def missing(start_ns: int, end_ns: int) -> list[Missing]:
        return missing_of(ring.timeline(request.camera, start_ns, end_ns), end_ns)

    return plan_clip(ring, request, missing=missing)
