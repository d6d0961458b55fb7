"""TLS to the upload server, from files that are renewed while the agent runs: the next connection uses what lies there then."""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path

from edge.errors import ConfigError

_LOG = logging.getLogger(__name__)
_State = tuple[tuple[int, int, int], ...]


class TlsFiles:
    """ca "": the system's authorities. certificate, key: the client's own, "" for none. Any thread."""

    def __init__(self, ca: str = "", certificate: str = "", key: str = "") -> None:
        """Raises ConfigError when they do not load."""
        self._ca, self._certificate, self._key = ca, certificate, key
        self._lock = threading.Lock()
        self._state = self._look()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """Loaded again when a file has changed. Files that do not load (half-written, key and certificate of two renewals) change nothing
        and are looked at again at the next connection."""
        with self._lock:
            now = self._look()
            if now != self._state:
                try:
                    self._context = self._load()
                except ConfigError as error:
                    _LOG.error("%s; what was loaded before stays", error)
                else:
                    self._state = now
                    _LOG.info("[upload] ca, certificate and key: loaded anew")
            return self._context

    def _load(self) -> ssl.SSLContext:
        try:
            made = ssl.create_default_context(cafile=self._ca or None)
            if self._certificate:
                made.load_cert_chain(self._certificate, self._key or None)
        except (OSError, ValueError) as error:
            raise ConfigError(f"[upload] ca, certificate or key: {error}") from error
        return made

    def _look(self) -> _State:
        return tuple(_state(name) for name in (self._ca, self._certificate, self._key))


def _state(name: str) -> tuple[int, int, int]:
    if not name:
        return (0, 0, 0)
    try:
        found = Path(name).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
