"""`edge agent`: journals to the centre, properties and health beside them, commands and clips back. The one process with a network."""

from __future__ import annotations

import logging
from threading import Event

from edge import __version__
from edge.clock import Clock, monotonic_s
from edge.config.model import NodeConfig
from edge.config.read import Loaded
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.sentinel import check_sentinel
from edge.host.timesync import KernelClock
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.evidence import ConfigInForce
from edge.messages.records import Boot, Facts, Stop
from edge.ring.hold_alarms import HoldAlarms
from edge.ring.layout import NodeFolders, folders_of
from edge.ring.query import RingReader
from edge.seal.opening import identity_opener
from edge.services.agent_build import about_holds, build
from edge.services.agent_chores import HOLDS_EVERY_S, holds_of, refresh_holds
from edge.services.agent_parts import JOURNAL
from edge.services.agent_past import PAST, Past, recall
from edge.services.checkpoints import Checkpoints, Pace
from edge.services.lifecycle import settle_memory, sole_user

log = logging.getLogger(__name__)

STATE = "agent"
"""Folder below the data partition: session number, commands taken, what stands."""
_LAST_WAIT_S = 3.0


def run_agent(loaded: Loaded, stop: Event) -> int:
    """Until `stop`. Without [mqtt] it touches no network, keeps locks complete and signs checkpoints. Returns 0; 1 when a thread of it
    broke. Raises ConfigError for keys and certificates of the link that cannot be used, StorageError when its journal cannot be opened,
    TryAgain when another agent runs on the same data."""
    disk, config = LinuxDisk(), loaded.config
    folders = folders_of(config)
    if config.node.sentinel:
        check_sentinel(disk, folders.data, config.node.id)
    state = folders.data / STATE
    disk.mkdir(state)
    with sole_user(state, "publishes for this node"):
        clock = KernelClock(config.clock.trust, config.clock.max_error_ms)
        past = recall(disk, state / PAST, JournalReader(disk, folders.journal(JOURNAL)))
        journal = _journal(disk, folders, clock, boot_id(), past, loaded.sha256)
        checkpoints = _checkpoints(config, folders, disk, clock, journal, past)
        if config.mqtt is None:
            return _run_alone(config, folders, disk, clock, stop, journal, checkpoints, past)
        agent = build(loaded, config.mqtt, folders, disk, clock, state, journal, checkpoints, past)
        settle_memory()
        return agent.run(stop)


def _run_alone(
    config: NodeConfig,
    folders: NodeFolders,
    disk: Disk,
    clock: Clock,
    stop: Event,
    journal: JournalWriter,
    checkpoints: Checkpoints,
    past: Past,
) -> int:
    log.info("no [mqtt] section: nothing is published and no command is taken")
    holds = holds_of(config, disk, journal, clock, RingReader(disk, folders.data, clock, journal.boot, config.retention.days))
    alarms = HoldAlarms(holds, journal, clock, about_holds(past.alarms))
    checkpoints.start()
    while not stop.is_set() and not checkpoints.thread.broken:
        refresh_holds(holds, alarms)
        checkpoints.look(monotonic_s())
        stop.wait(HOLDS_EVERY_S)
    checkpoints.stop(_LAST_WAIT_S)
    journal.append(Stop(reason="asked to"))
    journal.close()
    return 1 if checkpoints.thread.broken else 0


def _checkpoints(config: NodeConfig, folders: NodeFolders, disk: Disk, clock: Clock, journal: JournalWriter, past: Past) -> Checkpoints:
    seal = config.seal
    return Checkpoints(
        config.node.id,
        disk,
        folders.journals,
        clock,
        journal,
        identity_opener(seal, clock),
        Pace(every_s=seal.checkpoint_s) if seal is not None else None,
        adapter=seal.signer if seal is not None else "",
        standing=past.alarms,
    )


def _journal(disk: Disk, folders: NodeFolders, clock: Clock, boot: str, past: Past, config_sha256: str) -> JournalWriter:
    """Opened, with the records of this start in it."""
    folder = folders.journal(JOURNAL)
    last = JournalReader(disk, folder).last()
    journal = JournalWriter(disk, folder, clock, boot)
    journal.open()
    if last is None:
        start = Boot(version=__version__, ended="first", config_sha256=config_sha256)
    elif last.record.type == "stop":
        start = Boot(version=__version__, ended="orderly", config_sha256=config_sha256)
    else:
        start = Boot(version=__version__, ended="crash" if last.record.boot == boot else "power", config_sha256=config_sha256)
    facts: list[Facts] = [start]
    if past.config_sha256 and config_sha256 and past.config_sha256 != config_sha256:
        facts.append(ConfigInForce(sha256=config_sha256, before=past.config_sha256))
    journal.append_all(facts)
    return journal
