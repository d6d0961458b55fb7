"""Runs the upload receiver in threads of this process, with an ordered start and stop."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from edge.centre.admission import Admission
from edge.centre.patience import patient
from edge.centre.receiver import Receiver
from edge.centre.upload_store import StoreLimits, UploadStore
from edge.clock import Clock
from edge.config.cross import is_loopback
from edge.errors import ConfigError, TryAgain
from edge.host.disk import Disk

_LOG = logging.getLogger(__name__)
_START_S = 10.0
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
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = settings.port

    @property
    def url(self) -> str:
        """The creation URL. Known once started."""
        scheme = "https" if self._settings.certificate else "http"
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"{scheme}://{host}:{self.port}{_PATH}"

    def start(self) -> None:
        """Answers when it returns. Raises TryAgain when the port is taken, ConfigError for certificates that do not load."""
        settings = self._settings
        try:
            self._socket = socket.create_server(
                (settings.host, settings.port), family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET, backlog=128
            )
        except OSError as error:
            raise TryAgain(f"upload receiver: {settings.host}:{settings.port}: {error}") from error
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            self.receiver.app,
            http=patient(settings.idle_s),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
            ssl_certfile=settings.certificate or None,
            ssl_keyfile=settings.key or None,
            ssl_ca_certs=settings.client_ca or None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if settings.client_ca else ssl.CERT_NONE,
        )
        try:
            config.load()
        except (OSError, ValueError) as error:
            self._socket.close()
            raise ConfigError(f"upload receiver: certificate, key or client_ca: {error}") from error
        server = _Server(config)
        self._server = server
        self._thread = threading.Thread(target=server.run, kwargs={"sockets": [self._socket]}, name="receiver", daemon=True)
        self._thread.start()
        if not server.ready.wait(_START_S):
            self.stop()
            raise TryAgain("upload receiver: did not start")
        _LOG.info("upload receiver: %s -> %s", self.url, settings.folder)

    def stop(self, timeout_s: float = 10.0) -> None:
        """No new requests; those under way end or are cut after two seconds; a file being hashed is hashed to its end. Idempotent."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                _LOG.error("upload receiver: still busy after %.0f s", timeout_s)
        if self._socket is not None:
            self._socket.close()
        self._hasher.shutdown(wait=True, cancel_futures=True)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _check(settings: ServeSettings) -> None:
    if not is_loopback(settings.host) and not (settings.certificate and (settings.token or settings.tokens_file or settings.client_ca)):
        raise ConfigError(
            f"upload receiver: {settings.host} is not loopback", remedy="give a certificate, and a token or an authority of clients"
        )
