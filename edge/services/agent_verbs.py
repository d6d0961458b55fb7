"""Which verbs a node obeys, and what carries each of them out. What is answered later comes through the inbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from edge.audit.journals import NodeJournals
from edge.clock import Clock
from edge.command.authority import Authority
from edge.command.clip import ClipSource, ClipVerb
from edge.command.config import VERB as CONFIG
from edge.command.config import ConfigVerb
from edge.command.config_desk import ConfigDesk, Surroundings
from edge.command.diag import Diags
from edge.command.dispatch import Verb
from edge.command.hold import HoldVerb, ReleaseVerb
from edge.command.identify import Identify
from edge.command.jobs import CancelVerb, JobList
from edge.command.ledger import Ledger
from edge.command.looking import Reports, Snapshots, Timelines
from edge.command.restart import VERB as RESTART
from edge.command.restart import Restarts
from edge.config.model import NodeConfig
from edge.config.read import Loaded
from edge.health.diag import diagnose
from edge.host.disk import Disk
from edge.host.supervision import supervisor_of
from edge.host.turn import turn_at
from edge.journal.writer import JournalWriter
from edge.link.publish import Direct
from edge.link.topics import CONFIG_REPORTED, address
from edge.messages.config import ConfigReported
from edge.ring.hold import Holds
from edge.ring.layout import NodeFolders
from edge.ring.query import RingReader
from edge.services.clip_ahead import plan_of, recorded_so_far
from edge.services.config_guard import TURN_WAIT_S
from edge.services.config_proof import Proof
from edge.services.errands import Errand, Errands
from edge.services.link_note import LinkNotes
from edge.upload.jobs import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What verbs are made of."""

    loaded: Loaded
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
    ledger: Ledger
    state: Path
    """The agent's own folder."""
    journal: JournalWriter
    authority: Authority
    notes: LinkNotes
    identify: Identify
    tell: Callable[[Direct], None]
    """Publishes, from any thread."""


def config_desk(shop: Workshop) -> ConfigDesk:
    proof = Proof(shop.config, shop.folders, shop.disk, shop.clock, shop.boot, lambda: shop.notes.online)
    around = Surroundings(
        supervised=lambda: supervisor_of(shop.folders.supervisor, shop.boot) is not None,
        proven=proof,
        pids=proof.pids,
        turn=partial(turn_at, shop.loaded.path.parent, TURN_WAIT_S),
        tell=lambda reported: shop.tell(report_message(shop.org, shop.config.node.id, reported)),
    )
    return ConfigDesk(shop.loaded, shop.disk, shop.journal, shop.authority, shop.state / "config.json", around)


def report_message(org: str, node: str, reported: ConfigReported) -> Direct:
    topic = address(org, node, CONFIG_REPORTED)
    return Direct(topic, topic, msgspec.json.encode(reported), CONFIG_REPORTED.qos, CONFIG_REPORTED.retain, trusted=True)


def followed_of(shop: Workshop, desk: ConfigDesk) -> dict[str, Restarts | ConfigVerb]:
    """Verbs that are looked after until their last word."""
    cameras = [camera.id for camera in shop.config.camera]
    restarts = Restarts(shop.folders, shop.disk, shop.boot, cameras, shop.ledger, shop.state / "restarts")
    return {RESTART: restarts, CONFIG: ConfigVerb(shop.loaded, desk)}


def verbs_of(shop: Workshop, followed: Mapping[str, Verb]) -> dict[str, Verb]:
    return {
        **followed,
        "identify": shop.identify,
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
        "diag": Diags(lambda: diagnose(shop.loaded, shop.folders, shop.disk, shop.clock)),
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
