"""How long the certificates still are good by which this node names itself: to the broker and to the server that takes clips.

The one that nodes sign with is not among them: see key_standing.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from edge.clock import NS_PER_S, Clock, format_utc
from edge.config.model import NodeConfig
from edge.seal.certificates import LARGEST_CHAIN_BYTES, BadCertificate, read_certificates, validity_of
from edge.services.agent_alarms import Severity

log = logging.getLogger(__name__)

CODE = "link_certificate_expiring"
EVERY_S = 60.0
DAYS = 30.0
_DAY_NS = 86_400 * NS_PER_S
TODO = "issue a new certificate and replace the files; they are read at the next connection"


class Tell(Protocol):
    """As LinkAlarms.set."""

    def __call__(
        self, code: str, severity: Severity | None, text: str, todo: str, *, value: float | None = None, threshold: float | None = None
    ) -> None: ...


class CertificateWatch:
    """One thread."""

    def __init__(self, config: NodeConfig, clock: Clock) -> None:
        self._clock = clock
        named = {
            CODE: ("[mqtt]", config.mqtt.certificate if config.mqtt is not None else ""),
            f"{CODE}.upload": ("[upload]", config.upload.certificate if config.upload is not None else ""),
        }
        self._files = {code: (section, Path(path)) for code, (section, path) in named.items() if path}

    def look(self, tell: Tell) -> None:
        """A warning 30 days before the end of the file's first certificate to expire, critical afterwards. One that does not read, and a
        clock that is not set, say nothing either way."""
        now = self._clock.read()
        for code, (section, path) in self._files.items():
            end_ns = _end_ns(path) if now.dated else None
            if end_ns is None:
                continue
            days = (end_ns - now.utc_ns) / _DAY_NS
            severity: Severity | None = "critical" if days < 0 else "warning" if days < DAYS else None
            text = f"the certificate of {section} {'ended' if days < 0 else 'ends'} on {format_utc(end_ns)[:10]}"
            tell(code, severity, text, TODO, value=round(days, 1), threshold=DAYS)


def _end_ns(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            found = read_certificates(file.read(LARGEST_CHAIN_BYTES + 1))
        return min(validity_of(each)[1] for each in found)
    except (OSError, BadCertificate) as error:
        log.warning("%s: it is not known how long this certificate is good: %s", path, error)
        return None
