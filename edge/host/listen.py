"""An HTTP server on a port of this machine: uvicorn in a thread, started and stopped in order."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Any

import uvicorn

START_S = 10.0
_BACKLOG = 128


def listening_socket(host: str, port: int) -> socket.socket:
    """port 0: any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def address_of(scheme: str, host: str, port: int) -> str:
    """ "https://192.0.2.7:8443"."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def server_context(certificate: str, key: str, client_ca: str = "", crl: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer. Paths of PEM files; key "": it is in the file of the certificate. client_ca: only clients it certified come in.
    crl: its list of revoked certificates; once that list is past its next update nobody comes in. Raises OSError (ssl.SSLError is one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without a password function OpenSSL would ask on the terminal for that of an encrypted key.
    context.load_cert_chain(certificate, key or None, password=lambda: "")
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        # A resumed session would not be checked against authority and list again.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    if crl:
        context.load_verify_locations(crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


@dataclass(frozen=True, slots=True)
class Manners:
    """How connections are treated. protocol: "h11", or a class made from uvicorn's H11Protocol. keep_alive_s: an idle connection is closed
    after that. header_bytes: most of a request line and its headers."""

    protocol: str | type[asyncio.Protocol] = "h11"
    keep_alive_s: int = 60
    header_bytes: int = 64 << 10
    stop_s: int = 2


class HttpServer:
    """`app`: ASGI. `listener`: bound already; closed by `stop`. tls: None is plain HTTP. Thread: `name`, which runs the event loop.
    `start`, then `stop`, from one thread."""

    def __init__(self, name: str, app: Any, listener: socket.socket, tls: ssl.SSLContext | None, manners: Manners) -> None:
        config = uvicorn.Config(
            app,
            http=manners.protocol,
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=manners.keep_alive_s,
            timeout_graceful_shutdown=manners.stop_s,
            h11_max_incomplete_event_size=manners.header_bytes,
        )
        config.load()
        config.ssl = tls
        self._listener = listener
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> bool:
        """Whether it answers now."""
        self._thread.start()
        return self._server.ready.wait(START_S)

    def stop(self, timeout_s: float) -> bool:
        """No new requests; those under way end, or are cut. Whether the thread has ended. Idempotent."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        self._listener.close()
        return not self._thread.is_alive()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
