"""What the commands that look at footage share: the reader, and which cameras there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.cli.options import clock_of
from edge.config.model import NodeConfig
from edge.errors import UsageError
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.ring.query import RingReader
from edge.ring.timeline import Timeline


def ring_reader(config: NodeConfig) -> RingReader:
    return RingReader(LinuxDisk(), Path(config.node.data), clock_of(config), boot_id(), config.retention.days)


def cameras_with_footage(config: NodeConfig, reader: RingReader, asked: Sequence[str]) -> list[str]:
    """Those asked for, else all of the configuration and all that have a ring (a camera that was taken out of the configuration keeps its
    footage). Raises UsageError for one that is in neither."""
    known = list(dict.fromkeys([*(camera.id for camera in config.camera), *reader.cameras()]))
    for camera in asked:
        if camera not in known:
            raise UsageError(f'there is no camera "{camera}"', remedy="cameras: " + ", ".join(known))
    return list(dict.fromkeys(asked)) or known


def known_zones(config: NodeConfig, timelines: Sequence[Timeline], asked: Sequence[str]) -> None:
    """Raises UsageError for one that neither the configuration nor an episode names."""
    configured = {zone.name for camera in config.camera for zone in camera.zone}
    known = configured | {name for each in timelines for event in each.events for name in event.zones}
    for name in asked:
        if name not in known:
            raise UsageError(f'there is no zone "{name}"', remedy="zones: " + (", ".join(sorted(known)) or "none"))
