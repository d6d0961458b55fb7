"""Which verbs a node obeys, and what carries each of them out. What is answered later comes through the inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.audit.journals import NodeJournals
from edge.clock import Clock
from edge.command.clip import ClipSource, ClipVerb
from edge.command.dispatch import Verb
from edge.command.hold import HoldVerb, ReleaseVerb
from edge.command.jobs import CancelVerb, JobList
from edge.command.looking import Reports, Snapshots, Timelines
from edge.config.model import NodeConfig
from edge.host.disk import Disk
from edge.ring.hold import Holds
from edge.ring.layout import NodeFolders
from edge.ring.query import RingReader
from edge.services.clip_ahead import plan_of, recorded_so_far
from edge.services.errands import Errand, Errands
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
    called_off: Callable[[str], None] | None
    """Told of a job that is to end; None where none is carried out."""
    errands: Errands
    org: str


def verbs_of(shop: Workshop) -> dict[str, Verb]:
    return {
        "clip": _clip(shop),
        "hold": HoldVerb(shop.holds),
        "release": ReleaseVerb(shop.holds),
        "cancel": CancelVerb(shop.store, shop.clock, shop.called_off),
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
        "jobs": JobList(shop.store),
        "report": Reports(node.id, node.place, cameras, journals, node.timezone, shop.clock),
    }


def _clip(shop: Workshop) -> ClipVerb:
    upload = shop.config.upload
    source = ClipSource(
        {camera.id: camera.bitrate_kbps for camera in shop.config.camera},
        lambda request: plan_of(shop.ring, request),
        lambda request: recorded_so_far(shop.ring, request),
        upload.deadline_h * 3600 if upload is not None else None,
        shop.boot,
    )
    return ClipVerb(source, shop.store, shop.clock)
