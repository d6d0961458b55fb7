"""`edge centre receive`: journals from the broker, uploads from the nodes, until it is stopped."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from edge.centre.archive import StoredEvent
from edge.centre.client import Client
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.config.link import read_mqtt
from edge.config.secrets import read_first_line
from edge.errors import TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.logs import start_logging
from edge.seal.trust import read_roots

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where uploads come in, as on the command line."""

    host: str
    port: int
    token_file: Path | None
    tokens_file: Path | None
    node_quota_gb: float
    certificate: Path | None
    key: Path | None
    client_ca: Path | None


def receive_until(stop: Event, folder: Path, broker: Path | None, door: Door, trust: Path | None = None) -> None:
    """Threads: those of ReceiverServer and of Client. trust: PEM of the authorities that certify nodes' keys.
    Raises ConfigError, TryAgain (port taken), UsageError (folder in use)."""
    start_logging()
    settings = ServeSettings(
        folder / "uploads",
        door.host,
        door.port,
        token=read_first_line(door.token_file, "--token-file") if door.token_file else "",
        tokens_file=door.tokens_file,
        limits=StoreLimits(node_bytes=round(door.node_quota_gb * 1e9)),
        certificate=str(door.certificate or ""),
        key=str(door.key or ""),
        client_ca=str(door.client_ca or ""),
    )
    roots = read_roots(trust) if trust is not None else None
    mqtt = read_mqtt(broker) if broker is not None else None
    server = ReceiverServer(settings, LinuxDisk(), KernelClock("assume"))
    with ExitStack() as open_things:
        server.start()
        open_things.callback(server.stop)
        centre = open_things.enter_context(Client(mqtt, folder, on_event=_tell, trust=roots)) if mqtt is not None else None
        while not stop.wait(_LOOK_EVERY_S):
            if centre is not None and centre.broken:
                raise TryAgain("the thread that stores journals has ended by a fault", remedy="start again; its traceback is above")


def _tell(event: StoredEvent) -> None:
    log.info("%s %s #%d %s %s", event.node, event.journal, event.record.seq, event.record.type, event.record.camera or "")
