"""Runs the upload receiver in threads of this process, with an ordered start and stop."""

from __future__ import annotations

import logging
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from edge.centre.admission import Admission
from edge.centre.receiver import Receiver
from edge.centre.upload_store import StoreLimits, UploadStore
from edge.clock import Clock
from edge.config.cross import is_loopback
from edge.errors import ConfigError, TryAgain
from edge.host.disk import Disk
from edge.host.listen import HttpServer, Manners, address_of, listening_socket, server_context
from edge.host.patience import patient

_LOG = logging.getLogger(__name__)
_PATH = "/files"


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """port 0: any free one. certificate, key: PEM files for TLS; client_ca: PEM of the authority whose clients alone may connect.
    Anything but loopback needs a token, tokens (a file with a token of its own for each node) or client_ca."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    token: str = ""
    tokens_file: Path | None = None
    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    idle_s: float = 15.0
    limits: StoreLimits = field(default_factory=StoreLimits)


class ReceiverServer:
    """Threads: "receiver" (event loop), its pool for disk calls, "receiver-hash" (one). `start`, then `stop`, from one thread."""

    def __init__(self, settings: ServeSettings, disk: Disk, clock: Clock) -> None:
        """Raises ConfigError, StorageError."""
        _check(settings)
        self._settings = settings
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="receiver-hash")
        store = UploadStore(disk, settings.folder, clock, settings.limits)
        self.receiver = Receiver(store, self._hasher, Admission(settings.token, settings.tokens_file), _PATH, settings.idle_s)
        self._server: HttpServer | None = None
        self.port = settings.port

    @property
    def url(self) -> str:
        """The creation URL. Known once started."""
        return address_of("https" if self._settings.certificate else "http", self._settings.host, self.port) + _PATH

    def start(self) -> None:
        """Answers when it returns. Raises TryAgain when the port is taken, ConfigError for certificates that do not load."""
        settings = self._settings
        tls = _tls(settings)
        try:
            listener = listening_socket(settings.host, settings.port)
        except OSError as error:
            raise TryAgain(f"upload receiver: {settings.host}:{settings.port}: {error}") from error
        self.port = int(listener.getsockname()[1])
        self._server = HttpServer("receiver", self.receiver.app, listener, tls, Manners(protocol=patient(settings.idle_s)))
        if not self._server.start():
            self.stop()
            raise TryAgain("upload receiver: did not start")
        _LOG.info("upload receiver: %s -> %s", self.url, settings.folder)

    def stop(self, timeout_s: float = 10.0) -> None:
        """No new requests; those under way end or are cut after two seconds; a file being hashed is hashed to its end. Idempotent."""
        if self._server is not None and not self._server.stop(timeout_s):
            _LOG.error("upload receiver: still busy after %.0f s", timeout_s)
        self._hasher.shutdown(wait=True, cancel_futures=True)


def _tls(settings: ServeSettings) -> ssl.SSLContext | None:
    if not settings.certificate:
        return None
    try:
        return server_context(settings.certificate, settings.key, settings.client_ca)
    except OSError as error:
        raise ConfigError(f"upload receiver: certificate, key or client_ca: {error}") from error


def _check(settings: ServeSettings) -> None:
    if not is_loopback(settings.host) and not (settings.certificate and (settings.token or settings.tokens_file or settings.client_ca)):
        raise ConfigError(
            f"upload receiver: {settings.host} is not loopback", remedy="give a certificate, and a token or an authority of clients"
        )
