"""A recorder's first steps, in the one order that is safe: recover, say that it runs, date, sweep - and only then record."""

from __future__ import annotations

import logging

from edge.clock import NS_PER_MS, Clock
from edge.errors import StorageError
from edge.host.disk import Disk
from edge.messages.evidence import ConfigInForce
from edge.messages.records import Boot, GapReason
from edge.ring.dating import finish_dating
from edge.ring.history import Ended
from edge.ring.layout import NodeFolders
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.recording import Recording
from edge.ring.recover import Leftovers
from edge.ring.room import Sweeps

log = logging.getLogger(__name__)

_REASON: dict[Ended, GapReason] = {"first": "unknown", "orderly": "stopped", "crash": "crash", "power": "power"}

_MEANWHILE: dict[Ended, str] = {
    "first": "",
    "orderly": "the recorder was stopped meanwhile",
    "crash": "the recorder crashed meanwhile",
    "power": "the power was off meanwhile",
}


def make_folders(disk: Disk, folders: NodeFolders, camera: str) -> None:
    """Everything the recorder writes to, durably: on a full disk it is too late to make the folder that erasing needs."""
    disk.mkdir(folders.open(camera))
    disk.mkdir(folders.erasing(camera))


def start_ring(
    disk: Disk,
    folders: NodeFolders,
    camera: str,
    clock: Clock,
    boot: str,
    ledger: Ledger,
    sweeper: Sweeps,
    limits: RingLimits,
    version: str,
) -> Recording:
    """Raises StorageError where the ring cannot even be read. What cannot be recovered or dated yet is left for later and logged: a new
    recording does not wait for an old one."""
    make_folders(disk, folders, camera)
    leftovers = Leftovers(disk, folders, camera, boot, ledger)
    earlier = leftovers.history()
    ended = earlier.ended
    unfinished = False
    try:
        leftovers.clear()
    except StorageError as refused:
        unfinished = True
        log.error("camera %s: the recovery is not complete: %s", camera, refused)
    begun = clock.read()
    start = Boot(
        version=version,
        ended=ended,
        config_sha256=limits.config_sha256,
        masks_sha256=limits.masks_sha256,
        masks_in_camera=limits.masks_in_camera,
    )
    ledger.put(start, begun)
    if earlier.config_sha256 and limits.config_sha256 and earlier.config_sha256 != limits.config_sha256:
        ledger.put(ConfigInForce(sha256=limits.config_sha256, before=earlier.config_sha256), begun)
    history = leftovers.history()
    try:
        finish_dating(disk, folders.ring(camera), history.offsets_ms)
    except StorageError as refused:
        log.error("camera %s: dating that was interrupted cannot be ended yet: %s", camera, refused)
    try:
        sweeper.sweep(0)
    except StorageError as refused:
        log.error("camera %s: the first sweep failed: %s", camera, refused)
    recording = Recording(
        disk,
        folders,
        camera,
        clock,
        boot,
        ledger,
        sweeper,
        limits,
        leftovers,
        next_seq=leftovers.next_seq(),
        end=history.footage_end(),
        span=f"{boot}/{begun.boot_ns // NS_PER_MS * NS_PER_MS}",
        restart=_REASON[ended],
        unfinished=unfinished,
    )
    if (lasting := history.lasting) is not None:  # the first reason stays
        recording.gap(lasting.reason, lasting.text)
        recording.gap(_REASON[ended], _MEANWHILE[ended])
    elif history.newest is not None:
        recording.gap(_REASON[ended])
    return recording
