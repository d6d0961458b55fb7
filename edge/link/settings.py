"""From the [mqtt] section to what a link needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.config.cross import is_loopback
from edge.config.model import Mqtt
from edge.errors import ConfigError
from edge.link.dial import Tls, Version, version_of
from edge.link.password import PasswordFile

SESSION_EXPIRY_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """receive_maximum: most messages of QoS 1 the broker may have unacknowledged towards us. ack_timeout_s: a broker that answers pings but
    no publication for this long is left. ask_again_s: between two attempts at a subscription that the broker refused."""

    host: str
    port: int
    client_id: str
    tls: Tls | None = None
    user: str = ""
    password: PasswordFile | None = None
    keepalive_s: int = 30
    backoff_max_s: float = 300.0
    session_expiry_s: int = SESSION_EXPIRY_S
    receive_maximum: int = 64
    max_packet_bytes: int = 256 * 1024
    connect_timeout_s: float = 20.0
    ack_timeout_s: float = 18.0
    ask_again_s: float = 60.0

    def versions(self) -> list[Version]:
        """Changes when a file by which the node names itself is replaced."""
        return [*(self.tls.versions() if self.tls else ()), *([version_of(self.password.path)] if self.password else ())]


def settings_of(mqtt: Mqtt, client_id: str, folder: Path = Path()) -> LinkSettings:
    """`folder`: what relative paths are relative to. Raises ConfigError: plain text to another machine, unusable files."""
    if not mqtt.tls and not is_loopback(mqtt.host):
        raise ConfigError(f"[mqtt] tls = false for {mqtt.host}: plain text is allowed on loopback only", remedy="set tls = true")
    tls = None
    if mqtt.tls:
        tls = Tls(mqtt.host, _path(folder, mqtt.ca), _path(folder, mqtt.certificate), _path(folder, mqtt.key))
    return LinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=client_id,
        tls=tls,
        user=mqtt.user,
        password=PasswordFile(folder / mqtt.password_file, "mqtt.password_file") if mqtt.password_file else None,
        keepalive_s=mqtt.keepalive_s,
        backoff_max_s=mqtt.backoff_max_s,
    )


def _path(folder: Path, text: str) -> Path | None:
    return folder / text if text else None
