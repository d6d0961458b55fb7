"""`edge serve`: footage over HTTPS. A process of its own, so that no fault of an HTTP parser reaches the recorder or the agent."""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

from edge.clip.found import find_clips
from edge.clock import Clock
from edge.config.model import NodeConfig
from edge.config.on_request import Serve
from edge.config.secrets import secret_fault
from edge.errors import ConfigError, TryAgain
from edge.host import systemd
from edge.host.disk import Disk
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.listen import HttpServer, Manners, address_of, listening_socket, server_context
from edge.host.sentinel import check_sentinel
from edge.host.timesync import KernelClock
from edge.ring.layout import folders_of
from edge.ring.query import RingReader
from edge.serve.app import Pull
from edge.serve.clips import Clips
from edge.serve.peer import PeerProtocol
from edge.serve.prepared import PreparedClips
from edge.serve.register import Register
from edge.serve.shelf import V1, Shelf

log = logging.getLogger(__name__)

READERS = 2
"""Threads that read clips for clients: the recorder writes to the same card."""
_NICE = 10
_LOOK_S = 1.0
_STOP_S = 10.0
_KEEP_ALIVE_S = 15
_HEADER_BYTES = 16 << 10


def run_pull(config: NodeConfig, stop: Event, tell: Callable[[str], None]) -> int:
    """Until `stop`. tell: gets the address once it answers. Returns 0; 1 when the server's thread broke. Raises ConfigError: no [serve]
    section, a port that is taken, certificates or keys that cannot be used; TryAgain: the address is not (yet) one of this machine;
    StorageError: the data partition is not there. Main thread."""
    if config.serve is None:
        raise ConfigError("there is no [serve] section: nothing is served", remedy="add host, certificate, key and ca to node.toml")
    disk, folders = LinuxDisk(), folders_of(config)
    disk.stat(folders.data)
    if config.node.sentinel:
        check_sentinel(disk, folders.data, config.node.id)
    tls = context_of(config.serve)
    listener = _listener(config.serve)
    os.nice(_NICE)
    with _Threads() as threads:
        clock = KernelClock(config.clock.trust, config.clock.max_error_ms)
        pull = build(config, config.serve, disk, clock, threads, stop)
        server = HttpServer("pull", pull.app, listener, tls, Manners(PeerProtocol, _KEEP_ALIVE_S, _HEADER_BYTES))
        address = address_of("https", config.serve.host, listener.getsockname()[1]) + V1
        try:
            return _run(server, stop, lambda: tell(address))
        finally:
            systemd.stopping()
            server.stop(_STOP_S)


class _Threads:
    """Pools by name; ended together, the work that has not begun is left."""

    def __init__(self) -> None:
        self.looking = ThreadPoolExecutor(1, thread_name_prefix="pull-look")
        self.preparing = ThreadPoolExecutor(1, thread_name_prefix="pull-prepare")
        self.reading = ThreadPoolExecutor(READERS, thread_name_prefix="pull-read")
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="pull-journal")

    def __enter__(self) -> _Threads:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.looking, self.preparing, self.reading, self.writing):
            each.shutdown(wait=False, cancel_futures=True)


def build(config: NodeConfig, serve: Serve, disk: Disk, clock: Clock, threads: _Threads, stop: Event) -> Pull:
    """Every part by name."""
    boot, data = boot_id(), folders_of(config).data

    def ring() -> RingReader:
        return RingReader(disk, data, clock, boot, config.retention.days)

    def check() -> None:
        if stop.is_set():
            raise TryAgain("the server stops")

    names = {camera.id: camera.name for camera in config.camera}
    shelf = Shelf(config.node.id, config.node.place, names, ring, disk, clock, threads.looking, threads.reading)
    register = Register(config, serve.per_operator_and_hour, disk, clock, boot, threads.writing)
    prepared = PreparedClips(partial(find_clips, disk, config.node.id, check=check), ring, clock, threads.preparing)
    return Pull(serve, shelf, Clips(shelf, prepared, register, serve.streams, serve.rate_kbps), register)


def context_of(serve: Serve) -> ssl.SSLContext:
    """Raises ConfigError, which names the keys to look at."""
    fault = secret_fault(Path(serve.key))
    if fault is not None:
        raise ConfigError(f"serve.key: {fault}")
    for key in ("certificate", "ca", *(["crl"] if serve.crl else [])):
        path = Path(getattr(serve, key))
        if not path.is_file():
            raise ConfigError(f"serve.{key}: {path}: there is no such file")
    try:
        server_context(serve.certificate, serve.key)
    except OSError as error:
        remedy = "both in PEM, the certificate made for this key, the key without a password"
        raise ConfigError(f"serve.certificate and serve.key do not load: {_words(error)}", remedy=remedy) from error
    try:
        return server_context(serve.certificate, serve.key, serve.ca, serve.crl)
    except OSError as error:
        raise ConfigError(
            f"serve.ca{' or serve.crl' if serve.crl else ''} does not load: {_words(error)}", remedy="PEM is wanted"
        ) from error


def _words(error: OSError) -> str:
    """Of OpenSSL, without the place in its source."""
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else error.strerror or str(error)


def _listener(serve: Serve) -> socket.socket:
    """Raises ConfigError, TryAgain."""
    where = f"[serve] {serve.host}:{serve.port}"
    try:
        return listening_socket(serve.host, serve.port)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EINTR):
            raise TryAgain(f"{where}: this machine has no such address now", remedy="is the VPN up?") from error
        remedy = "see who listens: ss -ltnp; or choose another port" if error.errno == errno.EADDRINUSE else "correct host and port"
        raise ConfigError(f"{where}: {error.strerror or error}", remedy=remedy) from error


def _run(server: HttpServer, stop: Event, tell: Callable[[], None]) -> int:
    if not server.start():
        raise TryAgain("the server did not start")
    tell()
    systemd.ready("serving")
    interval_s = systemd.watchdog_interval_s()
    while server.alive and not stop.wait(min(_LOOK_S, interval_s or _LOOK_S)):
        systemd.watchdog()
    if not stop.is_set():
        log.error("the thread of the server has ended by a fault: its traceback is above")
        return 1
    return 0
