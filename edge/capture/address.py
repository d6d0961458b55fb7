"""Where a network camera is and how to log in, kept apart so that neither password nor path is ever shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from edge.errors import ConfigError

_PORTS = {"rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True)
class Address:
    """shown: scheme, host and port, for logs and errors; the path stays out of it, since some cameras take the password there.
    url: without credentials."""

    shown: str
    host: str
    port: int
    tls: bool
    url: str = field(repr=False)
    user: str = field(repr=False)
    password: str = field(repr=False)

    def with_login(self) -> str:
        """The URL with its credentials, for a library that wants them there."""
        if not self.user:
            return self.url
        scheme, rest = self.url.split("://", 1)
        return f"{scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{rest}"


def address_of(url: str, user: str = "", password: str = "") -> Address:
    """Credentials in the URL are used where `user` is empty. Raises ConfigError without repeating anything secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 554)
    except ValueError:
        host, port = None, 0
    if not host:
        raise ConfigError("the camera's URL has no valid host or port", remedy="use rtsp://HOST[:PORT]/PATH")
    if not user and parts.username:
        user, password = unquote(parts.username), unquote(parts.password or "")
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    return Address(f"{parts.scheme} {host}:{port}", host, port, parts.scheme == "rtsps", bare, user, password)
